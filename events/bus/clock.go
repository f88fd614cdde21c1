package bus

import (
	"context"
	"fmt"
	"time"
)

// Time is the time as the bus's server has it.
func (b *Bus) Time(ctx context.Context) (time.Time, error) {
	st, err := b.js.Stream(ctx, string(Inquiries))
	if err != nil {
		return time.Time{}, fmt.Errorf("ask the bus for its time: %w", err)
	}
	return st.CachedInfo().TimeStamp, nil
}
