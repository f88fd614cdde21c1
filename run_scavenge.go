package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/westshore/hub/events/node/ledger"
)

// scavenge removes from disk what readers of streams can't see any more. It may
// be stopped and started at any time: what is done is done.
func (h *house) scavenge(ctx context.Context, args []string, out io.Writer) error {
	if len(args) > 0 {
		return misuse("scavenge takes no arguments")
	}
	if h.node == nil {
		return misuse("the events are on a server of your own: scavenge there")
	}
	began, told := time.Now(), time.Now()
	r, err := h.node.Scavenge(ctx, func(r ledger.ScavengeReport) {
		if time.Since(told) >= time.Second {
			told = time.Now()
			_, _ = fmt.Fprintf(out, "%d streams looked at, %d events removed\n", r.Streams, r.Events) // whoever asked may have gone
		}
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "done: %d streams looked at, %d events removed in %s\n", r.Streams, r.Events, time.Since(began).Round(time.Millisecond))
	return err
}
