package vault

import (
	"context"
	"database/sql"
	"encoding/hex"
	"time"

	"github.com/westshore/hub/events"
)

// AccessQuery selects lines of the access log, newest first.
type AccessQuery struct {
	Actor   events.Actor   // empty: anybody
	Purpose events.Purpose // empty: any
	Before  int64          // number of a line; 0: the newest
	Limit   int            // 50 when zero, 500 at most
}

// AccessLine is one line of the access log with its number and the names of the
// keys, as far as it has them: views read everything and are noted without.
type AccessLine struct {
	N int64
	Access
	KIDs []events.KID
}

// AccessLog lists who opened what, as what and what for, within the 13 months the
// log is kept (GDPR article 32, policy clause 2.4).
func (v *Vault) AccessLog(ctx context.Context, q AccessQuery) ([]AccessLine, error) {
	if q.Limit <= 0 {
		q.Limit = 50
	}
	if q.Before <= 0 {
		q.Before = 1<<63 - 1
	}
	if err := v.access.write(ctx); err != nil {
		return nil, err
	}
	var out []AccessLine
	err := selectEach(ctx, v.r, `SELECT opened.id, at, actor, role, purpose, n, denied, kids, matter, second FROM opened JOIN opener ON opener.id = opener
		WHERE opened.id < ?1 AND (?2 = '' OR actor = ?2) AND (?3 = '' OR purpose = ?3) ORDER BY opened.id DESC LIMIT ?4`,
		[]any{q.Before, string(q.Actor), string(q.Purpose), min(q.Limit, 500)}, func(r *sql.Rows) error {
			var l AccessLine
			var at int64
			var kids []byte
			var matter, second sql.NullString
			err := r.Scan(&l.N, &at, &l.Who.Actor, &l.Who.Role, &l.Who.Purpose, &l.Opened, &l.Denied, &kids, &matter, &second)
			l.At, l.Who.Matter, l.Who.Second = time.UnixMilli(at).UTC(), matter.String, events.Actor(second.String)
			for ; len(kids) >= 16; kids = kids[16:] {
				l.KIDs = append(l.KIDs, events.KID(hex.EncodeToString(kids[:16])))
			}
			out = append(out, l)
			return err
		})
	return out, explain("read access log", err)
}
