package worker_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/services/worker"
)

// The vector of the Standard Webhooks reference implementations.
func TestSignatureIsThatOfStandardWebhooks(t *testing.T) {
	s, err := worker.ParseSecrets("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	got := s.Sign("msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for _, bad := range []string{"", "whsec_", "whsec_c2hvcnQ=", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_!"} {
		if _, err := worker.ParseSecrets(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

// feed is the hub's side: a log of events of a few tickets.
func feed(t *testing.T, n, tickets int) *worker.Client {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := worker.Page{Events: []worker.CloudEvent[worker.Change]{}, Store: "store-1", Position: fmt.Sprint(n)}
		after := 0
		if s := r.URL.Query().Get("after"); s != "now" {
			_, _ = fmt.Sscan(s, &after)
			for i := after + 1; i <= n && len(p.Events) < 5; i++ {
				e := worker.CloudEvent[worker.Change]{ID: fmt.Sprint("e", i), Type: "hub.X", Position: fmt.Sprint(i)}
				e.Data = worker.Change{Ticket: events.TicketID(fmt.Sprint("t", i%tickets)), Revision: int64(i / tickets)}
				p.Events, p.Position = append(p.Events, e), e.Position
			}
			if len(p.Events) == 0 {
				select {
				case <-r.Context().Done():
				case <-time.After(50 * time.Millisecond):
				}
			}
		}
		_ = json.NewEncoder(w).Encode(p)
	}))
	t.Cleanup(s.Close)
	return &worker.Client{URL: s.URL, Token: "x"}
}

func hook(t *testing.T, c *worker.Client, url, dir string) *worker.Webhook {
	t.Helper()
	secrets, err := worker.ParseSecrets("whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 32)))
	if err != nil {
		t.Fatal(err)
	}
	return &worker.Webhook{
		Client: c, URL: url, Secrets: secrets, Place: worker.Place{Path: filepath.Join(dir, "place")}, From: "start", HTTP: worker.NewSender(true),
		Dead: filepath.Join(dir, "dead"), Pauses: []time.Duration{time.Millisecond}, Logger: slog.New(slog.DiscardHandler),
	}
}

// TestTicketsAreInOrderAndDoNotWaitForEachOther: the receiver refuses every event a
// few times, and one ticket for ever; the others arrive in order, and a worker
// that begins again leaves nothing out.
func TestTicketsAreInOrderAndDoNotWaitForEachOther(t *testing.T) {
	const n, tickets = 40, 4
	c, dir := feed(t, n, tickets), t.TempDir()
	var mu sync.Mutex
	tries, got := map[string]int{}, map[events.TicketID][]int64{}
	stuck := true
	arrived := make(chan struct{}, 1000)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		var e worker.CloudEvent[worker.Change]
		_ = json.Unmarshal(b, &e)
		mu.Lock()
		defer mu.Unlock()
		if tries[e.ID]++; tries[e.ID] < 3 || stuck && e.Data.Ticket == "t1" {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		got[e.Data.Ticket] = append(got[e.Data.Ticket], e.Data.Revision)
		arrived <- struct{}{}
	}))
	defer s.Close()
	run := func(want int) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		done := make(chan error, 1)
		go func() { done <- hook(t, c, s.URL, dir).Run(ctx) }()
		for range want {
			select {
			case <-arrived:
			case <-ctx.Done():
				t.Fatalf("not all came: %v", got)
			}
		}
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	run(n / tickets * (tickets - 1)) // all but those of the ticket that is stuck
	mu.Lock()
	stuck = false
	mu.Unlock()
	run(n / tickets) // at least: what stood behind the stuck one comes again as well
	mu.Lock()
	defer mu.Unlock()
	for ticket, revisions := range got {
		seen := map[int64]bool{}
		last := int64(-1)
		for _, r := range revisions {
			if !seen[r] && r < last {
				t.Errorf("%s came out of order: %v", ticket, revisions)
			}
			seen[r], last = true, r
		}
	}
}

func TestGivenUpEventsAreKeptAndGoneEndsTheWorker(t *testing.T) {
	c, dir := feed(t, 3, 1), t.TempDir()
	answers := make(chan int, 100)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		if strings.Contains(string(b), `"e3"`) {
			w.WriteHeader(http.StatusGone)
			return
		}
		w.WriteHeader(http.StatusInternalServerError)
		answers <- 500
	}))
	defer s.Close()
	w := hook(t, c, s.URL, dir)
	w.GiveUp = 5 * time.Millisecond
	if err := w.Run(t.Context()); !errors.Is(err, worker.ErrGone) {
		t.Errorf("the worker ended with %v", err)
	}
	_, position, ok, err := w.Place.Load()
	if err != nil || !ok || position == "3" {
		t.Errorf("place %q, %v: what the receiver did not want is behind it", position, err)
	}
	if len(answers) < 4 {
		t.Errorf("%d tries of two events", len(answers))
	}
}

// FIELD 31
func TestAttack31PrivateAddressesAreNotDialled(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	for _, url := range []string{
		s.URL, "http://169.254.169.254/", "http://[::ffff:127.0.0.1]:1/", "http://10.0.0.1:1/", "http://0.0.0.0:1/", "http://100.64.0.1:1/", "http://0.1.2.3:1/", "http://198.18.0.1:1/", "http://240.0.0.1:1/",
		"http://[::7f00:1]:1/", "http://[64:ff9b::a9fe:a9fe]:1/", "http://[2002:7f00:1::]:1/", "http://[fec0::1]:1/", "http://[fd00:ec2::254]:1/",
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := worker.NewSender(false).Do(req)
		if err == nil {
			res.Body.Close()
		}
		if err == nil || !strings.Contains(err.Error(), "not public") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// FIELD 34: the receiver's address may hold a secret, as those of chat programs do;
// it stands in no error and so in no log.
func TestWebhookAddressStaysOutOfTheLog(t *testing.T) {
	var log bytes.Buffer
	w := hook(t, feed(t, 1, 1), "http://127.0.0.1:1/services/hidden-in-the-path?key=hidden", t.TempDir())
	w.HTTP, w.Logger = worker.NewSender(false), slog.New(slog.NewTextHandler(&log, nil))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	time.AfterFunc(300*time.Millisecond, cancel)
	if err := w.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if s := log.String(); !strings.Contains(s, "not public") || strings.Contains(s, "hidden") {
		t.Errorf("%.500s", s)
	}
}
