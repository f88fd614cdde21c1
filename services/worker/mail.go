package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Mail is a worker that delivers the messages of one channel.
type Mail struct {
	Client  *Client
	Channel string
	// Deliver offers a message to the other side. It calls start before the step
	// after which the other side may have it, and stops where start fails, without
	// taking that step. Claim of its result need not be set. An ErrTaken says that
	// somebody else has the attempt.
	Deliver func(ctx context.Context, p Payload, start func(ctx context.Context, archived bool) error) (Result, error)
	// Parallel is how many messages go out at a time. Zero is 4.
	Parallel int
	Logger   *slog.Logger
}

// ErrTaken says that the attempt is somebody else's.
var ErrTaken = errors.New("the attempt is not ours any more")

// Run delivers until ctx ends. What is being delivered then is delivered.
func (m *Mail) Run(ctx context.Context) error {
	if m.Parallel == 0 {
		m.Parallel = 4
	}
	var busy sync.WaitGroup
	fatal := make(chan error, m.Parallel)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	for range m.Parallel {
		busy.Go(func() {
			if err := m.loop(ctx); err != nil {
				fatal <- err
				stop()
			}
		})
	}
	busy.Wait()
	select {
	case err := <-fatal:
		return err
	default:
		return nil
	}
}

func (m *Mail) loop(ctx context.Context) error {
	pause := 200 * time.Millisecond
	for ctx.Err() == nil {
		o, ok, err := m.next(ctx)
		var no *RefusedError
		switch {
		case errors.As(err, &no) && no.Final():
			return fmt.Errorf("ask for a task: %w", err)
		case err != nil:
			m.Logger.Warn("the hub cannot be asked, will try again", "error", err)
			nap(ctx, pause)
			pause = min(2*pause, 15*time.Second)
			continue
		case ok:
			m.task(context.WithoutCancel(ctx), o)
		}
		pause = 200 * time.Millisecond
	}
	return nil
}

// next asks to the end even when Run is told to stop: a task that is handed to a
// worker that has hung up is offered again only after a while.
func (m *Mail) next(ctx context.Context) (Offer, bool, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	return m.Client.Next(ctx, Ask{Channel: m.Channel, Wait: 5})
}

// task delivers one message.
func (m *Mail) task(ctx context.Context, o Offer) {
	log := m.Logger.With("outbound", o.Event.Data.Outbound, "attempt", o.Event.Data.Attempt)
	p, err := m.Client.Fetch(ctx, o)
	if err != nil {
		log.Warn("message not fetched", "error", err)
		return
	}
	r, err := m.Deliver(ctx, p, func(ctx context.Context, archived bool) error {
		err := m.Client.Started(ctx, Begun{o.Claim, archived})
		var no *RefusedError
		if errors.As(err, &no) && no.Final() {
			return ErrTaken
		}
		return err
	})
	if errors.Is(err, ErrTaken) {
		log.Info("somebody else has the attempt")
		return
	}
	if err != nil {
		log.Warn("message not delivered", "error", err)
		r = Result{Outcome: Deferred, Class: "temporary"}
	}
	r.Claim = o.Claim
	m.report(ctx, log, r)
}

// report hands in a result. It insists for as long as an attempt may last: one
// that is lost makes an unknown outcome.
func (m *Mail) report(ctx context.Context, log *slog.Logger, r Result) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	for pause := 200 * time.Millisecond; ctx.Err() == nil; pause = min(2*pause, 15*time.Second) {
		err := m.Client.Finish(ctx, r)
		var no *RefusedError
		if err == nil {
			log.Info("delivered", "outcome", r.Outcome, "class", r.Class, "code", r.Code)
			return
		}
		if errors.As(err, &no) && no.Final() {
			log.Error("the hub refuses the result", "outcome", r.Outcome, "error", err)
			return
		}
		log.Warn("result not handed in, will try again", "error", err)
		nap(ctx, pause)
	}
	log.Error("result lost: the hub shows the outcome as unknown", "outcome", r.Outcome)
}
