package transfer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/events/store"
	"github.com/westshore/hub/events/vault"
)

// importer writes what a checked file holds.
type importer struct {
	o        *Office
	by       journal.By
	known    map[events.Stream]*tail
	deferred map[order][]vault.Info // what waited at the sender for a hold alone
	out      Imported
}

// tail is where a stream of this house ends, and what it holds.
type tail struct {
	last events.Revision
	ids  map[events.UUID]bool // nil: the stream was empty
}

func (im *importer) take(ctx context.Context, kind byte, body []byte) error {
	switch kind {
	case recKeys:
		var k keysRecord
		if err := json.Unmarshal(body, &k); err != nil {
			return err
		}
		defer func() {
			for i := range k.Keys {
				clear(k.Keys[i].DEK)
			}
		}()
		return im.keys(ctx, k)
	case recFile:
		name, sealed, err := fileOf(body)
		if err != nil {
			return err
		}
		return im.o.cfg.Files.Put(ctx, name, sealed)
	case recEvents:
		var list []rawEvent
		if err := json.Unmarshal(body, &list); err != nil {
			return err
		}
		return im.events(ctx, list)
	case recHolds:
		var orders []vault.HoldOrder
		if err := json.Unmarshal(body, &orders); err != nil {
			return err
		}
		return im.holds(ctx, orders)
	}
	return nil
}

func (im *importer) keys(ctx context.Context, k keysRecord) error {
	a, err := im.o.cfg.Vault.Adopt(ctx, k.Keys, k.Tombs)
	if err != nil {
		return err
	}
	im.out.Keys, im.out.Refused, im.out.Tombs = im.out.Keys+a.New+a.Known, im.out.Refused+a.Refused, im.out.Tombs+len(k.Tombs)
	for _, c := range k.Keys {
		if c.Cause != "" {
			im.deferred[order{c.Order, c.Cause}] = append(im.deferred[order{c.Order, c.Cause}], vault.Info{KID: c.KID, Subject: c.Subject, Stream: c.Stream})
		}
	}
	// Destroyed at the sender since an earlier export brought them here.
	gone := map[order][]vault.Info{}
	for _, x := range a.Ended {
		t := k.Tombs[x.KID]
		gone[order{t.Order, t.Cause}] = append(gone[order{t.Order, t.Cause}], x)
	}
	return im.destroy(ctx, gone)
}

// order is a destruction that the sender ordered.
type order struct {
	id    events.UUID
	cause string
}

// destroy orders again, by this house's ledger.
func (im *importer) destroy(ctx context.Context, list map[order][]vault.Info) error {
	for o, keys := range list {
		if _, err := im.o.cfg.Destroy(ctx, o.id, o.cause, keys); err != nil {
			return err
		}
	}
	return nil
}

// holds places the sender's holds, of which nothing new is invented: what was
// released in this house stays released.
func (im *importer) holds(ctx context.Context, orders []vault.HoldOrder) error {
	list, err := im.o.cfg.Vault.Holds(ctx)
	if err != nil {
		return err
	}
	for _, h := range orders {
		if slices.ContainsFunc(list, func(x vault.HoldInfo) bool { return x.ID == h.ID && x.Released }) {
			continue
		}
		if _, err := im.o.cfg.Hold(ctx, h); err != nil {
			return err
		}
	}
	return nil
}

// events appends what is not there yet, in order, neighbours of one stream at once.
func (im *importer) events(ctx context.Context, list []rawEvent) error {
	for len(list) > 0 {
		n := 1
		for n < len(list) && list[n].Stream == list[0].Stream {
			n++
		}
		if err := im.append(ctx, list[0].Stream, list[:n]); err != nil {
			return err
		}
		list = list[n:]
	}
	return nil
}

func (im *importer) append(ctx context.Context, stream events.Stream, list []rawEvent) error {
	t, err := im.tail(ctx, stream)
	if err != nil {
		return err
	}
	var batch []store.Event
	size := 0
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		w, err := im.o.cfg.Store.Append(ctx, string(stream), t.last, batch...)
		t.last, batch, size = w.Revision, nil, 0
		return err
	}
	for _, e := range list {
		if t.ids[e.ID] {
			continue
		}
		next := store.Event{ID: e.ID, Type: e.Type, Data: e.Data, Meta: e.Meta}
		if n := store.EventSize(next); size+n > store.MaxAppendBytes || len(batch) == store.MaxAppendEvents {
			if err := flush(); err != nil {
				return err
			}
		}
		batch, size = append(batch, next), size+store.EventSize(next)
	}
	return flush()
}

func (im *importer) tail(ctx context.Context, stream events.Stream) (*tail, error) {
	if t := im.known[stream]; t != nil {
		return t, nil
	}
	t := &tail{last: events.NoStream}
	err := im.o.cfg.Store.ReadStream(ctx, string(stream), 0, 1<<31-1, func(r store.Recorded) error {
		if t.ids == nil {
			t.ids = map[events.UUID]bool{}
		}
		t.last, t.ids[r.ID] = r.Revision, true
		return nil
	})
	if err != nil && !store.IsNotFound(err) {
		return nil, err
	}
	im.known[stream] = t
	return t, nil
}

// introduce makes people known by their addresses, and takes over whom nobody may
// write to: the keyed hashes of the sender mean nothing here.
func (im *importer) introduce(ctx context.Context, r *receiving) error {
	for _, stream := range slices.Sorted(maps.Keys(r.ids)) {
		if stream.Family() != "customer" {
			continue
		}
		who := events.SubjectID(stream.Key())
		addr, err := im.o.cfg.Contact(ctx, who)
		if errors.Is(err, ErrNoContact) {
			continue
		}
		if err != nil {
			return err
		}
		known, err := im.o.cfg.Vault.Introduce(ctx, who, addr.Address)
		if err != nil {
			return err
		}
		if known == who {
			im.out.People++
		} else {
			im.out.Strangers++
		}
		if err := im.suppress(ctx, who, im.o.cfg.AddressHash(addr.Address), r.ids[stream]); err != nil {
			return err
		}
	}
	return nil
}

func (im *importer) suppress(ctx context.Context, who events.SubjectID, ours events.Hash, came []events.UUID) error {
	by := journal.By{Command: events.DeriveUUID("suppress", string(who), string(ours)), Actor: im.by.Actor, At: im.by.At}
	_, err := im.o.j.Execute(ctx, events.CustomerStream(who), by, func(history []events.Recorded) ([]events.Event, error) {
		theirs := map[events.Hash]events.AddressSuppressed{}
		for _, rec := range history {
			if !slices.Contains(came, rec.ID) {
				continue
			}
			switch e := rec.Event.(type) {
			case events.AddressSuppressed:
				theirs[e.Address] = e
			case events.AddressUnsuppressed:
				delete(theirs, e.Address)
			}
		}
		for _, e := range theirs {
			return []events.Event{events.AddressSuppressed{Customer: who, Address: ours, Kind: e.Kind, Outbound: e.Outbound, Agent: e.Agent}}, nil
		}
		return nil, nil
	})
	if err != nil {
		return fmt.Errorf("suppress: %w", err)
	}
	return nil
}
