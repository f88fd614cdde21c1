package transfer

import (
	"context"
	"crypto/ecdh"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
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

// NewImport is a file of a transfer that this hub expects. From is the key that its
// sender prints: who could not be told from anybody who knows our keys otherwise.
// Longer is the legal ground to keep data longer than the sender does; without one,
// an import that would is refused.
type NewImport struct {
	File   io.ReadSeeker
	From   string
	Longer string
}

// receiving is a file with what opens it.
type receiving struct {
	file  events.TransferExpected
	key   *ecdh.PrivateKey
	from  ed25519.PublicKey
	in    io.ReadSeeker
	ids   map[events.Stream][]events.UUID
	root  string
	paper Papers
	boxes map[events.MailboxID]bool // whose mails are in it
}

func (o *Office) receiving(ctx context.Context, agent events.AgentID, id events.TransferID, n NewImport) (*receiving, error) {
	as := legal(agent, id)
	f, err := o.file(ctx, id, &as)
	if err != nil {
		return nil, err
	}
	if f.expected.Transfer == "" {
		return nil, refuse("not_expected", "This hub expects no such transfer; it says so first, with: hub privacy transfer expect.")
	}
	key, state := f.expected.Key.Open()
	if state != events.Plain {
		return nil, refuse("key_gone", "The key of this transfer is destroyed: it was imported, or too old. Expect a new one.")
	}
	r := &receiving{file: f.expected, in: n.File}
	if r.key, err = ecdh.X25519().NewPrivateKey(key.Private); err != nil {
		return nil, fmt.Errorf("read transfer key: %w", err)
	}
	raw, err := base64.StdEncoding.DecodeString(n.From)
	if err != nil || len(raw) != ed25519.PublicKeySize {
		return nil, refuse("from", "Give the sender's key as it was printed at the export.")
	}
	r.from = raw
	return r, nil
}

// each reads the file from its beginning.
func (r *receiving) each(handle func(kind byte, body []byte) error) (Summary, error) {
	if _, err := r.in.Seek(0, io.SeekStart); err != nil {
		return Summary{}, fmt.Errorf("read export: %w", err)
	}
	x, err := newOpening(r.in, r.key, r.file.Keys, r.from)
	if err != nil {
		return Summary{}, err
	}
	return x.each(handle)
}

// check reads the whole file and holds it against its own summary.
func (r *receiving) check() (Summary, error) {
	got, links := Summary{}, chains{}
	r.ids, r.boxes = map[events.Stream][]events.UUID{}, map[events.MailboxID]bool{}
	s, err := r.each(func(kind byte, body []byte) error {
		switch kind {
		case recPapers:
			return json.Unmarshal(body, &r.paper)
		case recKeys:
			var k keysRecord
			err := json.Unmarshal(body, &k)
			got.Keys, got.Tombstones = got.Keys+len(k.Keys), got.Tombstones+len(k.Tombs)
			return err
		case recFile:
			got.Files++
		case recEvents:
			var list []rawEvent
			if err := json.Unmarshal(body, &list); err != nil {
				return err
			}
			for i := range list {
				if err := r.box(&list[i]); err != nil {
					return err
				}
				if !slices.Contains(families, list[i].Stream.Family()) || !events.Known(list[i].Type) {
					return fmt.Errorf("read export: %w: it holds an event of a stream or type that never travels", ErrForged)
				}
				links.add(&list[i])
				r.ids[list[i].Stream] = append(r.ids[list[i].Stream], list[i].ID)
			}
			got.Events += len(list)
		}
		return nil
	})
	if err != nil {
		return s, err
	}
	if r.root = links.root(); r.root != s.Root || got.Events != s.Events || got.Files != s.Files || got.Keys != s.Keys || got.Tombstones != s.Tombstones+s.Kept || len(links) != s.Streams {
		return s, fmt.Errorf("read export: %w: it does not hold what its summary says", ErrForged)
	}
	return s, nil
}

// box notes from which mailbox a mail came.
func (r *receiving) box(e *rawEvent) error {
	if e.Type != events.TypePrefix+"InquiryReceived" {
		return nil
	}
	x, err := typed(&store.Recorded{Event: store.Event{ID: e.ID, Type: e.Type, Data: e.Data, Meta: e.Meta}, Stream: string(e.Stream)})
	if err != nil {
		return fmt.Errorf("read export: %w: %w", ErrForged, err)
	}
	if in, ok := x.(events.InquiryReceived); ok && in.Mailbox != "" {
		r.boxes[in.Mailbox] = true
	}
	return nil
}

// ownBoxes refuses mails of a mailbox that this house reads one of the same name of.
// The id of an inquiry comes from the mailbox's name and the mail's number: another
// mail with the same number would be taken for the one that came.
func (o *Office) ownBoxes(ctx context.Context, boxes map[events.MailboxID]bool) error {
	for _, m := range slices.Sorted(maps.Keys(boxes)) {
		_, reads, err := o.j.Last(ctx, events.MailboxStream(m))
		if err != nil {
			return fmt.Errorf("look for mailbox: %w", err)
		}
		if reads {
			return refuse("mailbox", "This house has a mailbox named "+string(m)+" of its own. Give it another id in the configuration, in a house that never read one of this name.")
		}
	}
	return nil
}

// Verify reads a whole export without writing anything, and gives what it holds and
// the papers that came with it.
func (o *Office) Verify(ctx context.Context, agent events.AgentID, id events.TransferID, n NewImport) (Summary, Papers, error) {
	r, err := o.receiving(ctx, agent, id, n)
	if err != nil {
		return Summary{}, Papers{}, err
	}
	s, err := r.check()
	return s, r.paper, err
}

// Imported is what came of an import.
type Imported struct {
	Receipt Receipt
	Keys    int // taken
	Refused int // destroyed in this house before
	Tombs   int
	Again   bool // it had been imported; nothing was done
	People  int  // known by their address from now on
	// Strangers are those whose address somebody else is known by in this house: their
	// requests stay apart.
	Strangers int
}

// Import takes an export into this house. The house must not be serving: whoever
// answers mail would answer what is only half there. It checks the whole file first,
// and reads the log back afterwards: root and state must be the sender's.
func (o *Office) Import(ctx context.Context, by journal.By, agent events.AgentID, id events.TransferID, n NewImport) (Imported, error) {
	if f, err := o.file(ctx, id, nil); err != nil {
		return Imported{}, err
	} else if f.imported.Transfer != "" {
		return o.again(f, n)
	}
	r, err := o.receiving(ctx, agent, id, n)
	if err != nil {
		return Imported{}, err
	}
	s, err := r.check()
	if err != nil {
		return Imported{}, err
	}
	if err := errors.Join(o.notLonger(ctx, r.paper, n.Longer), o.ownBoxes(ctx, r.boxes)); err != nil {
		return Imported{}, err
	}
	im := importer{o: o, by: by, known: map[events.Stream]*tail{}, deferred: map[order][]vault.Info{}}
	if _, err := r.each(func(kind byte, body []byte) error { return im.take(ctx, kind, body) }); err != nil {
		return Imported{}, fmt.Errorf("import: %w", err)
	}
	if err := im.destroy(ctx, im.deferred); err != nil {
		return Imported{}, fmt.Errorf("import: %w", err)
	}
	if err := o.reached(ctx, r, s); err != nil {
		return Imported{}, fmt.Errorf("import: %w", err)
	}
	if err := im.introduce(ctx, r); err != nil {
		return Imported{}, fmt.Errorf("import: %w", err)
	}
	im.out.Receipt = o.receipt(s)
	_, err = o.j.Execute(ctx, events.TransferStream(id), step(by, "imported"), func(history []events.Recorded) ([]events.Event, error) {
		return []events.Event{events.TransferImported{
			Transfer: id, Events: s.Events, Keys: im.out.Keys, Tombstones: im.out.Tombs, Refused: im.out.Refused, State: s.State, Root: s.Root, Digest: s.Digest, Longer: n.Longer,
		}}, nil
	})
	if err != nil {
		return Imported{}, fmt.Errorf("import: %w", err)
	}
	return im.out, o.forgetKey(ctx, id)
}

// forgetKey destroys the key of a transfer: the file opens nothing from here on.
func (o *Office) forgetKey(ctx context.Context, id events.TransferID) error {
	keys, err := o.cfg.Vault.StreamKeys(ctx, events.TransferStream(id))
	if err == nil && len(keys) > 0 {
		_, err = o.cfg.Destroy(ctx, events.DeriveUUID("transfer key", string(id)), vault.CauseTenant, keys)
	}
	if err != nil {
		return fmt.Errorf("destroy transfer key: %w", err)
	}
	return nil
}

// again answers an import that was done: of the same file the receipt once more.
func (o *Office) again(f file, n NewImport) (Imported, error) {
	if _, err := n.File.Seek(0, io.SeekStart); err != nil {
		return Imported{}, fmt.Errorf("import: %w", err)
	}
	h, digest, err := digestOf(n.File)
	if err != nil {
		return Imported{}, err
	}
	if digest != f.imported.Digest {
		return Imported{}, refuse("imported", "Another file of this transfer was imported. Expect a new one for what came since.")
	}
	return Imported{Again: true, Receipt: o.receipt(Summary{Transfer: h.Transfer, Root: f.imported.Root, State: f.imported.State, Digest: digest})}, nil
}

func (o *Office) receipt(s Summary) Receipt {
	r := Receipt{Transfer: s.Transfer, Root: s.Root, State: s.State, Digest: s.Digest, At: o.cfg.Now().UTC().Truncate(time.Second)}
	r.Signature = ed25519.Sign(o.sign, r.bytes())
	return r
}

// notLonger refuses data that this house would keep longer than their sender.
func (o *Office) notLonger(ctx context.Context, theirs Papers, ground string) error {
	ours, err := o.cfg.Papers(ctx)
	if err != nil || ground != "" {
		return err
	}
	for _, a := range theirs.Rules {
		for _, b := range ours.Rules {
			since := o.cfg.Now()
			if a.Class == b.Class && !a.Keep.IsZero() && (b.Keep.IsZero() || b.Keep.After(since).After(a.Keep.After(since))) {
				return refuse("longer", "This house keeps "+string(a.Class)+" longer than the sender. Shorten its schedule, or name the legal ground.")
			}
		}
	}
	return nil
}

// reached reads this house's log back.
func (o *Office) reached(ctx context.Context, r *receiving, s Summary) error {
	links := chains{}
	came := map[events.UUID]bool{}
	for stream, ids := range r.ids {
		want := make(map[events.UUID]bool, len(ids))
		for _, id := range ids {
			want[id], came[id] = true, true
		}
		err := o.cfg.Store.ReadStream(ctx, string(stream), 0, 1<<31-1, func(rec store.Recorded) error {
			if want[rec.ID] {
				links.add(&rawEvent{ID: rec.ID, Type: rec.Type, Stream: stream, Data: rec.Data, Meta: rec.Meta})
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	if links.root() != s.Root {
		return errors.New("the log does not hold what was sent")
	}
	state, err := o.state(ctx, links, func(rec *events.Recorded) bool { return came[rec.ID] })
	if err == nil && state != s.State {
		err = errors.New("folding the log gives another state than at the sender; are both hubs of the same version?")
	}
	return err
}
