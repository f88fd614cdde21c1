package main

import (
	"context"
	"time"

	"github.com/westshore/hub/events/bus"
	"github.com/westshore/hub/gateway/ops"
)

// busMetrics say what waits on the bus. Dead letters are what nobody could handle:
// somebody must look at them before they end, after seven days.
func (h *house) busMetrics() []ops.Metric {
	return []ops.Metric{{
		Name: "hub_bus_messages", Help: "Messages that wait on the bus; in DEADLETTER, what could not be handled.", Labels: []string{"stream"},
		Read: func() (out []ops.Sample) {
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
			defer cancel()
			for _, s := range []bus.Stream{bus.Inquiries, bus.Outbound, bus.Deliveries, bus.DeadLetter} {
				if n, err := h.bus.Depth(ctx, s); err == nil {
					out = append(out, ops.Sample{Labels: []string{string(s)}, Value: float64(n)})
				}
			}
			return out
		},
	}}
}
