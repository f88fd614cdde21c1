package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/westshore/hub/events"
)

// Webhook tells another system what changes in tickets.
//
// The events of one ticket are told one after the other, in their order: the next
// goes out when the one before was taken, or given up. Different tickets do not
// wait for each other. What was told is remembered as a position, so after a crash
// some events are told again, under the same id; none is left out. Any position
// can be begun from again.
type Webhook struct {
	Client  *Client
	URL     string
	Secrets Secrets
	Place   Place
	// From is where to begin where Place has nothing, or Replay is set: a position,
	// "start" or "now". Empty is "now".
	From   string
	Replay bool // begin at From whatever Place says
	// HTTP sends. Use NewSender.
	HTTP *http.Client
	// Parallel is how many requests are out at a time, Window how many events are
	// taken from the hub before the oldest is done, GiveUp how long one event is
	// tried. Zeros are 8, 1,000 and 24 h.
	Parallel, Window int
	GiveUp           time.Duration
	// Dead is a file that takes what was given up, a line of JSON each.
	Dead string
	// Pauses are the times between the tries of one event; the last goes on. Nil is
	// 1 s to 15 min.
	Pauses []time.Duration
	Now    func() time.Time
	Logger *slog.Logger

	seats chan struct{}
	room  chan struct{}
	stop  context.CancelCauseFunc

	mu      sync.Mutex
	window  []*told // in the order of the log
	lanes   map[events.TicketID][]*told
	store   string
	saved   string
	savedAt time.Time
	busy    sync.WaitGroup
}

// told is one event on its way.
type told struct {
	event CloudEvent[Change]
	done  bool
}

// ErrGone says that the receiver answered 410: it wants no more webhooks.
var ErrGone = errors.New("the receiver answers 410: it wants no more webhooks")

// Run tells until ctx ends.
func (w *Webhook) Run(ctx context.Context) error {
	w.defaults()
	at, err := w.begin(ctx)
	if err != nil {
		return err
	}
	ctx, w.stop = context.WithCancelCause(ctx)
	defer w.stop(nil)
	defer w.busy.Wait()
	w.Logger.Info("telling changes", "after", at)
	pause := 200 * time.Millisecond
	for ctx.Err() == nil {
		p, err := w.Client.Changes(ctx, FeedQuery{After: at, Limit: 200, Wait: 25})
		var no *RefusedError
		switch {
		case ctx.Err() != nil:
			continue
		case errors.As(err, &no) && no.Final():
			return fmt.Errorf("read changes: %w", err)
		case err != nil:
			w.Logger.Warn("the hub cannot be asked, will try again", "error", err)
			nap(ctx, pause)
			pause = min(2*pause, 15*time.Second)
			continue
		case p.Store != w.store:
			return fmt.Errorf("read changes: the hub has another log now (%s, not %s); begin again with --replay --from start or now", p.Store, w.store)
		}
		pause = 200 * time.Millisecond
		for _, e := range p.Events {
			if !w.add(ctx, e) {
				break
			}
		}
		if at = p.Position; ctx.Err() == nil {
			w.idle(at)
		}
	}
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

func (w *Webhook) defaults() {
	if w.Parallel == 0 {
		w.Parallel = 8
	}
	if w.Window == 0 {
		w.Window = 1000
	}
	if w.GiveUp == 0 {
		w.GiveUp = 24 * time.Hour
	}
	if w.Pauses == nil {
		w.Pauses = []time.Duration{time.Second, 2 * time.Second, 5 * time.Second, 15 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute}
	}
	if w.Now == nil {
		w.Now = time.Now
	}
	w.seats, w.room = make(chan struct{}, w.Parallel), make(chan struct{}, w.Window)
	w.lanes = map[events.TicketID][]*told{}
}

// begin finds where to go on.
func (w *Webhook) begin(ctx context.Context) (at string, err error) {
	store, at, ok, err := w.Place.Load()
	if err != nil {
		return "", err
	}
	if !ok || w.Replay {
		store = ""
		switch at = w.From; at {
		case "", now:
			at = now
		case "start":
			at = "0"
		default:
			if _, err := events.ParsePosition(at); err != nil {
				return "", fmt.Errorf("begin: %q is no position, start or now", at)
			}
		}
	}
	// The first answer names the store, and what "now" is.
	p, err := w.Client.Changes(ctx, FeedQuery{After: now})
	if err != nil {
		return "", fmt.Errorf("read changes: %w", err)
	}
	if store != "" && store != p.Store {
		return "", fmt.Errorf("begin: %s is of another log than the hub has (%s, not %s); begin again with --replay --from start or now", w.Place.Path, store, p.Store)
	}
	if w.store = p.Store; at == now {
		at = p.Position
	}
	return at, w.Place.Save(w.store, at)
}

// add puts an event behind the others of its ticket; false means that ctx ended.
func (w *Webhook) add(ctx context.Context, e CloudEvent[Change]) bool {
	select {
	case w.room <- struct{}{}:
	case <-ctx.Done():
		return false
	}
	t := &told{event: e}
	ticket := e.Data.Ticket
	w.mu.Lock()
	defer w.mu.Unlock()
	w.window = append(w.window, t)
	lane, running := w.lanes[ticket]
	w.lanes[ticket] = append(lane, t)
	if !running {
		w.busy.Go(func() { w.lane(ctx, ticket) })
	}
	return true
}

// lane tells the events of one ticket, until there are none.
func (w *Webhook) lane(ctx context.Context, ticket events.TicketID) {
	for {
		w.mu.Lock()
		lane := w.lanes[ticket]
		if len(lane) == 0 {
			delete(w.lanes, ticket)
			w.mu.Unlock()
			return
		}
		next := lane[0]
		w.lanes[ticket] = lane[1:]
		w.mu.Unlock()
		if !w.insist(ctx, next.event) {
			return // ctx ended; the place has not passed it
		}
		w.settle(next)
	}
}

// settle moves the place on to before the oldest event that is still on its way.
func (w *Webhook) settle(t *told) {
	w.mu.Lock()
	defer w.mu.Unlock()
	t.done = true
	last := ""
	for len(w.window) > 0 && w.window[0].done {
		last = w.window[0].event.Position
		w.window = w.window[1:]
		<-w.room
	}
	if last != "" {
		w.save(last, false)
	}
}

// idle moves the place on to the end of what was read, when all of it is told.
func (w *Webhook) idle(at string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.window) == 0 {
		w.save(at, true)
	}
}

// save writes the place, not more often than four times a second.
func (w *Webhook) save(position string, force bool) {
	if position == w.saved || !force && w.Now().Sub(w.savedAt) < 250*time.Millisecond {
		return
	}
	if err := w.Place.Save(w.store, position); err != nil {
		w.Logger.Error("place not saved; what was told will be told again after a restart", "error", err)
		return
	}
	w.saved, w.savedAt = position, w.Now()
}

// insist tells one event until it is taken or given up; false means that ctx ended.
func (w *Webhook) insist(ctx context.Context, e CloudEvent[Change]) bool {
	body, err := json.Marshal(e)
	if err != nil {
		w.bury(e, err)
		return true
	}
	first := w.Now()
	for try := 0; ; try++ {
		after, err := w.tell(ctx, e.ID, body)
		switch {
		case err == nil:
			return true
		case ctx.Err() != nil:
			return false
		case errors.Is(err, ErrGone):
			w.stop(err)
			return false
		case w.Now().Sub(first) > w.GiveUp:
			w.bury(e, err)
			return true
		}
		pause := max(w.Pauses[min(try, len(w.Pauses)-1)], after)
		w.Logger.Warn("webhook not taken, will try again", "event", e.ID, "try", try+1, "pause", pause, "error", err)
		nap(ctx, pause)
	}
}

// bury keeps what was given up, ids only.
func (w *Webhook) bury(e CloudEvent[Change], cause error) {
	w.Logger.Error("webhook given up", "event", e.ID, "position", e.Position, "error", cause)
	if w.Dead == "" {
		return
	}
	b, err := json.Marshal(e)
	if err == nil {
		err = appendLine(w.Dead, b)
	}
	if err != nil {
		w.Logger.Error("dead webhook not written", "event", e.ID, "error", err)
	}
}

func appendLine(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(b, '\n'))
	return errors.Join(err, f.Sync(), f.Close())
}
