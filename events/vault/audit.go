package vault

import (
	"context"
	"database/sql"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/westshore/hub/events"
)

// AccessQuery asks the access log. Zero fields ask for nothing in particular.
type AccessQuery struct {
	Actor    events.Actor
	Purpose  events.Purpose
	Subject  events.SubjectID // calls for keys of theirs that live still
	KIDs     []events.KID     // calls for one of these
	From, To time.Time        // To is not included
	Before   int64            // goes on from the last line of the page before
	Limit    int              // 0: 100
}

// AccessLine is one call of Keys. Views open all they keep and are noted without
// names.
type AccessLine struct {
	ID int64
	Access
	KIDs []events.KID
}

// auditPage is how many lines are read at a time: a long read would keep the
// write-ahead log from being cut.
const auditPage = 2000

// AccessLog lists who opened what, the newest first, within the 13 months the log
// is kept. A page shorter than the limit is the last one.
func (v *Vault) AccessLog(ctx context.Context, q AccessQuery) ([]AccessLine, error) {
	out, err := v.accessLog(ctx, &q)
	if err != nil {
		return nil, fmt.Errorf("read access log: %w", err)
	}
	return out, nil
}

func (v *Vault) accessLog(ctx context.Context, q *AccessQuery) ([]AccessLine, error) {
	if err := v.access.write(ctx); err != nil {
		return nil, err
	}
	wanted, err := v.wanted(ctx, q)
	if err != nil || wanted != nil && len(wanted) == 0 {
		return nil, err
	}
	if q.Limit <= 0 {
		q.Limit = 100
	}
	where, args := "opened.id < ?", []any{int64(1<<63 - 1)}
	if q.Before > 0 {
		args[0] = q.Before
	}
	add := func(cond string, arg any) { where, args = where+" AND "+cond, append(args, arg) }
	if q.Actor != "" {
		add("actor = ?", string(q.Actor))
	}
	if q.Purpose != "" {
		add("purpose = ?", string(q.Purpose))
	}
	if !q.From.IsZero() {
		add("at >= ?", millis(q.From))
	}
	if !q.To.IsZero() {
		add("at < ?", millis(q.To))
	}
	query := `SELECT opened.id, at, actor, role, purpose, coalesce(matter, ''), coalesce(second, ''), n, denied, kids
		FROM opened JOIN opener ON opener.id = opener WHERE ` + where + " ORDER BY opened.id DESC LIMIT ?"
	args = append(args, auditPage)
	var out []AccessLine
	for {
		seen := 0
		err := selectEach(ctx, v.r, query, args, func(r *sql.Rows) error {
			l, err := scanLine(r)
			seen, args[0] = seen+1, l.ID
			if err == nil && len(out) < q.Limit && l.about(wanted) {
				out = append(out, l)
			}
			return err
		})
		if err != nil || seen < auditPage || len(out) >= q.Limit {
			return out, err
		}
	}
}

// wanted is the set of keys that lines must name, nil for all lines.
func (v *Vault) wanted(ctx context.Context, q *AccessQuery) (map[events.KID]bool, error) {
	if q.Subject == "" && q.KIDs == nil {
		return nil, nil
	}
	kids := q.KIDs
	if q.Subject != "" {
		theirs, err := v.KeysOf(ctx, q.Subject)
		if err != nil {
			return nil, err
		}
		kids = append(theirs, kids...)
	}
	set := make(map[events.KID]bool, len(kids))
	for _, k := range kids {
		set[k] = true
	}
	return set, nil
}

func scanLine(r *sql.Rows) (AccessLine, error) {
	var l AccessLine
	var at int64
	var kids []byte
	err := r.Scan(&l.ID, &at, &l.Who.Actor, &l.Who.Role, &l.Who.Purpose, &l.Who.Matter, &l.Who.Second, &l.Opened, &l.Denied, &kids)
	l.At = time.UnixMilli(at).UTC()
	for ; len(kids) >= kidSize; kids = kids[kidSize:] {
		l.KIDs = append(l.KIDs, events.KID(hex.EncodeToString(kids[:kidSize])))
	}
	return l, err
}

func (l *AccessLine) about(wanted map[events.KID]bool) bool {
	if wanted == nil {
		return true
	}
	for _, k := range l.KIDs {
		if wanted[k] {
			return true
		}
	}
	return false
}
