package worker

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/bus"
	"github.com/westshore/hub/events/journal"
)

// Account is a worker that may come to the hatch.
type Account struct {
	Name     string // lower-case letters, digits and dashes; it stands in the log
	Token    string // at least 32 characters
	Channels []events.Channel
	Feed     bool // may read what changes in tickets
}

// Config gives the hatch what it stands on.
type Config struct {
	Journal *journal.Journal
	Bus     *bus.Bus
	// OpenBlob opens the rendered message: seal.Sealer.OpenBlob.
	OpenBlob func(context.Context, events.Principal, events.Blob) ([]byte, events.State, error)
	// Settle decides what becomes of a deferred message: when it is tried again, or
	// that it was tried for long enough.
	Settle func(context.Context, bus.Delivery) (bus.Delivery, error)
	// Egress is asked whether a worker may have messages at all (q is nil), and notes
	// each one that it is given, before it is (policy clause 3.1). Nil lets everything
	// through.
	Egress func(ctx context.Context, worker string, q *events.MessageQueued) error
	// Key signs claims.
	Key      []byte
	Accounts []Account
	// Fetch is how long an offered message can be fetched. Zero is 15 s.
	Fetch time.Duration
	// Offered is how many tasks are held for workers at a time. Zero is 16.
	Offered int
	Now     func() time.Time
	Logger  *slog.Logger
}

// Hatch hands out tasks to workers outside. It is safe for concurrent use.
type Hatch struct {
	cfg      Config
	now      func() time.Time
	log      *slog.Logger
	process  string // random; a claim is redeemed where it was made
	accounts map[string]account
	waiting  map[events.Channel]chan *offer

	mu   sync.Mutex
	open map[string]*offer // by nonce, until redeemed or late
}

type account struct {
	Account
	digest [sha256.Size]byte
}

// offer is a task that a worker has been told of.
type offer struct {
	task    bus.Task
	at      time.Time     // of the task
	told    time.Time     // when a worker was told
	fetched chan struct{} // closed when it fetched the message
}

// New returns a hatch.
func New(cfg Config) (*Hatch, error) {
	if cfg.Fetch == 0 {
		cfg.Fetch = 15 * time.Second
	}
	if cfg.Offered == 0 {
		cfg.Offered = 16
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	h := &Hatch{
		cfg: cfg, now: cfg.Now, log: cfg.Logger.With("room", "worker"), process: events.NewUUID().String(),
		accounts: map[string]account{}, waiting: map[events.Channel]chan *offer{}, open: map[string]*offer{},
	}
	for _, a := range cfg.Accounts {
		if _, twice := h.accounts[a.Name]; twice || !validName(a.Name) || len(a.Token) < 32 {
			return nil, fmt.Errorf("worker %q: names are lower-case letters, digits and dashes, and there once; tokens have at least 32 characters", a.Name)
		}
		h.accounts[a.Name] = account{a, sha256.Sum256([]byte(a.Token))}
		for _, c := range a.Channels {
			if c != events.Email {
				return nil, fmt.Errorf("worker %q: nothing goes out on the channel %q", a.Name, c)
			}
			h.waiting[c] = make(chan *offer)
		}
	}
	return h, nil
}

func validName(s string) bool {
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' {
			return false
		}
	}
	return s != "" && len(s) <= 40
}

// Authenticate finds whose token it is, in the same time whichever it is.
func (h *Hatch) Authenticate(token string) (name string, err error) {
	digest := sha256.Sum256([]byte(token))
	for n, a := range h.accounts {
		if subtle.ConstantTimeCompare(digest[:], a.digest[:]) == 1 {
			name = n
		}
	}
	if name == "" {
		return "", &StrangerError{}
	}
	return name, nil
}

// Run takes tasks from the bus until ctx ends, when workers outside deliver mail:
// nothing else may take them in this process.
func (h *Hatch) Run(ctx context.Context) error {
	return h.cfg.Bus.Consume(ctx, bus.Consumer{
		// The built-in worker reads under the same name, so that one may follow the
		// other on the same tasks.
		Stream: bus.Outbound, Name: "smtp", Workers: h.cfg.Offered, MaxDeliver: 1000,
	}, h.hold)
}

// hold keeps a task until a worker has fetched its message. One that was told and
// does not come for it within the time is forgotten, and the task offered again.
func (h *Hatch) hold(ctx context.Context, m bus.Message) error {
	t, err := bus.TaskOf(m)
	if err != nil {
		return &bus.Permanent{Err: err}
	}
	queue := h.waiting[t.Channel]
	if queue == nil {
		return fmt.Errorf("hold task: no worker is configured for channel %s", t.Channel)
	}
	for {
		o := &offer{task: t, at: m.Time, fetched: make(chan struct{})}
		select {
		case queue <- o:
		case <-ctx.Done():
			return ctx.Err()
		}
		late := time.NewTimer(h.cfg.Fetch)
		select {
		case <-o.fetched:
			late.Stop()
			return nil
		case <-ctx.Done():
			late.Stop()
			return ctx.Err()
		case <-late.C:
			h.log.Warn("worker did not come for a message, it is offered again", "outbound", t.Outbound)
		}
	}
}

// Next waits for a task of a channel; ok is false when none came in time.
func (h *Hatch) Next(ctx context.Context, worker string, ask Ask) (out Offer, ok bool, err error) {
	channel := events.Channel(ask.Channel)
	if !slices.Contains(h.accounts[worker].Channels, channel) {
		return out, false, &ForbiddenError{"deliver on this channel"}
	}
	if ask.Wait < 0 || ask.Wait > 30 {
		return out, false, &InvalidError{"The wait is 0 to 30 seconds."}
	}
	if err := h.egress(ctx, worker, nil); err != nil {
		return out, false, err
	}
	wait := time.NewTimer(max(time.Duration(ask.Wait)*time.Second, 50*time.Millisecond))
	defer wait.Stop()
	select {
	case o := <-h.waiting[channel]:
		return h.offer(worker, o), true, nil
	case <-wait.C:
		return out, false, nil
	case <-ctx.Done():
		return out, false, ctx.Err()
	}
}

// egress refuses a worker that the register of processors does not cover.
func (h *Hatch) egress(ctx context.Context, worker string, q *events.MessageQueued) error {
	if h.cfg.Egress == nil {
		return nil
	}
	if err := h.cfg.Egress(ctx, worker, q); err != nil {
		h.log.Warn("a worker was refused messages", "worker", worker, "error", err)
		return &ForbiddenError{"have messages: the register of processors does not cover it"}
	}
	return nil
}

// offer tells a worker of a task.
func (h *Hatch) offer(worker string, o *offer) Offer {
	expires := h.now().Add(h.cfg.Fetch).UTC().Truncate(time.Second)
	c := claim{
		outbound: o.task.Outbound, attempt: o.task.Attempt, worker: worker, channel: o.task.Channel, process: h.process,
		expires: expires, nonce: events.NewUUID().String(),
	}
	h.mu.Lock()
	o.told = h.now()
	h.open[c.nonce] = o
	h.forget()
	h.mu.Unlock()
	return Offer{
		Claim: h.sign(c), Expires: expires,
		Event: CloudEvent[Task]{
			SpecVersion: "1.0", ID: c.nonce, Source: "/outbox", Type: "hub.task", Subject: string(o.task.Outbound), Time: o.at.UTC(),
			ContentType: "application/json",
			Data:        Task{Outbound: string(o.task.Outbound), Attempt: o.task.Attempt, Channel: string(o.task.Channel)},
		},
	}
}

// forget drops offers that nobody came for in time. There are few: Offered at a
// time.
func (h *Hatch) forget() {
	for nonce, o := range h.open {
		if h.now().Sub(o.told) > h.cfg.Fetch {
			delete(h.open, nonce)
		}
	}
}
