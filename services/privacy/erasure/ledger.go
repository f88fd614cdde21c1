package erasure

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/events/store"
	"github.com/westshore/hub/events/vault"
)

// chunkKeys is how many keys one entry of the ledger names at most: about 180 KB.
const chunkKeys = 5000

// ErrAnchor means that the head of the ledger could not be noted apart from it,
// so nothing was carried out.
var ErrAnchor = errors.New("the head of the privacy ledger could not be anchored")

// Anchor is a place apart from the log that remembers the head of the ledger.
type Anchor struct {
	Name string
	Load func(context.Context) (vault.Mark, error) // zero when it remembers nothing
	Save func(context.Context, vault.Mark) error
	// Remote says that the place may be away for a while. The vault is then let in
	// without it, and nothing is destroyed before it is back.
	Remote bool
}

// Ledger is the redo log of destruction (PRIVACY 0.9). Nothing that a restored
// vault would have to forget again is done past it.
type Ledger struct {
	journal *journal.Journal
	vault   *vault.Vault
	anchors []Anchor
	log     *slog.Logger
	mu      sync.Mutex // one entry at a time
}

// NewLedger returns the ledger of a journal and a vault.
func NewLedger(j *journal.Journal, v *vault.Vault, anchors []Anchor, log *slog.Logger) *Ledger {
	return &Ledger{journal: j, vault: v, anchors: anchors, log: log.With("room", "ledger")}
}

// Target is a key that is to go, and the stream its segment stands in.
type Target struct {
	KID    events.KID
	Stream events.Stream
}

// Targets are the keys of infos.
func Targets(infos []vault.Info) []Target {
	out := make([]Target, len(infos))
	for i, x := range infos {
		out[i] = Target{x.KID, x.Stream}
	}
	return out
}

// Done is what came of an order.
type Done struct {
	vault.Destroyed
	Head vault.Mark // the last entry of the order
}

// Destroy writes the intent of an order and carries it out. An order that was
// interrupted is repeated from its intent, whatever targets are given then. A
// due time spares keys that are not due any more (see vault.Order).
func (l *Ledger) Destroy(ctx context.Context, order events.UUID, cause string, due time.Time, targets []Target) (Done, error) {
	intents, err := l.intend(ctx, order, cause, due, targets)
	if err != nil {
		return Done{}, fmt.Errorf("destroy: %w", err)
	}
	var done Done
	for i, e := range intents {
		mark := vault.Mark{Seq: e.Seq, Hash: string(e.Hash)}
		d, err := l.vault.Destroy(ctx, vault.Order{ID: e.Order, Cause: e.Cause, Ledger: mark, Due: e.Due, More: i < len(intents)-1}, e.KIDs)
		done.Killed, done.Deferred, done.Spared = append(done.Killed, d.Killed...), append(done.Deferred, d.Deferred...), append(done.Spared, d.Spared...)
		done.Head = mark
		if err != nil {
			return done, fmt.Errorf("destroy: %w", err)
		}
	}
	return done, nil
}

// intend returns the entries of an order that are to be carried out: those that
// were when it was interrupted, and new ones for what they do not name.
func (l *Ledger) intend(ctx context.Context, order events.UUID, cause string, due time.Time, targets []Target) ([]events.DestroyIntended, error) {
	out, err := l.pending(ctx, order)
	if err != nil {
		return nil, err
	}
	named := map[events.KID]bool{}
	for _, e := range out {
		for _, k := range e.KIDs {
			named[k] = true
		}
	}
	targets = slices.DeleteFunc(slices.Clone(targets), func(t Target) bool { return named[t.KID] })
	slices.SortFunc(targets, func(a, b Target) int { return cmp.Or(cmp.Compare(a.Stream, b.Stream), cmp.Compare(a.KID, b.KID)) })
	chunks := slices.Collect(slices.Chunk(targets, chunkKeys))
	for i, chunk := range chunks {
		e := events.DestroyIntended{Order: order, Cause: cause, Due: due, Chunk: i + 1, Of: len(chunks)}
		e.KIDs, e.Streams = runs(chunk)
		if err := l.append(ctx, func(at vault.Mark) events.Event {
			e.Seq, e.Prev, e.Hash = at.Seq+1, events.Hash(at.Hash), ""
			e.Hash = hashOf(e)
			return e
		}); err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

// runs writes a list that is sorted by stream as keys and runs.
func runs(targets []Target) (kids []events.KID, streams []events.StreamRun) {
	for _, t := range targets {
		kids = append(kids, t.KID)
		if n := len(streams); n > 0 && streams[n-1].Stream == t.Stream {
			streams[n-1].Keys++
		} else {
			streams = append(streams, events.StreamRun{Stream: t.Stream, Keys: 1})
		}
	}
	return kids, streams
}

// targets reads what runs wrote.
func targets(kids []events.KID, streams []events.StreamRun) (out []Target) {
	i := 0
	for _, s := range streams {
		for range s.Keys {
			if i < len(kids) {
				out = append(out, Target{kids[i], s.Stream})
			}
			i++
		}
	}
	return out
}

// pending finds the entries of an order that the vault has not carried out
// without a gap.
func (l *Ledger) pending(ctx context.Context, order events.UUID) (out []events.DestroyIntended, err error) {
	at, err := l.vault.LedgerMark(ctx)
	if err != nil {
		return nil, err
	}
	for e, err := range l.entries(ctx, at.Seq+1) {
		if err != nil {
			return nil, err
		}
		if d, ok := e.(events.DestroyIntended); ok && d.Order == order {
			out = append(out, d)
		}
	}
	return out, nil
}

// Of reads back what an order named, from a time on, and its last entry; last is
// zero when there is none.
func (l *Ledger) Of(ctx context.Context, order events.UUID, since time.Time) (out []Target, last vault.Mark, err error) {
	head, _, err := l.head(ctx)
	if err != nil {
		return nil, last, fmt.Errorf("read ledger: %w", err)
	}
	had := map[events.KID]bool{}
	for seq := head.Seq; seq > 0; seq-- {
		r, ok, err := l.journal.At(ctx, events.LedgerStream, seq-1)
		if err != nil {
			return nil, last, fmt.Errorf("read ledger: %w", err)
		}
		if !ok || r.Meta.At.Before(since) {
			break
		}
		d, mine := r.Event.(events.DestroyIntended)
		if !mine || d.Order != order {
			continue
		}
		if last.Seq == 0 {
			last = vault.Mark{Seq: d.Seq, Hash: string(d.Hash)}
		}
		for _, t := range targets(d.KIDs, d.Streams) {
			if !had[t.KID] {
				had[t.KID] = true
				out = append(out, t)
			}
		}
	}
	slices.SortFunc(out, func(a, b Target) int { return cmp.Or(cmp.Compare(a.Stream, b.Stream), cmp.Compare(a.KID, b.KID)) })
	return out, last, nil
}

// Fence forgets a person's addresses, and keeps late writers out.
func (l *Ledger) Fence(ctx context.Context, order events.UUID, subject events.SubjectID) error {
	e := events.FenceIntended{Order: order, Subject: subject}
	err := l.append(ctx, func(at vault.Mark) events.Event {
		e.Seq, e.Prev, e.Hash = at.Seq+1, events.Hash(at.Hash), ""
		e.Hash = hashOf(e)
		return e
	})
	if err == nil {
		err = l.vault.Fence(ctx, subject, vault.Mark{Seq: e.Seq, Hash: string(e.Hash)})
	}
	if err != nil {
		return fmt.Errorf("fence: %w", err)
	}
	return nil
}

// Hold places a legal hold. It is in force first and on the ledger second, so
// that nothing it keeps can be destroyed in between.
func (l *Ledger) Hold(ctx context.Context, h vault.HoldOrder) (vault.Held, error) {
	held, err := l.vault.Hold(ctx, h)
	if err != nil {
		return held, err
	}
	doc, err := json.Marshal(h)
	if err != nil {
		return held, fmt.Errorf("place hold: %w", err)
	}
	h.Ledger, err = l.hold(ctx, events.HoldIntended{Hold: h.ID, Order: string(doc)})
	if err != nil {
		return held, fmt.Errorf("place hold: %w", err)
	}
	_, err = l.vault.Hold(ctx, h) // notes that the entry is carried out
	return held, err
}

// Release ends a legal hold; what waited for it alone is destroyed.
func (l *Ledger) Release(ctx context.Context, id events.UUID) (vault.Destroyed, error) {
	mark, err := l.hold(ctx, events.HoldIntended{Hold: id, Release: true})
	if err != nil {
		return vault.Destroyed{}, fmt.Errorf("release hold: %w", err)
	}
	return l.vault.Release(ctx, id, mark)
}

func (l *Ledger) hold(ctx context.Context, e events.HoldIntended) (vault.Mark, error) {
	err := l.append(ctx, func(at vault.Mark) events.Event {
		e.Seq, e.Prev, e.Hash = at.Seq+1, events.Hash(at.Hash), ""
		e.Hash = hashOf(e)
		return e
	})
	return vault.Mark{Seq: e.Seq, Hash: string(e.Hash)}, err
}

// Restrict restricts the use of a person's data, or ends that.
func (l *Ledger) Restrict(ctx context.Context, subject events.SubjectID, on bool, why string) error {
	e := events.RestrictIntended{Subject: subject, On: on, Why: why}
	err := l.append(ctx, func(at vault.Mark) events.Event {
		e.Seq, e.Prev, e.Hash = at.Seq+1, events.Hash(at.Hash), ""
		e.Hash = hashOf(e)
		return e
	})
	if err == nil {
		err = l.vault.Restrict(ctx, subject, on, why)
	}
	if err != nil {
		return fmt.Errorf("restrict: %w", err)
	}
	return nil
}

// append writes one entry behind the head and anchors it. entryAfter is called again
// when somebody else was faster.
func (l *Ledger) append(ctx context.Context, entryAfter func(vault.Mark) events.Event) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		at, revision, err := l.head(ctx)
		if err != nil {
			return err
		}
		e := entryAfter(at)
		_, err = l.journal.Append(ctx, events.LedgerStream, revision, journal.By{Command: events.NewUUID(), Actor: "system:privacy"}, e)
		if _, stale := store.IsConflict(err); stale {
			continue
		}
		if err != nil {
			return err
		}
		entry, err := entryOf(e)
		if err != nil {
			return err
		}
		return l.anchor(ctx, vault.Mark{Seq: entry.Seq, Hash: entry.Hash})
	}
}

func (l *Ledger) anchor(ctx context.Context, at vault.Mark) error {
	for _, a := range l.anchors {
		if err := a.Save(ctx, at); err != nil {
			return fmt.Errorf("%w: %s: %w", ErrAnchor, a.Name, err)
		}
	}
	return nil
}

// Head is the last entry of the ledger.
func (l *Ledger) Head(ctx context.Context) (vault.Mark, error) {
	at, _, err := l.head(ctx)
	return at, err
}

func (l *Ledger) head(ctx context.Context) (vault.Mark, events.Revision, error) {
	last, ok, err := l.journal.Last(ctx, events.LedgerStream)
	if err != nil || !ok {
		return vault.Mark{}, events.NoStream, err
	}
	e, err := entryOf(last.Event)
	return vault.Mark{Seq: e.Seq, Hash: e.Hash}, last.Revision, err
}

// Admit opens the restore gate: the vault carries out what it has forgotten, or
// refuses for good with vault.ErrLedgerBroken. When nothing is wrong it costs two
// reads.
func (l *Ledger) Admit(ctx context.Context) error {
	anchored, by, behind, err := l.anchored(ctx)
	if err != nil {
		return fmt.Errorf("admit vault: %w", err)
	}
	mark, err := l.vault.LedgerMark(ctx)
	if err != nil {
		return fmt.Errorf("admit vault: %w", err)
	}
	if err := l.vault.Admit(ctx, l.tail(ctx, max(mark.Seq, 1)), anchored); err != nil {
		if anchored.Seq > 0 {
			err = fmt.Errorf("%w (the anchor %q remembers entry %d)", err, by, anchored.Seq)
		}
		return err
	}
	head, err := l.Head(ctx)
	if err != nil || head.Seq == 0 || head == anchored && !behind {
		return err
	}
	return l.anchor(ctx, head) // a crash came between the entry and its anchors, or one is new
}

// anchored is the head that the anchors remember, and who does. behind says that
// one of them remembers less.
func (l *Ledger) anchored(ctx context.Context) (head vault.Mark, by string, behind bool, err error) {
	for i, a := range l.anchors {
		at, err := a.Load(ctx)
		if err != nil && a.Remote {
			l.log.Warn("an anchor of the privacy ledger does not answer: nothing is destroyed before it does", "anchor", a.Name, "error", err)
			continue
		}
		if err != nil {
			return head, by, behind, fmt.Errorf("read anchor %s: %w", a.Name, err)
		}
		behind = behind || i > 0 && at != head
		if at.Seq > head.Seq {
			head, by = at, a.Name
		}
	}
	return head, by, behind, nil
}

// tail reads entries as the vault takes them, from one on.
func (l *Ledger) tail(ctx context.Context, from int64) iter.Seq2[vault.LedgerEntry, error] {
	return func(yield func(vault.LedgerEntry, error) bool) {
		for e, err := range l.entries(ctx, from) {
			if err != nil {
				yield(vault.LedgerEntry{}, err)
				return
			}
			entry, err := entryOf(e)
			if !yield(entry, err) || err != nil {
				return
			}
		}
	}
}

// entries reads the ledger from one entry on.
func (l *Ledger) entries(ctx context.Context, from int64) iter.Seq2[events.Event, error] {
	return func(yield func(events.Event, error) bool) {
		for seq := from; ; seq++ {
			e, ok, err := l.entry(ctx, seq)
			if err != nil {
				yield(nil, err)
				return
			}
			if !ok || !yield(e, nil) {
				return
			}
		}
	}
}

// entry reads one: entry n has revision n-1.
func (l *Ledger) entry(ctx context.Context, seq int64) (events.Event, bool, error) {
	r, ok, err := l.journal.At(ctx, events.LedgerStream, seq-1)
	return r.Event, ok, err
}

// hashOf covers everything in an entry but the hash itself, which is empty.
func hashOf(e events.Event) events.Hash {
	facts, err := events.Facts(e)
	if err != nil {
		panic(fmt.Sprintf("hash ledger entry: %v", err)) // an entry is made of plain facts
	}
	sum := sha256.Sum256(append([]byte(events.WireType(e)+"\x00"), facts...))
	return events.Hash(hex.EncodeToString(sum[:]))
}

// entryOf reads an event of the ledger and checks its hash.
func entryOf(e events.Event) (vault.LedgerEntry, error) {
	var out vault.LedgerEntry
	var bare events.Event
	switch e := e.(type) {
	case events.DestroyIntended:
		out = vault.LedgerEntry{Seq: e.Seq, Hash: string(e.Hash), Prev: string(e.Prev), Kind: vault.LedgerDestroy, Order: e.Order, Cause: e.Cause, Due: e.Due, KIDs: e.KIDs}
		bare = clearHash(e)
	case events.FenceIntended:
		out = vault.LedgerEntry{Seq: e.Seq, Hash: string(e.Hash), Prev: string(e.Prev), Kind: vault.LedgerFence, Order: e.Order, Subject: e.Subject}
		bare = clearHash(e)
	case events.HoldIntended:
		out = vault.LedgerEntry{Seq: e.Seq, Hash: string(e.Hash), Prev: string(e.Prev), Kind: vault.LedgerHold, Order: e.Hold}
		if e.Release {
			out.Kind = vault.LedgerRelease
		} else if err := json.Unmarshal([]byte(e.Order), &out.Hold); err != nil {
			return out, fmt.Errorf("ledger entry %d: malformed hold: %w", e.Seq, vault.ErrLedgerBroken)
		}
		bare = clearHash(e)
	case events.RestrictIntended:
		out = vault.LedgerEntry{Seq: e.Seq, Hash: string(e.Hash), Prev: string(e.Prev), Kind: vault.LedgerUnrestrict, Subject: e.Subject, Cause: e.Why}
		if e.On {
			out.Kind = vault.LedgerRestrict
		}
		bare = clearHash(e)
	default:
		return out, fmt.Errorf("an event of type %T stands on the ledger: %w", e, vault.ErrLedgerBroken)
	}
	if string(hashOf(bare)) != out.Hash {
		return out, fmt.Errorf("ledger entry %d does not have the hash of its content: %w", out.Seq, vault.ErrLedgerBroken)
	}
	return out, nil
}

func clearHash(e events.Event) events.Event {
	switch e := e.(type) {
	case events.DestroyIntended:
		e.Hash = ""
		return e
	case events.FenceIntended:
		e.Hash = ""
		return e
	case events.HoldIntended:
		e.Hash = ""
		return e
	case events.RestrictIntended:
		e.Hash = ""
		return e
	}
	return e
}
