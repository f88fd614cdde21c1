package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/blobs"
	"github.com/westshore/hub/events/bus"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/events/node"
	"github.com/westshore/hub/events/seal"
	"github.com/westshore/hub/events/store"
	"github.com/westshore/hub/events/vault"
	"github.com/westshore/hub/projections"
	"github.com/westshore/hub/projections/customers"
	noticeviews "github.com/westshore/hub/projections/notices"
	"github.com/westshore/hub/projections/outbox"
	"github.com/westshore/hub/projections/search"
	"github.com/westshore/hub/projections/tickets"
	"github.com/westshore/hub/services/accounts"
	"github.com/westshore/hub/services/desk"
	"github.com/westshore/hub/services/forms"
	"github.com/westshore/hub/services/notices"
	"github.com/westshore/hub/services/notifier"
	"github.com/westshore/hub/services/worker"
)

// house is the floor plan: every room, built in the order data walks. Building
// opens files and starts the embedded engines; running starts the loops.
type house struct {
	cfg *Config
	log *slog.Logger

	node    *node.Node
	store   *store.Store
	vault   *vault.Vault
	blobs   *blobs.Store
	sealer  *seal.Sealer
	journal *journal.Journal
	bus     *bus.Bus

	accounts  *accounts.Accounts
	marks     *notifier.Marks
	desk      *desk.Desk
	forms     *forms.Forms
	mailboxes []*mailDoor
	router    *desk.Router

	feed       *projections.Feed
	tickets    *tickets.View
	outbox     *outbox.View
	customers  *customers.View
	search     *search.View
	noticeView *noticeviews.View
	notices    *notices.Notices
	hatch      *worker.Hatch // nil: no worker comes from outside
	source     projections.Source
	runners    []*projections.Runner

	erasureRooms
	retentionRooms

	rightsOffice

	doors   sync.RWMutex           // held by whoever takes something in; a backup waits for them
	worker  string                 // random name of this process
	bound   atomic.Pointer[string] // where reception listens, once it does
	started time.Time
	closers []func()
}

// build opens the house. What is already open is closed again when it fails.
func build(ctx context.Context, cfg *Config, log *slog.Logger) (h *house, err error) {
	h = &house{cfg: cfg, log: log, worker: events.NewUUID().String(), started: time.Now()}
	defer func() {
		if err != nil {
			h.close()
		}
	}()
	for _, floor := range []func(context.Context) error{h.lock, h.foundation, h.rooms, h.privacyOffice, h.people, h.afterRestore} {
		if err := floor(ctx); err != nil {
			return h, err
		}
	}
	return h, nil
}

func (h *house) dir(name string) string { return filepath.Join(h.cfg.Data, name) }

func (h *house) onClose(f func()) { h.closers = append(h.closers, f) }

// close shuts the house, the last room first.
func (h *house) close() {
	for i := len(h.closers) - 1; i >= 0; i-- {
		h.closers[i]()
	}
	h.closers = nil
}

// errInUse says that another process has the data folder.
var errInUse = errors.New("another hub is using this data folder")

// lock takes the data folder for this process alone.
func (h *house) lock(context.Context) error {
	if err := os.MkdirAll(h.cfg.Data, 0o700); err != nil {
		return fmt.Errorf("make data folder: %w", err)
	}
	f, err := os.OpenFile(h.dir("hub.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("lock data folder: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		return fmt.Errorf("open %s: %w", h.cfg.Data, errInUse)
	}
	h.onClose(func() { _ = f.Close() })
	return nil
}

// foundation opens the log, the vault, the files and the bus.
func (h *house) foundation(ctx context.Context) (err error) {
	sc := store.Config{URL: h.cfg.Store.URL, Logger: h.log}
	if sc.URL == "" {
		if h.node, err = node.Start(ctx, node.Config{Dir: h.dir("node"), Logger: h.log}); err != nil {
			return err
		}
		h.onClose(func() {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			if err := h.node.Stop(ctx); err != nil {
				h.log.Warn("event node did not stop in order", "error", err)
			}
		})
		sc.URL, sc.Socket, sc.Batch = h.node.ConnectionString(), h.node.SocketPath(), true
	}
	if h.store, err = store.Open(ctx, sc); err != nil {
		return err
	}
	h.onClose(func() { _ = h.store.Close() })
	if err = h.openVault(ctx, true); err != nil {
		return err
	}
	if h.blobs, err = blobs.Open(blobs.Config{Dir: h.dir("blobs"), Logger: h.log}); err != nil {
		return err
	}
	h.onClose(func() { _ = h.blobs.Close() })
	h.sealer = seal.New(h.vault, seal.Files{Put: h.blobs.Put, Get: h.blobs.Get})
	h.journal = journal.New(journal.Config{Store: h.store, Sealer: h.sealer, Logger: h.log})
	h.bus, err = bus.Open(ctx, bus.Config{URL: h.cfg.Bus.URL, Replicas: h.cfg.Bus.Replicas, Dir: h.dir("bus"), Logger: h.log})
	if err != nil {
		return err
	}
	h.onClose(h.bus.Close)
	return h.openLedger(ctx)
}

// rooms opens the views and what keeps them up to date.
func (h *house) rooms(ctx context.Context) (err error) {
	at := projections.Store{Dir: h.dir("views")}
	if err := os.MkdirAll(at.Dir, 0o700); err != nil {
		return fmt.Errorf("make folder of views: %w", err)
	}
	reload := projections.ReloadFrom(h.journal)
	if h.tickets, err = tickets.New(ctx, at, h.sealer.Open, h.log); err != nil {
		return err
	}
	h.onClose(func() { _ = h.tickets.Close() })
	if h.outbox, err = outbox.New(ctx, at, reload, h.log); err != nil {
		return err
	}
	h.onClose(func() { _ = h.outbox.Close() })
	if h.customers, err = customers.New(ctx, at, reload, h.log); err != nil {
		return err
	}
	h.onClose(func() { _ = h.customers.Close() })
	if h.search, err = search.New(ctx, at, reload, h.log); err != nil {
		return err
	}
	h.onClose(func() { _ = h.search.Close() })
	if err := h.openNotices(ctx); err != nil {
		return err
	}
	if err := h.openPrivacyView(ctx); err != nil {
		return err
	}
	h.feed = projections.NewFeed()
	views := []projections.Projection{h.tickets, h.outbox, h.customers, h.search, h.noticeView, h.privacyView}
	h.source = projections.FromJournal(h.journal, views...)
	for _, p := range views {
		h.runners = append(h.runners, projections.NewRunner(projections.Config{Projection: p, Source: h.source, Feed: h.feed, Logger: h.log}))
	}
	return nil
}

// people hires who works in the house.
func (h *house) people(ctx context.Context) (err error) {
	var own []string
	var senders []notifier.Sender
	for _, m := range h.cfg.Mailbox {
		own = append(append(own, m.Address), m.Aliases...)
		senders = append(senders, notifier.Sender{ID: events.MailboxID(m.ID), Address: m.Address, Name: m.Name})
	}
	tokens := h.vault.Secret(tokenSecret)
	h.marks = notifier.NewMarks(tokens, senders)
	var first events.MailboxID
	if len(senders) > 0 {
		first = senders[0].ID
	}
	if err := h.hireNotices(); err != nil {
		return err
	}
	if err := h.openHatch(); err != nil {
		return err
	}
	h.desk = desk.New(desk.Config{
		Journal: h.journal, MessageID: h.marks.MessageID, Own: h.marks.Own, Mailbox: first,
		Logger: h.log,
	})
	if h.accounts, err = accounts.Open(ctx, accounts.Config{Path: h.dir("accounts.db"), Journal: h.journal, Logger: h.log}); err != nil {
		return err
	}
	h.onClose(func() { _ = h.accounts.Close() })
	if h.forms, err = forms.New(forms.Config{
		Forms: h.cfg.formList(), Secret: h.vault.Secret("form stamps"), Begin: h.sealer.Begin,
		Resolve: h.vault.Subjects, Hash: h.vault.Hash, Take: h.take, Logger: h.log,
	}); err != nil {
		return err
	}
	for _, m := range h.cfg.Mailbox {
		box, err := h.mailbox(m, own, tokens)
		if err != nil {
			return fmt.Errorf("mailbox %s: %w", m.ID, err)
		}
		h.mailboxes = append(h.mailboxes, box)
	}
	return nil
}

// take makes inquiries durable: sealed first, then published. It is how every
// door hands on what it was given.
func (h *house) take(ctx context.Context, inquiries []events.InquiryReceived) error {
	h.doors.RLock()
	defer h.doors.RUnlock()
	var drafts []seal.Draft
	for _, in := range inquiries {
		by := journal.By{Command: events.DeriveUUID("inquiry", string(in.Inquiry)), Actor: events.Actor("door:" + string(in.Channel))}
		drafts = append(drafts, h.journal.Drafts(events.InquiryStream(in.Inquiry), by, in)...)
	}
	envs, err := h.journal.Seal(ctx, drafts)
	if err != nil {
		return fmt.Errorf("seal inquiries: %w", err)
	}
	msgs := make([]bus.Message, len(envs))
	for i, env := range envs {
		to, source := bus.InquiryEmail(inquiries[i].Mailbox), "/door/mailbox"
		if inquiries[i].Channel == events.Form {
			to, source = bus.InquiryForm(inquiries[i].Form), "/door/forms"
		}
		if msgs[i], err = bus.FromEnvelope(to, source, env); err != nil {
			return err
		}
		// One person's messages are recorded in the order they came in.
		msgs[i].Key = string(inquiries[i].Customer)
	}
	return h.bus.Publish(ctx, msgs...)
}

func (c *Config) formList() []forms.Form {
	var out []forms.Form
	for _, f := range c.Form {
		out = append(out, forms.Form{
			ID: events.FormID(f.ID), Title: f.Title, Intro: f.Intro, Thanks: f.Thanks,
			Mailbox: events.MailboxID(f.Mailbox), Files: forms.Files{Allowed: f.Attachments}, Embed: f.Embed,
		})
	}
	return out
}

// tokenSecret names the key of the marks in our mail: reply addresses,
// Message-IDs, bounce addresses.
const tokenSecret = "mail tokens"
