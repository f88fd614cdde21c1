package bus

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// marks keeps the last value of each name. It is no queue: nothing is taken from it.
const marks Stream = "MARKS"

func markOf(name string) Subject { return Subject("hub.mark." + name) }

// Mark returns what was last set under a name, nil when nothing was.
func (b *Bus) Mark(ctx context.Context, name string) ([]byte, error) {
	err := b.ensure(ctx)
	if err == nil {
		var s jetstream.Stream
		if s, err = b.js.Stream(ctx, string(marks)); err == nil {
			var m *jetstream.RawStreamMsg
			if m, err = s.GetLastMsgForSubject(ctx, string(markOf(name))); err == nil {
				return m.Data, nil
			}
		}
	}
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, nil
	}
	return nil, fmt.Errorf("read mark %s: %w", name, err)
}

// SetMark keeps a few bytes under a name, in place of what was there; they are on
// disk when it returns. Neither may be personal.
func (b *Bus) SetMark(ctx context.Context, name string, value []byte) error {
	err := b.ensure(ctx)
	if err == nil {
		_, err = b.js.Publish(ctx, string(markOf(name)), value)
	}
	if err != nil {
		return fmt.Errorf("set mark %s: %w", name, err)
	}
	return nil
}
