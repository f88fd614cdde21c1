package vault

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/westshore/hub/events"
)

// Restrict restricts the use of a person's data, or lifts the restriction (GDPR
// article 18): their keys open for claims, with consent, for the law and for the
// person only, and retention spares them. It holds for the keys there are;
// restricting again takes in those minted since. why is a reference such as the
// request's id, never a text about the person.
//
// Lifting destroys keys whose destruction waited for it alone.
func (v *Vault) Restrict(ctx context.Context, s events.SubjectID, on bool, why string) error {
	if s == "" || on && why == "" {
		return errors.New("restrict subject: a subject and a reason are needed")
	}
	key := subjectKey(s)
	var killed []events.KID
	err := v.w.do(ctx, &job{
		run: func(ctx context.Context, w *writer) (err error) {
			killed = nil
			if on {
				_, err = w.exec(ctx, "INSERT INTO restriction (subject, why, at) VALUES (?, ?, ?) ON CONFLICT (subject) DO UPDATE SET why = excluded.why, at = excluded.at",
					key, why, millis(v.now()))
			} else {
				_, err = w.exec(ctx, "DELETE FROM restriction WHERE subject = ?", key)
			}
			if err != nil {
				return err
			}
			from, to := stateLive, stateRestricted
			if !on {
				from, to = to, from
			}
			if _, err := w.exec(ctx, "UPDATE seg_key SET state = ? WHERE subject = ? AND state = ?", to, key, from); err != nil || on {
				return err
			}
			killed, err = v.killWaiting(ctx, w)
			return err
		},
		// Every cached key might be theirs.
		after: func() {
			v.cache.empty()
			if len(killed) > 0 {
				v.generation.Store(v.w.generation)
			}
		},
	})
	if err != nil {
		return explain("restrict subject", err)
	}
	v.counts.destroyed.Add(int64(len(killed)))
	if len(killed) > 0 {
		return explain("restrict subject", v.truncate(ctx))
	}
	return nil
}

// Restriction is a person's wish to restrict the use of their data.
type Restriction struct {
	Subject events.SubjectID
	Why     string
	At      time.Time
}

// Restrictions lists those in force, oldest first.
func (v *Vault) Restrictions(ctx context.Context) ([]Restriction, error) {
	var out []Restriction
	err := selectEach(ctx, v.r, "SELECT subject, why, at FROM restriction ORDER BY at, subject", nil, func(r *sql.Rows) error {
		var x Restriction
		var subject []byte
		var at int64
		err := r.Scan(&subject, &x.Why, &at)
		x.Subject, x.At = subjectID(subject), time.UnixMilli(at).UTC()
		out = append(out, x)
		return err
	})
	return out, explain("list restrictions", err)
}
