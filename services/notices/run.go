package notices

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
)

// Run sends what is started until ctx ends. What is under way it learns from the
// log alone, so that a process that died goes on where it was.
func (n *Notices) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	var busy sync.WaitGroup
	defer busy.Wait()
	defer stop()
	known := map[events.NoticeID]*notice{}
	runs := map[events.NoticeID]*errand{}
	reading := journal.Reading{Types: []string{events.TypePrefix + "Notice"}}
	err := n.j.Subscribe(ctx, reading, func(ctx context.Context, b journal.Batch) error {
		for _, r := range b.Events {
			if r.Stream.Family() != "notice" {
				continue
			}
			id := events.NoticeID(r.Stream.Key())
			if known[id] == nil {
				known[id] = fold(nil)
			}
			known[id].evolve(r)
		}
		if !b.Live {
			return nil
		}
		for id, s := range known {
			n.attend(ctx, &busy, runs, id, *s)
		}
		return nil
	})
	if ctx.Err() != nil {
		return nil //nolint:nilerr // told to end
	}
	return err
}

// errand is the goroutine that works on one notice.
type errand struct {
	stage stage
	stop  context.CancelFunc
	done  chan struct{}
}

// attend makes the goroutine of a notice fit its stage: sending while it runs,
// taking back what waits once it is cancelled, none otherwise.
func (n *Notices) attend(ctx context.Context, busy *sync.WaitGroup, runs map[events.NoticeID]*errand, id events.NoticeID, s notice) {
	old := runs[id]
	if old != nil && old.stage == s.stage {
		return
	}
	if old != nil {
		old.stop()
		<-old.done
		delete(runs, id)
	}
	work := map[stage]func(context.Context, events.NoticeID, notice) error{running: n.send, cancelled: n.takeBack}[s.stage]
	if work == nil {
		return
	}
	ctx, stop := context.WithCancel(ctx)
	e := &errand{stage: s.stage, stop: stop, done: make(chan struct{})}
	runs[id] = e
	busy.Go(func() {
		defer close(e.done)
		defer stop()
		n.insist(ctx, id, func() error { return work(ctx, id, s) })
	})
}

// insist repeats what fails until it works or ctx ends.
func (n *Notices) insist(ctx context.Context, id events.NoticeID, do func() error) {
	for pause := 200 * time.Millisecond; ; pause = min(2*pause, 15*time.Second) {
		err := do()
		if err == nil || ctx.Err() != nil || errors.Is(err, errHeld) {
			return
		}
		n.log.Warn("notice will be tried again", "notice", id, "pause", pause, "error", err)
		sleep(ctx, pause)
	}
}

// errHeld says that the notice was paused from here.
var errHeld = errors.New("the notice is paused")

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
