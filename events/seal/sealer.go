package seal

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/vault"
)

// Files is where ciphertexts rest that are too large for an event, by the
// digest of their bytes. Put returns when the bytes are durable.
type Files struct {
	Put func(context.Context, events.Hash, []byte) error
	Get func(context.Context, events.Hash) ([]byte, error)
}

// putAtOnce is how many files of one Seal are written at the same time.
const putAtOnce = 8

// Sealer seals and opens. Its methods may be called from many goroutines.
type Sealer struct {
	vault *vault.Vault
	files Files
}

// New returns a sealer that takes keys from v and keeps large files in files.
func New(v *vault.Vault, files Files) *Sealer { return &Sealer{vault: v, files: files} }

// Draft is an event that is still to be sealed. Seal fills in the schema version
// and the segment table of Meta, and the versions of policy and schedule that
// govern where they are empty.
type Draft struct {
	ID     events.UUID
	Stream events.Stream
	Event  events.Event
	Meta   events.Meta
}

type unitKey struct{}

// Begin starts a unit of work and returns a context that carries it. Resolve
// people's addresses and Seal with that context: when one of them is erased in
// between, Seal fails with vault.ErrFenced and the addresses have to be resolved
// again. Without a unit of work, Seal refuses everybody who was ever fenced.
func (s *Sealer) Begin(ctx context.Context) context.Context {
	return context.WithValue(ctx, unitKey{}, s.vault.Begin())
}

func unit(ctx context.Context) vault.UnitOfWork {
	u, _ := ctx.Value(unitKey{}).(vault.UnitOfWork)
	return u
}

// work is a draft on its way to an envelope.
type work struct {
	draft Draft
	env   events.Envelope
	segs  []events.Segment
	keys  []vault.Key
}

// Seal turns drafts into envelopes, in order. All keys are minted at once and
// are durable when it returns, and so are files that are too large to travel
// inside their event. When it fails, the keys are given back.
func (s *Sealer) Seal(ctx context.Context, drafts []Draft) ([]events.Envelope, error) {
	works, reqs, err := s.split(drafts)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	keys, err := s.vault.Mint(ctx, unit(ctx), reqs)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	defer func() {
		for i := range keys {
			clear(keys[i].DEK[:])
		}
	}()
	rest := keys
	for i := range works {
		n := len(works[i].segs)
		works[i].keys, rest = rest[:n:n], rest[n:]
	}
	if err := s.close(ctx, works); err != nil {
		return nil, errors.Join(fmt.Errorf("seal: %w", err), s.giveBack(ctx, keys))
	}
	out := make([]events.Envelope, len(works))
	for i := range works {
		out[i] = works[i].env
	}
	return out, nil
}

// split takes drafts apart and lists the keys they need.
func (s *Sealer) split(drafts []Draft) ([]work, []vault.Request, error) {
	works := make([]work, len(drafts))
	var reqs []vault.Request
	for i, d := range drafts {
		wire, version, segs, err := events.Split(d.Event)
		if err != nil {
			return nil, nil, err
		}
		meta := d.Meta
		meta.Version, meta.Segments = version, nil
		if meta.Policy == "" {
			meta.Policy = s.vault.PolicyVersion()
		}
		if meta.Schedule == 0 {
			meta.Schedule = max(s.vault.ScheduleVersion(), events.ScheduleVersion)
		}
		works[i] = work{draft: d, segs: segs, env: events.Envelope{ID: d.ID, Type: wire, Stream: d.Stream, Meta: meta}}
		for _, seg := range segs {
			reqs = append(reqs, vault.Request{
				Event: d.ID, Stream: d.Stream, Subject: seg.Subject, Category: seg.Category, Class: seg.Class,
			})
		}
	}
	return works, reqs, nil
}

// close seals the segments and files of all drafts; large files are written
// side by side, so that they share the disk's syncs.
func (s *Sealer) close(ctx context.Context, works []work) error {
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(putAtOnce)
	put := func(name events.Hash, sealed []byte) {
		group.Go(func() error { return s.files.Put(gctx, name, sealed) })
	}
	var err error
	for i := range works {
		if err = works[i].close(put); err != nil {
			break
		}
	}
	return errors.Join(err, group.Wait())
}

func (w *work) close(put func(events.Hash, []byte)) error {
	if len(w.segs) > 0 {
		w.env.Meta.Segments = make([]events.SegmentRef, len(w.segs))
		w.env.Sealed = make([][]byte, len(w.segs))
	}
	for i, seg := range w.segs {
		w.env.Meta.Segments[i] = events.SegmentRef{
			Field: seg.Field, KID: w.keys[i].KID, Subject: seg.Subject, Category: seg.Category,
			Class: seg.Class, Purposes: seg.Purposes, Commit: w.keys[i].Commit,
		}
		sealed, err := sealSegment(w.keys[i].DEK[:], seg.Plain, aad(&w.env, i))
		if err != nil {
			return fmt.Errorf("%s.%s: %w", w.env.Type, seg.Field, err)
		}
		w.env.Sealed[i] = sealed
	}
	event, err := events.MapBlobs(w.draft.Event, func(b events.Blob, owner string, at events.BlobAt) (events.Blob, error) {
		at.Event = w.draft.ID
		return w.closeBlob(b, owner, at, put)
	})
	if err != nil {
		return err
	}
	w.env.Facts, err = events.Facts(event)
	return err
}

// closeBlob seals a file with its owner's key. A file that is sealed already,
// because the event passes on one of another event, stays as it is.
func (w *work) closeBlob(b events.Blob, owner string, at events.BlobAt, put func(events.Hash, []byte)) (events.Blob, error) {
	plain := b.Pending()
	if plain == nil {
		return w.carry(b), nil
	}
	for i, seg := range w.segs {
		if seg.Field != owner {
			continue
		}
		key := &w.keys[i]
		sealed, err := sealBlob(key.DEK[:], plain, key.KID, at)
		if err != nil {
			return b, fmt.Errorf("%s.%s: %w", w.env.Type, at.Field, err)
		}
		out := events.Blob{KID: key.KID, Size: int64(len(plain)), Digest: digest(sealed), Ref: at}
		if len(sealed) <= inlineMax {
			out.Inline = sealed
			out = w.carry(out)
		} else {
			put(out.Digest, sealed)
		}
		return out, nil
	}
	return b, fmt.Errorf("%s.%s: the event has no segment %s whose key the file could share", w.env.Type, at.Field, owner)
}

// carry moves the ciphertext of a small file from the facts to beside them.
func (w *work) carry(b events.Blob) events.Blob {
	if b.Carried = 0; b.Inline != nil {
		w.env.Files = append(w.env.Files, b.Inline)
		b.Inline, b.Carried = nil, len(w.env.Files)
	}
	return b
}

// giveBack abandons the keys of a Seal that failed, whatever ctx says.
func (s *Sealer) giveBack(ctx context.Context, keys []vault.Key) error {
	kids := make([]events.KID, len(keys))
	for i := range keys {
		kids[i] = keys[i].KID
	}
	return s.vault.Abandon(context.WithoutCancel(ctx), kids)
}

// Abandon gives back the keys of envelopes that were certainly not written to
// the log (see vault.Abandon).
func (s *Sealer) Abandon(ctx context.Context, envs []events.Envelope) error {
	var kids []events.KID
	for i := range envs {
		for _, ref := range envs[i].Meta.Segments {
			kids = append(kids, ref.KID)
		}
	}
	return s.vault.Abandon(ctx, kids)
}
