package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/events/journal/journaltest"
	"github.com/westshore/hub/events/store"
	"github.com/westshore/hub/events/vault"
	"github.com/westshore/hub/gateway"
	"github.com/westshore/hub/gateway/api"
	"github.com/westshore/hub/gateway/live"
	"github.com/westshore/hub/projections"
	"github.com/westshore/hub/projections/customers"
	noticeviews "github.com/westshore/hub/projections/notices"
	"github.com/westshore/hub/projections/outbox"
	"github.com/westshore/hub/projections/search"
	"github.com/westshore/hub/projections/tickets"
	"github.com/westshore/hub/services/accounts"
	"github.com/westshore/hub/services/desk"
	"github.com/westshore/hub/services/forms"
	"github.com/westshore/hub/services/notifier"
	"github.com/westshore/hub/services/privacy"
	"github.com/westshore/hub/services/privacy/retention"
)

const password = "correct horse battery"

// house is everything behind the gateway, real, on one machine and without mail.
type house struct {
	*testing.T
	kit      *journaltest.Kit
	accounts *accounts.Accounts
	desk     *desk.Desk
	feed     *projections.Feed
	gateway  *gateway.Gateway
	base     string
	admin    events.AgentID
	agent    events.AgentID
	stop     func()
	mu       sync.Mutex
	anchors  *retention.Anchors
	runners  []*projections.Runner
	engine   *retention.Engine

	noticeView *noticeviews.View
	links      *notifier.Links

	wall time.Time // what the retention engine takes for the time; zero: the real one
	away error     // what forms' Take answers
}

func newHouse(t *testing.T, change ...func(*gateway.Config)) *house {
	t.Helper()
	h := &house{T: t, kit: journaltest.New(t)}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	h.stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
	})
	t.Cleanup(h.stop)
	run := func(name string, fn func(context.Context) error) {
		running.Go(func() {
			if err := fn(ctx); err != nil && ctx.Err() == nil {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	rooms := h.rooms()
	cfg := gateway.Config{
		Listen: "127.0.0.1:0", Brand: "Westshore", Version: "test", Logger: h.kit.Logger,
		Live: live.Config{Heartbeat: 200 * time.Millisecond, Patience: 300 * time.Millisecond},
	}
	for _, c := range change {
		c(&cfg)
	}
	var err error
	h.gateway, err = gateway.New(cfg, rooms)
	h.must(err)
	h.must(h.gateway.Bind(ctx))
	h.base = "http://" + h.gateway.Addr()
	run("views", func(ctx context.Context) error {
		return projections.Run(ctx, projections.FromJournal(h.kit.Journal), rooms.Runners...)
	})
	run("router", desk.NewRouter(h.desk, desk.RouterConfig{NewTickets: 1000}).Run)
	run("accounts", h.accounts.Run)
	run("anchors", h.anchors.Run)
	running.Go(func() {
		if err := h.gateway.Listen(ctx); err != nil { // stopping whole is part of the promise
			t.Errorf("gateway: %v", err)
		}
	})
	h.admin, err = h.accounts.Add(ctx, "system:test", accounts.New{Name: "Ada Admin", Email: "ada@desk.example", Role: events.RoleAdmin, Password: password})
	h.must(err)
	h.agent, err = h.accounts.Add(ctx, "system:test", accounts.New{Name: "Bob Agent", Email: "bob@desk.example", Role: events.RoleAgent, Password: password})
	h.must(err)
	return h
}

// rooms opens everything the gateway talks to.
func (h *house) rooms() gateway.Rooms {
	ctx, at := h.Context(), projections.Store{Dir: filepath.Join(h.kit.Dir, "views")}
	src, reload := projections.FromJournal(h.kit.Journal), projections.ReloadFrom(h.kit.Journal)
	tv, err := tickets.New(ctx, at, h.kit.Sealer.Open, h.kit.Logger)
	h.must(err)
	ov, err := outbox.New(ctx, at, reload, h.kit.Logger)
	h.must(err)
	cv, err := customers.New(ctx, at, reload, h.kit.Logger)
	h.must(err)
	sv, err := search.New(ctx, at, reload, h.kit.Logger)
	h.must(err)
	nv, err := noticeviews.New(ctx, at, h.kit.Logger)
	h.must(err)
	h.noticeView = nv
	h.feed = projections.NewFeed()
	var runners []*projections.Runner
	for _, p := range []projections.Projection{tv, ov, cv, sv, nv} {
		runners = append(runners, projections.NewRunner(projections.Config{Projection: p, Source: src, Feed: h.feed, Logger: h.kit.Logger}))
	}
	h.accounts, err = accounts.Open(ctx, accounts.Config{Path: filepath.Join(h.kit.Dir, "accounts.db"), Journal: h.kit.Journal, Logger: h.kit.Logger})
	h.must(err)
	h.Cleanup(func() {
		h.stop() // nobody writes to what is closed
		for _, c := range []io.Closer{h.accounts, tv, ov, cv, sv, nv} {
			_ = c.Close()
		}
	})
	h.desk = desk.New(desk.Config{
		Journal: h.kit.Journal, Mailbox: "support", Logger: h.kit.Logger, Own: func(a string) bool { return strings.HasSuffix(a, "@desk.example") },
		MessageID: func(t events.TicketID, m events.MessageID, _ events.MailboxID) string {
			return string(m) + "@desk.example"
		},
	})
	f, err := forms.New(forms.Config{
		Forms: []forms.Form{
			{ID: "contact", Mailbox: "support", Files: forms.Files{Allowed: true, Size: 1 << 20, Total: 2 << 20}},
			{ID: "framed", Title: "Framed", Embed: []string{"https://www.example.org"}, Extra: []forms.Field{{Name: "topic", Label: "Topic", Kind: forms.Choice, Options: []string{"<b>", "Help"}}}},
		},
		Secret: h.kit.Vault.Secret("forms"), Resolve: h.kit.Vault.Subjects, Hash: h.kit.Vault.Hash, Take: h.take, Logger: h.kit.Logger,
		PerAddress: forms.Limit{Burst: 1000, Every: time.Second}, PerClient: forms.Limit{Burst: 60, Every: time.Hour},
	})
	h.must(err)
	retentionRoom := h.retention(runners)
	h.runners = runners
	h.links = &notifier.Links{
		Journal: h.kit.Journal, OpenBlob: h.kit.Sealer.OpenBlob, Key: h.kit.Vault.Secret("file links"), URL: func() string { return "/files/" }, Now: time.Now,
	}
	return gateway.Rooms{
		Post: h.post(), Notices: h.writers(), NoticeView: nv,
		File: func(ctx context.Context, token string) (string, []byte, error) {
			f, content, err := h.links.Fetch(ctx, token)
			return f.Name, content, err
		},
		Retention: retentionRoom,
		Tickets:   tv, Outbox: ov, Customers: cv, Search: sv, Runners: runners, Feed: h.feed, Desk: h.desk, Accounts: h.accounts, Forms: f,
		Reload: reload, Raw: h.kit.Sealer.OpenBlob, Head: h.kit.Head, Unavailable: store.IsUnavailable,
		Part: func(raw []byte, a events.Attachment) ([]byte, error) { return raw[a.Offset : a.Offset+a.Length], nil },
		System: func(context.Context) (api.System, error) {
			return api.System{Store: "ok", Bus: "ok", Ready: true}, nil
		},
	}
}

// retention opens the registry and the retention engine, as main does.
func (h *house) retention(runners []*projections.Runner) *api.RetentionRoom {
	registry, err := privacy.Open(h.Context(), privacy.Config{
		Journal: h.kit.Journal, Logger: h.kit.Logger,
		Scheduled: func(ctx context.Context, s events.RetentionScheduleChanged) error {
			compiled, err := privacy.Compile(s)
			if err != nil {
				return err
			}
			return h.kit.Vault.SetSchedule(ctx, compiled)
		},
	})
	h.must(err)
	h.kit.StampWith(registry.Stamp)
	h.anchors = retention.NewAnchors(h.kit.Journal, h.kit.Vault, h.kit.Logger)
	h.engine = retention.New(retention.Config{
		Journal: h.kit.Journal, Vault: h.kit.Vault, Anchors: h.anchors, Independent: h.accounts.Independent, Logger: h.kit.Logger,
		Schedule: func() events.RetentionScheduleChanged { return registry.Now().Schedule().RetentionScheduleChanged },
		Now: func() time.Time {
			h.mu.Lock()
			defer h.mu.Unlock()
			if h.wall.IsZero() {
				return time.Now()
			}
			return h.wall
		},
		Destroy: func(ctx context.Context, order events.UUID, due time.Time, keys []vault.Info) (vault.Destroyed, error) {
			var kids []events.KID
			for _, k := range keys {
				kids = append(kids, k.KID)
			}
			return h.kit.Vault.Destroy(ctx, vault.Order{ID: order, Cause: vault.CauseRetention, Due: due}, kids)
		},
		Purge: func(ctx context.Context, people []events.SubjectID) error {
			for _, r := range runners {
				if _, err := r.PurgeAll(ctx, people); err != nil {
					return err
				}
			}
			return nil
		},
		Reclaim: h.reclaim(),
	})
	return &api.RetentionRoom{
		Registry: registry, Engine: h.engine, KeepUntil: h.kit.Vault.Expiries, Census: h.kit.Vault.Census,
		Identity: privacy.Identity{Controller: "Westshore BPO", Contact: "privacy@desk.example"},
		Effects: func(ctx context.Context, s events.RetentionScheduleChanged) ([]api.ScheduleEffect, error) {
			compiled, err := privacy.Compile(s)
			if err != nil {
				return nil, err
			}
			byClass, err := h.kit.Vault.TrySchedule(ctx, compiled, time.Now())
			var out []api.ScheduleEffect
			for _, e := range byClass {
				out = append(out, api.ScheduleEffect(e))
			}
			return out, err
		},
	}
}

// reclaim cuts streams and has the node scavenge.
func (h *house) reclaim() *retention.Reclaim {
	return &retention.Reclaim{
		Cut: func(ctx context.Context, stream events.Stream, before events.Revision) error {
			m, at, err := h.kit.Store.Metadata(ctx, string(stream))
			if err != nil {
				return err
			}
			m.TruncateBefore = before
			return h.kit.Store.SetMetadata(ctx, string(stream), at, m)
		},
		Files: func(ctx context.Context, digests []events.Hash) error {
			for _, d := range digests {
				if err := h.kit.Blobs.Delete(ctx, d); err != nil {
					return err
				}
			}
			return nil
		},
		Scavenge: h.kit.Scavenge,
	}
}

// take records inquiries at once, as the recorder does after the bus.
func (h *house) take(ctx context.Context, list []events.InquiryReceived) error {
	h.mu.Lock()
	err := h.away
	h.mu.Unlock()
	for _, in := range list {
		if err == nil {
			err = h.record(ctx, in)
		}
	}
	return err
}

func (h *house) record(ctx context.Context, in events.InquiryReceived) error {
	by := journal.By{Command: events.DeriveUUID("take", string(in.Inquiry)), Actor: "door:form"}
	_, err := h.kit.Append(ctx, events.InquiryStream(in.Inquiry), events.NoStream, by, in)
	if _, known := store.IsConflict(err); known {
		return nil
	}
	return err
}

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

// answer is a response, read.
type answer struct {
	*http.Response
	body []byte
}

func (a answer) into(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal(a.body, v); err != nil {
		t.Fatalf("%s %s: %v in %.200s", a.Request.Method, a.Request.URL.Path, err, a.body)
	}
}

// problem reads the code of a problem and checks that it is one.
func (a answer) problem(t testing.TB) api.Problem {
	t.Helper()
	var p api.Problem
	a.into(t, &p)
	if a.Header.Get("Content-Type") != "application/problem+json" || p.Status != a.StatusCode || p.Code == "" || p.RequestID == "" {
		t.Errorf("%s %s: not a whole problem: %s %s", a.Request.Method, a.Request.URL.Path, a.Header.Get("Content-Type"), a.body)
	}
	return p
}

// send makes one request. Headers come in pairs.
func (h *house) send(method, path string, body any, headers ...string) answer {
	h.Helper()
	var r io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		r = strings.NewReader(b)
	case []byte:
		r = bytes.NewReader(b)
	default:
		j, err := json.Marshal(b)
		h.must(err)
		r = bytes.NewReader(j)
		headers = append([]string{"Content-Type", "application/json"}, headers...)
	}
	req, err := http.NewRequestWithContext(h.Context(), method, h.base+path, r)
	h.must(err)
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	h.must(err)
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	h.must(err)
	return answer{res, b}
}

// caller is somebody signed in.
type caller struct {
	*house
	headers []string
}

func (h *house) login(email string) caller {
	h.Helper()
	a := h.send("POST", "/api/v1/session", map[string]string{"email": email, "password": password})
	if a.StatusCode != http.StatusOK || len(a.Cookies()) != 1 {
		h.Fatalf("log in: %d %s", a.StatusCode, a.body)
	}
	return caller{h, []string{"Cookie", "hub_session=" + a.Cookies()[0].Value, "X-Hub-Csrf", "1"}}
}

func (c caller) get(path string, headers ...string) answer {
	c.Helper()
	return c.send("GET", "/api/v1"+path, nil, append(headers, c.headers...)...)
}

func (c caller) post(path string, body any, headers ...string) answer {
	c.Helper()
	if body == nil {
		body = struct{}{}
	}
	return c.send("POST", "/api/v1"+path, body, append(headers, c.headers...)...)
}

// ok fails the test unless the answer is a success, and reads it.
func (h *house) ok(a answer, v any) answer {
	h.Helper()
	if a.StatusCode/100 != 2 {
		h.Fatalf("%s %s: %d %s", a.Request.Method, a.Request.URL.Path, a.StatusCode, a.body)
	}
	if v != nil {
		a.into(h, v)
	}
	return a
}

// ticket brings a new ticket about by a form and waits until it is listed.
func (c caller) ticket(subject string) api.Ticket {
	c.Helper()
	c.ok(c.send("POST", "/f/contact", map[string]string{"name": "Cleo", "email": "cleo@customer.example", "subject": subject, "message": "Please help with " + subject}), nil)
	return c.listed(subject)
}

func (c caller) listed(subject string) api.Ticket {
	c.Helper()
	var found api.Ticket
	c.eventually("ticket "+subject, func() bool {
		var page struct{ Items []api.Ticket }
		c.ok(c.get("/tickets?view=all&limit=200"), &page)
		for _, t := range page.Items {
			if t.Subject == subject {
				found = t
				return true
			}
		}
		return false
	})
	return found
}

func (h *house) eventually(what string, done func() bool) {
	h.Helper()
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-deadline:
			h.Fatalf("not in time: %s", what)
		}
	}
}

func path(format string, args ...any) string { return fmt.Sprintf(format, args...) }

func journalBy(id events.UUID) journal.By { return journal.By{Command: id, Actor: "system:test"} }
