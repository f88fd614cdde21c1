package transfer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/events/store"
	"github.com/westshore/hub/events/vault"
)

// NewExport says what of a transfer is handed over, and to whom.
type NewExport struct {
	To        string             // the keys that the receiving hub printed
	Mailboxes []events.MailboxID // a part of the business; none: all of it
}

const (
	batchEvents = 200
	batchBytes  = 4 << 20
)

// Export writes what travels, sealed to the receiver. It needs an announcement that
// everybody was told of, and the time to object must be over. It may be repeated;
// the newest export counts.
func (o *Office) Export(ctx context.Context, by journal.By, agent events.AgentID, id events.TransferID, n NewExport, w io.Writer) (Summary, error) {
	f, err := o.file(ctx, id, nil)
	if err != nil {
		return Summary{}, err
	}
	switch {
	case !f.noticed:
		return Summary{}, refuse("not_noticed", "Everybody is told first; the running hub does that.")
	case o.cfg.Now().Before(f.announced.ObjectBy):
		return Summary{}, refuse("objections", "People may still object, until "+f.announced.ObjectBy.Format(time.DateOnly)+".")
	case f.shredded:
		return Summary{}, refuse("shredded", "What was handed over is destroyed here already.")
	}
	if busy, err := o.cfg.Busy(ctx); err != nil {
		return Summary{}, fmt.Errorf("export: %w", err)
	} else if busy > 0 {
		return Summary{}, refuse("under_way", fmt.Sprintf("%d messages are still on their way; both hubs would send them.", busy))
	}
	through, err := o.j.Head(ctx)
	if err != nil {
		return Summary{}, fmt.Errorf("export: %w", err)
	}
	sc, err := o.scope(ctx, n.Mailboxes, through)
	if err != nil {
		return Summary{}, err
	}
	out, err := newSealing(w, header{Transfer: id, Made: o.cfg.Now().UTC().Truncate(time.Second), To: n.To}, o.sign)
	if err != nil {
		return Summary{}, err
	}
	x := exporter{
		o: o, out: out, as: legal(agent, id), id: id, through: through, chains: chains{}, had: map[events.Hash]bool{}, holds: map[events.UUID][]events.KID{},
		given: map[events.SubjectID][]events.Category{},
		sum:   Summary{Transfer: id, Made: o.cfg.Now().UTC().Truncate(time.Second)},
	}
	s, err := x.run(ctx, sc)
	if err == nil {
		err = x.disclosed(ctx, step(by, "disclosed"), f.announced.Acquirer, s.Digest)
	}
	if err != nil {
		return Summary{}, fmt.Errorf("export: %w", err)
	}
	_, err = o.j.Execute(ctx, events.TransferStream(id), by, func([]events.Recorded) ([]events.Event, error) {
		return []events.Event{events.TenantExportSealed{
			Transfer: id, Events: s.Events, Streams: s.Streams, Keys: s.Keys, Tombstones: s.Tombstones, Root: s.Root, State: s.State, Digest: s.Digest,
			By: agent, To: n.To, Kept: s.Kept, Mailboxes: n.Mailboxes, Through: through,
		}}, nil
	})
	if err != nil {
		return Summary{}, fmt.Errorf("export: %w", err)
	}
	return s, nil
}

// exporter writes one export.
type exporter struct {
	o       *Office
	out     *sealing
	as      events.Principal
	id      events.TransferID
	through events.Position
	chains  chains
	had     map[events.Hash]bool
	holds   map[events.UUID][]events.KID
	given   map[events.SubjectID][]events.Category
	batch   []rawEvent
	size    int
	sum     Summary
}

func (x *exporter) run(ctx context.Context, sc *scope) (Summary, error) {
	papers, err := x.o.cfg.Papers(ctx)
	if err != nil {
		return x.sum, err
	}
	if err := x.out.put(recPapers, papers); err != nil {
		return x.sum, err
	}
	err = x.o.read(ctx, x.through, func(r *store.Recorded) error {
		in, err := sc.has(r)
		if err != nil || !in {
			return err
		}
		x.batch = append(x.batch, rawEvent{ID: r.ID, Type: r.Type, Stream: events.Stream(r.Stream), Data: r.Data, Meta: r.Meta})
		if x.size += len(r.Data) + len(r.Meta); len(x.batch) < batchEvents && x.size < batchBytes {
			return nil
		}
		return x.flush(ctx)
	})
	if err == nil {
		err = x.flush(ctx)
	}
	if err != nil {
		return x.sum, err
	}
	if err := x.putHolds(ctx); err != nil {
		return x.sum, err
	}
	x.sum.Streams, x.sum.Root = len(x.chains), x.chains.root()
	if x.sum.State, err = x.o.state(ctx, x.chains, func(r *events.Recorded) bool { return !x.through.Before(r.Position) }); err != nil {
		return x.sum, err
	}
	return x.out.end(x.sum)
}

// flush writes a batch of events, their keys and files before them.
func (x *exporter) flush(ctx context.Context) error {
	if len(x.batch) == 0 {
		return nil
	}
	var kids []events.KID
	var blobs []events.Blob
	for i := range x.batch {
		e := &x.batch[i]
		env, err := events.ParseEnvelope(e.ID, e.Type, e.Stream, e.Data, e.Meta)
		if err != nil {
			return err
		}
		for _, ref := range env.Meta.Segments {
			kids = append(kids, ref.KID)
		}
		typed, err := events.Join(env, nil)
		if err != nil {
			return err
		}
		_, err = events.MapBlobs(typed, func(b events.Blob, _ string, _ events.BlobAt) (events.Blob, error) {
			if b.Inline == nil && b.Carried == 0 {
				blobs = append(blobs, b)
			}
			return b, nil
		})
		if err != nil {
			return err
		}
		x.chains.add(e)
	}
	gone, err := x.keys(ctx, kids)
	if err != nil {
		return err
	}
	if err := x.files(ctx, blobs, gone); err != nil {
		return err
	}
	x.sum.Events += len(x.batch)
	err = x.out.put(recEvents, x.batch)
	x.batch, x.size = x.batch[:0], 0
	return err
}

// keys writes the keys of a batch: live ones to be opened again, of all others that
// they open nothing.
func (x *exporter) keys(ctx context.Context, kids []events.KID) (gone map[events.KID]vault.Tomb, err error) {
	if len(kids) == 0 {
		return nil, nil
	}
	c, err := x.o.cfg.Vault.Carry(ctx, x.as, kids)
	if err != nil {
		return nil, err
	}
	defer func() {
		for i := range c.Keys {
			clear(c.Keys[i].DEK)
		}
	}()
	x.sum.Keys, x.sum.Tombstones, x.sum.Kept = x.sum.Keys+len(c.Keys), x.sum.Tombstones+len(c.Tombs), x.sum.Kept+len(c.Kept)
	for _, k := range c.Kept {
		c.Tombs[k] = vault.Tomb{Tombstone: events.Tombstone{Order: events.DeriveUUID("kept", string(x.id)), Cause: vault.CauseTenant, At: x.sum.Made}}
	}
	for _, k := range c.Keys {
		if !slices.Contains(x.given[k.Subject], k.Category) {
			x.given[k.Subject] = append(x.given[k.Subject], k.Category)
		}
		for _, h := range k.Holds {
			x.holds[h] = append(x.holds[h], k.KID)
		}
	}
	return c.Tombs, x.out.put(recKeys, keysRecord{c.Keys, c.Tombs})
}

func (x *exporter) files(ctx context.Context, blobs []events.Blob, gone map[events.KID]vault.Tomb) error {
	for _, b := range blobs {
		if _, erased := gone[b.KID]; erased || x.had[b.Digest] {
			continue
		}
		sealed, err := x.o.cfg.Files.Get(ctx, b.Digest)
		if err != nil {
			return err
		}
		x.had[b.Digest] = true
		x.sum.Files++
		if err := x.out.record(recFile, append([]byte(b.Digest), sealed...)); err != nil {
			return err
		}
	}
	return nil
}

// disclosed notes in the acquirer's log whose data it was given (GDPR art. 15(1)(c)):
// from here on it is a recipient, who is told of erasures and corrections.
func (x *exporter) disclosed(ctx context.Context, by journal.By, acquirer events.RecipientID, digest string) error {
	var evs []events.Event
	for _, who := range slices.Sorted(maps.Keys(x.given)) {
		evs = append(evs, events.DataDisclosed{
			Recipient: acquirer, Customer: who, Purpose: events.PurposeLegal, Categories: x.given[who], Digest: digest, About: string(x.id),
		})
	}
	n := 0
	for chunk := range slices.Chunk(evs, 100) {
		n++
		if _, err := x.o.j.Append(ctx, events.RecipientStream(acquirer), events.AnyRevision, step(by, fmt.Sprint(n)), chunk...); err != nil {
			return fmt.Errorf("note disclosure: %w", err)
		}
	}
	return nil
}

// putHolds writes the holds that keep what travels: of their rules for data to come,
// those about people and streams.
func (x *exporter) putHolds(ctx context.Context) error {
	list, err := x.o.cfg.Vault.Holds(ctx)
	if err != nil {
		return err
	}
	var orders []vault.HoldOrder
	for _, h := range list {
		kids, travels := x.holds[h.ID]
		if !travels {
			continue
		}
		orders = append(orders, vault.HoldOrder{ID: h.ID, Authority: h.Authority, Review: h.Review, KIDs: kids})
		for _, sc := range h.Scopes {
			if len(sc.Subjects)+len(sc.Streams) > 0 {
				orders = append(orders, vault.HoldOrder{
					ID: h.ID, Authority: h.Authority, Review: h.Review, Subjects: sc.Subjects, Streams: sc.Streams, Since: sc.Since, Until: sc.Until,
				})
			}
		}
	}
	return x.out.put(recHolds, orders)
}

// state is SHA-256 over what folding each stream gives, by name.
func (o *Office) state(ctx context.Context, of chains, in func(*events.Recorded) bool) (string, error) {
	h := sha256.New()
	for _, s := range slices.Sorted(maps.Keys(of)) {
		history, err := o.j.Load(ctx, s, nil)
		if err != nil {
			return "", err
		}
		history = slices.DeleteFunc(history, func(r events.Recorded) bool { return !in(&r) })
		if folded := o.cfg.State(s, history); folded != nil {
			h.Write(fmt.Appendf(nil, "%s %d\n", s, len(folded)))
			h.Write(folded)
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
