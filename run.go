package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/westshore/hub/events/store"
	"github.com/westshore/hub/gateway"
	"github.com/westshore/hub/gateway/api"
	"github.com/westshore/hub/gateway/ops"
	"github.com/westshore/hub/projections"
	"github.com/westshore/hub/services/desk"
	"github.com/westshore/hub/services/mailbox"
	"github.com/westshore/hub/services/recorder"
)

// roomNames are what --rooms may name. Without servers of their own the rooms of
// one hub must be in one process.
var roomNames = []string{"mailbox", "recorder", "desk", "notifier", "privacy", "gateway"}

// serve runs the hub until it is told to stop.
func serve(ctx context.Context, args []string) error {
	rooms, args := takeFlag(args, "rooms")
	cfg, rest, err := load(args, os.Environ())
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return misuse("%q is no flag", rest[0])
	}
	open := roomNames
	if rooms != "" {
		open = strings.Split(rooms, ",")
		for _, r := range open {
			if !slices.Contains(roomNames, r) {
				return misuse("there is no room %q; rooms are %s", r, strings.Join(roomNames, ", "))
			}
		}
	}
	log := newLogger(cfg)
	h, err := build(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer h.close()
	return h.run(ctx, open, nil)
}

// takeFlag takes one flag out of the arguments.
func takeFlag(args []string, name string) (value string, rest []string) {
	for i := 0; i < len(args); i++ {
		switch {
		case strings.HasPrefix(args[i], "--"+name+"="):
			value = strings.TrimPrefix(args[i], "--"+name+"=")
		case args[i] == "--"+name && i+1 < len(args):
			i++
			value = args[i]
		default:
			rest = append(rest, args[i])
		}
	}
	return value, rest
}

func newLogger(cfg *Config) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(cfg.Log.Level)) // checked by the configuration
	opts := &slog.HandlerOptions{Level: level}
	if cfg.Log.Format == "json" {
		return slog.New(slog.NewJSONHandler(os.Stderr, opts))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, opts))
}

// run starts the loops of the rooms and waits for the end: of ctx, or of the
// embedded node. ready is called once the doors are open; it may be nil.
func (h *house) run(ctx context.Context, rooms []string, ready func(*gateway.Gateway)) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var loops sync.WaitGroup
	defer loops.Wait()
	defer stop(nil)
	start := func(name string, loop func(context.Context) error) {
		loops.Go(func() { h.keep(ctx, name, loop) })
	}
	h.serving.Store(true)
	start("control", h.control)
	start("projections", h.readViews)
	if slices.Contains(rooms, "privacy") {
		h.servePrivacy(start)
	}
	if slices.Contains(rooms, "recorder") {
		start("recorder", recorder.New(recorder.Config{Bus: h.bus, Journal: h.journal, Logger: h.log}).Run)
	}
	if slices.Contains(rooms, "desk") {
		h.router = desk.NewRouter(h.desk, desk.RouterConfig{
			Silent: !h.cfg.Desk.Acknowledge, NewTickets: h.cfg.Desk.NewTickets, DomainAcks: h.cfg.Desk.DomainAnswers, TotalAcks: h.cfg.Desk.TotalAnswers,
		})
		start("router", h.router.Run)
	}
	if slices.Contains(rooms, "notifier") && h.cfg.posts() {
		if err := h.notify(start); err != nil {
			return err
		}
	}
	if slices.Contains(rooms, "gateway") {
		if err := h.receive(ctx, start, ready); err != nil {
			return err
		}
	}
	if slices.Contains(rooms, "mailbox") {
		h.watchMail(start)
	}
	h.log.Info("hub ready", "took", time.Since(h.started).Round(time.Millisecond), "rooms", strings.Join(rooms, ","))
	var failed <-chan struct{}
	if h.node != nil {
		failed = h.node.Failed()
	}
	select {
	case <-ctx.Done():
		h.log.Info("stopping")
		return nil
	case <-failed:
		return fmt.Errorf("the event node failed and takes no more events; nothing that was acknowledged is lost. "+
			"Look at the disk, then start again: %w", h.node.Err())
	}
}

// keep runs a loop again, after a growing pause, whenever it fails: one sick room
// never stops the others.
func (h *house) keep(ctx context.Context, name string, loop func(context.Context) error) {
	pause := 200 * time.Millisecond
	for ctx.Err() == nil {
		began := time.Now()
		err := guarded(ctx, loop)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			err = errors.New("ended by itself")
		}
		h.log.Error("a loop failed and will be started again", "loop", name, "pause", pause, "error", err)
		t := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-t.C:
		}
		t.Stop()
		if pause = min(2*pause, 30*time.Second); time.Since(began) > time.Minute {
			pause = 200 * time.Millisecond
		}
	}
}

// guarded turns a panic into an error. The value of a panic may hold anything, so
// only its type and the place are told.
func guarded(ctx context.Context, loop func(context.Context) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic of type %T at %s", p, debug.Stack())
		}
	}()
	return loop(ctx)
}

// caughtUp waits until every view has read the log up to where it ends now.
func (h *house) caughtUp(ctx context.Context) error {
	head, err := h.journal.Head(ctx)
	if err != nil {
		return err
	}
	for _, r := range h.runners {
		if err := r.Wait(ctx, head); err != nil {
			return err
		}
	}
	return nil
}

// receive opens reception and the operators' listener.
func (h *house) receive(ctx context.Context, start func(string, func(context.Context) error), ready func(*gateway.Gateway)) error {
	var private *ops.Server
	gc := gateway.Config{
		Listen: h.cfg.HTTP.Listen, PublicURL: h.cfg.HTTP.PublicURL, Proxies: h.cfg.HTTP.Proxies,
		Brand: h.cfg.Brand, Version: release, Logger: h.log,
	}
	if h.cfg.HTTP.Ops != "" {
		var err error
		if private, err = ops.New(ops.Config{Listen: h.cfg.HTTP.Ops, Checks: h.checks(), Metrics: h.metrics(), Logger: h.log}); err != nil {
			return err
		}
		gc.Observe = private.Observe
	}
	g, err := gateway.New(gc, gateway.Rooms{
		Tickets: h.tickets, Outbox: h.outbox, Customers: h.customers, Search: h.search, Runners: h.runners, Feed: h.feed,
		Desk: h.desk, Accounts: h.accounts, Forms: h.forms, Reload: projections.ReloadFrom(h.journal), Raw: h.sealer.OpenBlob, Part: mailbox.DecodePart,
		Mailboxes: h.mailboxStates, Mail: h.mailRoom(), System: h.system, Head: h.journal.Head,
		Notices: h.notices, NoticeView: h.noticeView, Hatch: h.hatch, Post: h.post(),
		Retention: h.retentionRoom(), Privacy: h.privacyRoom(), File: h.fetchFile, Leave: h.leave, Left: func() { h.left.Add(1) },
		Unavailable: func(err error) bool { return store.IsUnavailable(err) || store.IsOutcomeUnknown(err) },
	})
	if err != nil {
		return err
	}
	if err := g.Bind(ctx); err != nil {
		return err
	}
	at := g.URL()
	h.bound.Store(&at)
	start("accounts", h.accounts.Run)
	start("gateway", g.Listen)
	if private != nil {
		start("ops", private.Listen)
	}
	h.log.Info("console and API", "url", g.URL())
	if ready != nil {
		ready(g)
	}
	return nil
}

func (h *house) checks() []ops.Check {
	return []ops.Check{
		{Name: "store", Probe: h.journal.Ping},
		{Name: "bus", Probe: h.bus.Ping},
		{Name: "disk", Probe: h.writable},
		{Name: "views", Probe: func(context.Context) error {
			for _, r := range h.runners {
				if !r.Live() {
					return fmt.Errorf("view %s is catching up", r.Name())
				}
			}
			return nil
		}},
	}
}

// writable tries whether the data folder takes a page: a full disk stops intake
// without stopping anything that could be asked.
func (h *house) writable(context.Context) error {
	f, err := os.CreateTemp(h.cfg.Data, ".probe-*")
	if err != nil {
		return fmt.Errorf("the data folder cannot be written: %w", err)
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.Write(make([]byte, 4096))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("the data folder cannot be written: %w", err)
	}
	return nil
}

func (h *house) metrics() []ops.Metric {
	perView := func(value func(projections.Lag) float64) func() []ops.Sample {
		return func() (out []ops.Sample) {
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
			defer cancel()
			for _, r := range h.runners {
				if lag, err := r.Lag(ctx); err == nil {
					out = append(out, ops.Sample{Labels: []string{r.Name()}, Value: value(lag)})
				}
			}
			return out
		}
	}
	return append(slices.Concat(h.busMetrics(), h.postMetrics(), h.mailMetrics(), h.rightsMetrics()), []ops.Metric{
		{Name: "hub_view_lag_seconds", Help: "How far a view is behind the log.", Labels: []string{"view"}, Read: perView(func(l projections.Lag) float64 { return l.Seconds })},
	}...)
}

func (h *house) system(ctx context.Context) (api.System, error) {
	s := api.System{Store: "embedded", Bus: "embedded", UptimeSeconds: time.Since(h.started).Seconds(), Ready: true}
	if h.node == nil {
		s.Store = fmt.Sprint(hide("url", h.cfg.Store.URL))
	}
	if h.cfg.Bus.URL != "" {
		s.Bus = fmt.Sprint(hide("url", h.cfg.Bus.URL))
	}
	for _, c := range h.checks() {
		s.Ready = s.Ready && c.Probe(ctx) == nil
	}
	return s, nil
}
