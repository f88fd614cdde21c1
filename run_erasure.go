package main

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/events/store"
	"github.com/westshore/hub/services/privacy/erasure"
	"github.com/westshore/hub/services/privacy/scan"
)

// erasureRooms is the part of the privacy office that erases.
type erasureRooms struct {
	ledger   *erasure.Ledger
	erasure  *erasure.Office
	scanAlso []string    // files and folders outside the data folder that a scan reads as well
	erasing  atomic.Bool // the office's loop runs in this process
}

// openLedger opens the redo log of destruction and lets the vault in: one that was
// restored carries out first what it has forgotten. The head of the ledger is
// remembered beside the log, on the bus, and on another volume where there is one,
// so that a data folder that was put back as a whole is noticed.
func (h *house) openLedger(ctx context.Context) error {
	const mark = "privacy-ledger"
	onBus := erasure.KeptAnchor("bus", func(ctx context.Context) ([]byte, error) { return h.bus.Mark(ctx, mark) },
		func(ctx context.Context, b []byte) error { return h.bus.SetMark(ctx, mark, b) })
	onBus.Remote = h.cfg.Bus.URL != ""
	anchors := []erasure.Anchor{erasure.FileAnchor(h.dir("ledger.head")), onBus}
	if path := h.cfg.Privacy.LedgerHead; path != "" {
		anchors = append(anchors, erasure.FileAnchor(path))
	}
	h.ledger = erasure.NewLedger(h.journal, h.vault, anchors, h.log)
	return h.ledger.Admit(ctx)
}

// openErasure opens the office that erases, once the views are open.
func (h *house) openErasure() {
	h.erasure = erasure.New(erasure.Config{
		Journal: h.journal, Vault: h.vault, Ledger: h.ledger, Stores: h.plaintextStores(),
		Begin: h.sealer.Begin, Forget: h.blobs.Delete, Scan: h.scan, Control: h.livingName, Others: h.search.Each,
		Recipients: h.toldAbout, Outbound: h.outboundOf, Send: h.erasureLetter,
		Signer: ed25519.NewKeyFromSeed(h.vault.Secret("erasure certificates")), Claim: h.vault.Secret("erasure claims"),
		Tenant: "t_" + string(h.vault.Hash("tenant"))[:12], Tool: "hub " + release, Brand: h.cfg.Brand, Logger: h.log,
	})
}

// runErasure carries out what was requested.
func (h *house) runErasure(ctx context.Context) error {
	// The outbox and the views are purged as of a log that they have read.
	if err := h.caughtUp(ctx); err != nil {
		return err
	}
	h.erasing.Store(true)
	defer h.erasing.Store(false)
	return h.erasure.Run(ctx)
}

// plaintextStores are the places that keep readable text of people: the views.
// What else rests in the data folder is on the store register.
func (h *house) plaintextStores() (out []erasure.Store) {
	for _, r := range h.runners {
		out = append(out, erasure.Store{
			ID: "view:" + r.Name(), Probe: r.Probe, Inventory: r.Inventory,
			Purge: func(ctx context.Context, o erasure.Order) (int, error) {
				receipt, err := r.PurgeAll(ctx, o.Subjects)
				return receipt.Rows, err
			},
		})
	}
	return out
}

// register is every place below the data folder where bytes rest.
func (h *house) register() scan.Register {
	reg := scan.Base()
	for _, st := range h.plaintextStores() {
		reg = reg.Add(h.cfg.Data, st.ID, scan.Plaintext, "purged by person: the same rows as a rebuild with today's keys", st.Inventory())
	}
	if key, err := filepath.Abs(h.cfg.Vault.KeyFile); err == nil {
		reg = reg.Add(h.cfg.Data, "root-key", scan.Keys, "holds no text and no key of a segment", []string{key})
	}
	return reg
}

// scan searches every registered file, the log through its own door, and every
// word of the search index.
func (h *house) scan(ctx context.Context, needles, control *scan.Needles) (scan.Report, error) {
	root, err := filepath.Abs(h.cfg.Data)
	if err != nil {
		return scan.Report{}, err
	}
	return scan.Run(ctx, scan.Config{
		Root: root, Register: h.register(), Needles: needles, Control: control, Extra: h.scanAlso,
		Feeds: []scan.Feed{{Store: "log", Each: h.everyEvent}, {Store: "search:words", Each: func(ctx context.Context, record func(string, []byte) error) error {
			return h.search.Words(ctx, func(word []byte) error { return record("word", word) })
		}}},
	})
}

func (h *house) everyEvent(ctx context.Context, record func(string, []byte) error) error {
	return h.store.ReadAll(ctx, events.Start, math.MaxInt32, func(r store.Recorded) error {
		return record(r.Type, slices.Concat([]byte(r.Stream+" "+r.Type+"\n"), r.Data, r.Meta))
	})
}

// livingName is the address of somebody who was not erased: a scan must find it.
func (h *house) livingName(ctx context.Context, not []events.SubjectID) (string, error) {
	return h.customers.Somebody(ctx, not)
}

// toldAbout lists who was given data of these people, or of these streams: the mail
// relay, when a message was handed to it, and everybody in the log of disclosures.
func (h *house) toldAbout(ctx context.Context, people []events.SubjectID, streams []events.Stream) (out []erasure.Recipient, err error) {
	for _, s := range streams {
		relayed, err := h.relayed(ctx, s)
		if err != nil {
			return nil, err
		}
		if relayed {
			out = append(out, erasure.Recipient{ID: relayID, Write: h.writeTo(relayID)})
			break
		}
	}
	for _, who := range people {
		log, err := h.privacyView.Disclosures(ctx, who, "", 10_000)
		if err != nil {
			return nil, err
		}
		for _, d := range log {
			id := string(d.Recipient)
			if d.Refused == "" && !slices.ContainsFunc(out, func(r erasure.Recipient) bool { return r.ID == id }) {
				out = append(out, erasure.Recipient{ID: id, Write: h.writeTo(id)})
			}
		}
	}
	return out, nil
}

// relayed reports whether the message of a stream was handed to the mail relay.
func (h *house) relayed(ctx context.Context, s events.Stream) (bool, error) {
	if s.Family() != "outbound" {
		return false, nil
	}
	history, err := h.journal.Load(ctx, s, nil)
	return slices.ContainsFunc(history, func(r events.Recorded) bool {
		_, ok := r.Event.(events.DeliveryStarted)
		return ok
	}), err
}

func (h *house) outboundOf(ctx context.Context, id events.MessageID) ([]events.OutboundID, error) {
	items, err := h.outbox.ByMessage(ctx, id)
	out := make([]events.OutboundID, len(items))
	for i, x := range items {
		out[i] = x.ID
	}
	return out, err
}

// erasureLetter writes a letter of the house; the clerk renders and queues it.
func (h *house) erasureLetter(ctx context.Context, l erasure.Letter) error {
	by := journal.By{Command: events.DeriveUUID("write", string(l.ID)), Actor: "system:privacy"}
	_, err := h.journal.Append(ctx, events.LetterStream(l.ID), events.NoStream, by, events.LetterWritten{
		Message: l.ID, Kind: events.OutboundAdministrative, Purpose: "rights", About: string(l.Request), Customer: l.Customer,
		Letter: events.Seal(events.HouseLetter{To: l.To, Subject: l.Subject, Text: l.Text}),
	})
	if _, there := store.IsConflict(err); there {
		return nil
	}
	if err != nil {
		return fmt.Errorf("write letter: %w", err)
	}
	return nil
}

// eraseAlone runs the office for a command in a house that does not serve.
func (h *house) eraseAlone(ctx context.Context) (stop func()) {
	if h.erasing.Load() {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := h.runErasure(ctx); err != nil && !errors.Is(err, context.Canceled) {
			h.log.Error("erasure stopped", "error", err)
		}
	})
	return func() {
		cancel()
		wg.Wait()
	}
}
