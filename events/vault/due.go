package vault

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"slices"
	"time"

	"github.com/westshore/hub/events"
)

// KeyState is what may be done with a live key.
type KeyState uint8

// The states of a live key.
const (
	Live       KeyState = stateLive
	Restricted KeyState = stateRestricted // the person asked to restrict its use
	Deferred   KeyState = stateDeferred   // ordered to be destroyed, kept by a hold alone
)

// String names the state.
func (s KeyState) String() string {
	switch s {
	case Live:
		return "live"
	case Restricted:
		return "restricted"
	case Deferred:
		return "deferred"
	}
	return "unknown"
}

// Info describes a live key.
type Info struct {
	KID      events.KID
	Subject  events.SubjectID
	Category events.Category
	Class    events.Class
	Event    events.UUID
	Stream   events.Stream
	State    KeyState
	Holds    int
	Minted   time.Time
	Expires  time.Time // zero: no date yet
}

const infoColumns = "kid, subject, category, class, event, stream, state, hold_n, minted_at, expires_at"

func (v *Vault) infos(ctx context.Context, where string, args ...any) ([]Info, error) {
	var out []Info
	// A sweep lists a million keys: nothing is copied that the row lends, and the
	// few categories and classes there are exist once.
	var kid, subject, category, class, event sql.RawBytes
	var minted int64
	var expires sql.NullInt64
	categories, classes := map[string]events.Category{}, map[string]events.Class{}
	err := selectEach(ctx, v.r, "SELECT "+infoColumns+" FROM seg_key WHERE "+where, args, func(r *sql.Rows) error {
		var i Info
		if err := r.Scan(&kid, &subject, &category, &class, &event, (*string)(&i.Stream), (*uint8)(&i.State), &i.Holds, &minted, &expires); err != nil {
			return err
		}
		if i.Category = categories[string(category)]; i.Category == "" {
			i.Category = events.Category(category)
			categories[string(category)] = i.Category
		}
		if i.Class = classes[string(class)]; i.Class == "" {
			i.Class = events.Class(class)
			classes[string(class)] = i.Class
		}
		i.KID, i.Subject, i.Minted = events.KID(hex.EncodeToString(kid)), subjectID(subject), time.UnixMilli(minted).UTC()
		copy(i.Event[:], event)
		if expires.Valid {
			i.Expires = time.UnixMilli(expires.Int64).UTC()
		}
		out = append(out, i)
		return nil
	})
	return out, err
}

// SubjectKeys describes the live keys of a person, oldest first.
func (v *Vault) SubjectKeys(ctx context.Context, s events.SubjectID) ([]Info, error) {
	out, err := v.infos(ctx, "subject = ? ORDER BY kid", subjectKey(s))
	return out, explain("list keys of a subject", err)
}

// StreamKeys describes the live keys of a stream, oldest first; not those of
// streams that are bound to it.
func (v *Vault) StreamKeys(ctx context.Context, s events.Stream) ([]Info, error) {
	out, err := v.infos(ctx, "stream = ? ORDER BY kid", string(s))
	return out, explain("list keys of a stream", err)
}

// dueNow is the condition of the index seg_key_due: held keys and those whose
// use is restricted are never due.
const dueNow = "expires_at IS NOT NULL AND hold_n = 0 AND state = 1 AND expires_at <= ?"

// Due lists up to limit keys whose time has come, the longest due first. Held
// keys and restricted ones are not among them. It fails with ErrUnsettled while
// a new schedule is being worked in.
func (v *Vault) Due(ctx context.Context, at time.Time, limit int) ([]Info, error) {
	if v.unsettled.Load() {
		return nil, explain("list due keys", ErrUnsettled)
	}
	out, err := v.infos(ctx, dueNow+" ORDER BY expires_at, kid LIMIT ?", millis(at), limit)
	return out, explain("list due keys", err)
}

// Preview is what a sweep would destroy.
type Preview struct {
	Digest  string // SHA-256 over the sorted names of the keys, 16 bytes each, in hexadecimal digits
	N       int
	ByClass map[events.Class]int
	Oldest  time.Time // when the first of them was due
}

// DueDigest sums up all that Due would list without a limit.
func (v *Vault) DueDigest(ctx context.Context, at time.Time) (Preview, error) {
	p := Preview{ByClass: map[events.Class]int{}}
	if v.unsettled.Load() {
		return p, explain("preview due keys", ErrUnsettled)
	}
	var kids [][kidSize]byte
	var oldest int64
	err := selectEach(ctx, v.r, "SELECT kid, class, expires_at FROM seg_key WHERE "+dueNow, []any{millis(at)}, func(r *sql.Rows) error {
		var kid sql.RawBytes
		var class string
		var expires int64
		if err := r.Scan(&kid, &class, &expires); err != nil {
			return err
		}
		if len(kids) == 0 || expires < oldest {
			oldest = expires
		}
		kids = append(kids, [kidSize]byte(kid))
		p.ByClass[events.Class(class)]++
		return nil
	})
	if err != nil {
		return p, explain("preview due keys", err)
	}
	if p.N = len(kids); p.N > 0 {
		p.Oldest = time.UnixMilli(oldest).UTC()
	}
	p.Digest = digestOf(kids)
	return p, nil
}

// Digest sums up the names of keys as Preview does, for comparing an approved
// list with a preview.
func Digest(kids []events.KID) (string, error) {
	raw, err := parseKIDs(kids)
	if err != nil {
		return "", explain("digest keys", err)
	}
	list := make([][kidSize]byte, len(raw))
	for i := range raw {
		list[i] = [kidSize]byte(raw[i])
	}
	return digestOf(list), nil
}

func digestOf(kids [][kidSize]byte) string {
	slices.SortFunc(kids, func(a, b [kidSize]byte) int { return bytes.Compare(a[:], b[:]) })
	sum := sha256.New()
	for i := range kids {
		sum.Write(kids[i][:])
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// subjectID is the subject that rests as these bytes (see subjectKey).
func subjectID(b []byte) events.SubjectID {
	if len(b) == 16 {
		return events.SubjectID(hex.EncodeToString(b))
	}
	return events.SubjectID(b)
}

// Checkpoint returns what SetCheckpoint kept under a name, nil when there is
// nothing.
//
// Whoever feeds the vault with facts from the log, such as anchors, keeps its
// place in the log here: when the vault is restored from a backup, the place goes
// back with the facts, and those that are missing are fed again.
func (v *Vault) Checkpoint(ctx context.Context, name string) ([]byte, error) {
	b, err := readMark(ctx, v.r, "checkpoint:"+name)
	return b, explain("read checkpoint", err)
}

// SetCheckpoint keeps a place in the log.
func (v *Vault) SetCheckpoint(ctx context.Context, name string, value []byte) error {
	err := v.w.do(ctx, &job{run: func(ctx context.Context, w *writer) error { return setMark(ctx, w, "checkpoint:"+name, value) }})
	return explain("set checkpoint", err)
}
