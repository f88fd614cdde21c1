package vault

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/westshore/hub/events"
)

// Request asks for the key of one segment. Anchor and Ref are for the rare
// segment whose period runs from something else than the schedule says for its
// class: Ref names the stream or the subject whose end starts it. Zero is what
// the schedule says, the segment's own stream and its own subject.
type Request struct {
	Event     events.UUID
	Stream    events.Stream
	Subject   events.SubjectID
	Category  events.Category
	Class     events.Class
	Anchor    Anchor
	Ref       string
	Collected time.Time // zero: now
}

// Key is a new key. Commit may stand in the clear (see Result).
type Key struct {
	KID    events.KID
	DEK    [32]byte
	Commit []byte
}

// minted is a row on its way into the vault.
type minted struct {
	req     *Request
	kid     [kidSize]byte
	subject []byte
	dek     *[keySize]byte
	commit  []byte
	epoch   int64
	wrapped []byte
	expires sql.NullInt64
}

// Mint makes a key for each request, in order, and returns when all are
// durable. Callers that come at the same time share one write to the disk.
//
// It refuses with ErrFenced, and mints nothing, when one of the subjects was
// fenced after the unit of work began.
func (v *Vault) Mint(ctx context.Context, u UnitOfWork, reqs []Request) ([]Key, error) {
	if len(reqs) == 0 {
		return nil, nil
	}
	if v.gated.Load() {
		return nil, fmt.Errorf("mint keys: %w", ErrGated)
	}
	now := v.now()
	keys, rows := make([]Key, len(reqs)), make([]minted, len(reqs))
	set := v.keks.Load()
	space := make([]byte, 0, len(reqs)*wrapSize)
	for i := range reqs {
		if err := reqs[i].check(); err != nil {
			return nil, fmt.Errorf("mint keys: %w", err)
		}
		k, r := &keys[i], &rows[i]
		*r = minted{req: &reqs[i], kid: newKID(now), subject: subjectKey(reqs[i].Subject), dek: &k.DEK, epoch: set.current}
		rand.Read(k.DEK[:])
		c := commitment(k.DEK[:])
		k.KID, k.Commit, r.commit = events.KID(hex.EncodeToString(r.kid[:])), c[:], c[:]
		space = wrap(space, set.aead[set.current], k.DEK[:], r.kid[:])
		r.wrapped = space[len(space)-wrapSize:]
	}
	err := v.w.do(ctx, &job{run: func(ctx context.Context, w *writer) error { return v.insertKeys(ctx, w, u, now, rows) }})
	if err != nil {
		return nil, explain("mint keys", err)
	}
	v.counts.minted.Add(int64(len(keys)))
	return keys, nil
}

func (r *Request) check() error {
	switch {
	case r.Event.IsZero() || r.Stream == "":
		return errors.New("a request names no event or no stream")
	case r.Subject == "" || len(r.Subject) > 64:
		return errors.New("a request names no subject")
	case r.Category == "" || r.Class == "":
		return errors.New("a request names no category or no class")
	case r.Anchor > AnchorRelationship:
		return errors.New("a request names an unknown anchor")
	}
	return nil
}

// newKID makes the name of a key: four bytes of the time in seconds, then 96
// random bits. Keys of one time rest side by side, so minting, reading a ticket
// and destroying what expired touch few pages. The time says nothing that the
// event beside it does not.
func newKID(now time.Time) (kid [kidSize]byte) {
	binary.BigEndian.PutUint32(kid[:], uint32(now.Unix()))
	rand.Read(kid[4:])
	return kid
}

const (
	keyColumns   = "INSERT INTO seg_key (kid, subject, category, class, event, stream, minted_at, anc_kind, anc_ref, anc_at, expires_at, sv, pv, state, hold_n, shard, epoch, wrapped, kc) VALUES "
	keyRow       = "(?,?,?,?,?,?,?,?,?,?,?,?,?,1,0,0,?,?,?)"
	keysAtOnce   = 32
	columnsOfKey = 16
)

var (
	insertOne  = keyColumns + keyRow
	insertMany = keyColumns + keyRow + strings.Repeat(","+keyRow, keysAtOnce-1)
)

func (v *Vault) insertKeys(ctx context.Context, w *writer, u UnitOfWork, now time.Time, rows []minted) error {
	if err := checkFences(ctx, w, u, rows); err != nil {
		return err
	}
	v.catchUp(rows)
	if err := v.dateNew(ctx, w, now, rows); err != nil {
		return err
	}
	schedule, policy := v.plan.Load().version(), v.policies.Load().now
	args := make([]any, 0, keysAtOnce*columnsOfKey)
	for n := 0; n < len(rows); {
		query, step := insertOne, 1
		if len(rows)-n >= keysAtOnce {
			query, step = insertMany, keysAtOnce
		}
		args = args[:0]
		for i := range rows[n : n+step] {
			r := &rows[n+i]
			kind := sql.NullInt64{Int64: int64(r.req.Anchor), Valid: r.req.Anchor != AnchorNone}
			args = append(args, r.kid[:], r.subject, string(r.req.Category), string(r.req.Class), r.req.Event[:],
				string(r.req.Stream), millis(now), kind, optionalBytes(r.req.Ref), moment(r.req.Collected), r.expires,
				schedule, policy, r.epoch, r.wrapped, r.commit)
		}
		if _, err := w.exec(ctx, query, args...); err != nil {
			return err
		}
		n += step
	}
	return v.holdNew(ctx, w, now, rows)
}

// optionalBytes is a text as bytes, nil when it is empty.
func optionalBytes(s string) []byte {
	if s == "" {
		return nil
	}
	return []byte(s)
}

// catchUp wraps keys anew whose epoch ended between wrapping and writing. It
// runs on the writer, as the change of epochs does.
func (v *Vault) catchUp(rows []minted) {
	set := v.keks.Load()
	for i := range rows {
		if r := &rows[i]; r.epoch != set.current {
			r.epoch, r.wrapped = set.current, wrap(nil, set.aead[set.current], r.dek[:], r.kid[:])
		}
	}
}

// abandonWithin is how young a key must be to be abandoned: older ones may
// belong to an event, and only Destroy ends those.
const abandonWithin = time.Hour

// Abandon removes keys whose event was certainly not written. They leave no
// tombstone: an event that turns up after all is an incident, not an erasure.
// Names that are not there are passed over; a key older than an hour is refused.
func (v *Vault) Abandon(ctx context.Context, kids []events.KID) error {
	raw, err := parseKIDs(kids)
	if err != nil || len(raw) == 0 {
		return err
	}
	oldest := millis(v.now().Add(-abandonWithin))
	err = v.w.do(ctx, &job{
		run: func(ctx context.Context, w *writer) error {
			for _, kid := range raw {
				var at int64
				err := selectEach(ctx, w, "SELECT minted_at FROM seg_key WHERE kid = ?", []any{kid}, func(r *sql.Rows) error {
					return r.Scan(&at)
				})
				if err == nil && at != 0 && at < oldest {
					err = errors.New("a key is older than an hour")
				}
				if err == nil {
					err = removeKey(ctx, w, kid)
				}
				if err != nil {
					return err
				}
			}
			return nil
		},
		after: func() { v.cache.invalidate(kids) },
	})
	return explain("abandon keys", err)
}

// removeKey deletes a key's rows, without a trace.
func removeKey(ctx context.Context, w *writer, kid []byte) error {
	for _, q := range []string{
		"DELETE FROM seg_key WHERE kid = ?", "DELETE FROM deferred WHERE kid = ?", "DELETE FROM hold_seg WHERE kid = ?",
	} {
		if _, err := w.exec(ctx, q, kid); err != nil {
			return err
		}
	}
	return nil
}

// parseHex reads 32 lower-case hexadecimal digits.
func parseHex(s string) (b [16]byte, ok bool) {
	if len(s) != 32 || strings.ToLower(s) != s {
		return b, false
	}
	_, err := hex.Decode(b[:], []byte(s))
	return b, err == nil
}

// parseKIDs reads the names of keys into 16 bytes each.
func parseKIDs(kids []events.KID) ([][]byte, error) {
	space, out := make([]byte, len(kids)*kidSize), make([][]byte, len(kids))
	for i, k := range kids {
		b, ok := parseHex(string(k))
		if !ok {
			return nil, errors.New("the name of a key is not 32 hexadecimal digits")
		}
		out[i] = space[i*kidSize : (i+1)*kidSize]
		copy(out[i], b[:])
	}
	return out, nil
}
