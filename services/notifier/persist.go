package notifier

import (
	"context"
	"log/slog"
	"time"

	"github.com/westshore/hub/events/store"
)

// stubborn is how often something that fails though the store answers is tried
// before the next one has its turn.
const stubborn = 10

// persist repeats what fails until it works or ctx ends.
func persist(ctx context.Context, log *slog.Logger, what string, do func() error) error {
	return repeat(ctx, log, what, 0, do)
}

// insist is persist for one of many: what cannot be done though the store answers
// is said loudly and left, so that it does not hold up all the others.
func insist(ctx context.Context, log *slog.Logger, what string, do func() error) error {
	return repeat(ctx, log, what, stubborn, do)
}

func repeat(ctx context.Context, log *slog.Logger, what string, limit int, do func() error) error {
	pause := 100 * time.Millisecond
	for try := 1; ; {
		err := do()
		if err == nil || ctx.Err() != nil {
			return ctx.Err()
		}
		if !store.IsUnavailable(err) && !store.IsOutcomeUnknown(err) {
			if try++; limit > 0 && try > limit {
				log.Error("not done, and left", "what", what, "tries", limit, "error", err)
				return nil
			}
		}
		log.Warn("will try again", "what", what, "error", err)
		t := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		case <-t.C:
		}
		pause = min(2*pause, 10*time.Second)
	}
}
