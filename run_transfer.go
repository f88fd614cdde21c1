package main

import (
	"context"
	"encoding/json"
	"errors"
	"sync/atomic"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/bus"
	"github.com/westshore/hub/events/seal"
	"github.com/westshore/hub/events/vault"
	"github.com/westshore/hub/projections/outbox"
	"github.com/westshore/hub/services/desk"
	"github.com/westshore/hub/services/notifier"
	"github.com/westshore/hub/services/privacy"
	"github.com/westshore/hub/services/privacy/erasure"
	"github.com/westshore/hub/services/privacy/rights"
	"github.com/westshore/hub/services/privacy/transfer"
)

// transferRooms is the part of the privacy office that carries businesses.
type transferRooms struct {
	transfer *transfer.Office
	serving  atomic.Bool // the loops of the rooms run in this process
}

// openTransfer opens the office, once the views and the ledger are open.
func (h *house) openTransfer() {
	h.transfer = transfer.New(transfer.Config{
		Journal: h.journal, Store: h.store, Vault: h.vault, Files: seal.Files{Put: h.blobs.Put, Get: h.blobs.Get}, Key: h.vault.Secret("transfers"),
		State: func(s events.Stream, history []events.Recorded) []byte {
			switch s.Family() {
			case "ticket":
				return desk.Digest(history)
			case "outbound":
				return notifier.Digest(history)
			}
			return nil
		},
		Busy: h.underWay, Independent: h.independent, Papers: h.transferPapers, Hold: h.holdKeys, Fence: h.ledger.Fence,
		AddressHash: func(a string) events.Hash { return notifier.AddressHash(h.vault.Hash, a) },
		Contact: func(ctx context.Context, who events.SubjectID) (events.Address, error) {
			if err := h.caughtUp(ctx); err != nil {
				return events.Address{}, err
			}
			a, err := h.contact(ctx, who)
			if errors.Is(err, rights.ErrNoContact) {
				err = transfer.ErrNoContact
			}
			return a, err
		},
		Destroy: func(ctx context.Context, order events.UUID, cause string, keys []vault.Info) (vault.Destroyed, error) {
			done, err := h.ledger.Destroy(ctx, order, cause, time.Time{}, erasure.Targets(keys))
			if err != nil {
				return done.Destroyed, err
			}
			return done.Destroyed, h.purgeViews(ctx, subjectsOf(keys))
		},
		Logger: h.log,
	})
}

// subjectsOf lists whose keys these are, each once.
func subjectsOf(keys []vault.Info) (people []events.SubjectID) {
	seen := map[events.SubjectID]bool{}
	for _, k := range keys {
		if !seen[k.Subject] {
			seen[k.Subject] = true
			people = append(people, k.Subject)
		}
	}
	return people
}

// underWay counts what is on its way into the log or out to people.
func (h *house) underWay(ctx context.Context) (int, error) {
	if err := h.caughtUp(ctx); err != nil {
		return 0, err
	}
	counts, err := h.outbox.Counts(ctx)
	if err != nil {
		return 0, err
	}
	n := counts[outbox.Queued] + counts[outbox.Sending] + counts[outbox.Deferred]
	for _, s := range []bus.Stream{bus.Inquiries, bus.Deliveries} {
		waiting, err := h.bus.Depth(ctx, s)
		if err != nil {
			return 0, err
		}
		n += int64(waiting)
	}
	return int(n), nil
}

// transferPapers are what an acquirer should know beside the data: the rules that
// they were kept under.
func (h *house) transferPapers(ctx context.Context) (p transfer.Papers, err error) {
	now := h.registry.Now()
	p.Policy = now.PolicyAt(time.Now()).Policy
	compiled, err := privacy.Compile(now.Schedule().RetentionScheduleChanged)
	if err != nil {
		return p, err
	}
	p.Rules = compiled.Rules
	history, err := h.journal.Load(ctx, events.RegistryStream, nil)
	for _, rec := range history {
		p.Registry = append(p.Registry, json.RawMessage(rec.Facts))
	}
	return p, err
}
