package retention

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/vault"
)

const (
	sweepKeys = 100_000 // of one sweep; what is left is for the next one
	partKeys  = 5_000   // of one order, and of one event that lists keys
)

// Preview writes down what a sweep would destroy now, and returns it. Within the
// limits it is approved at once; otherwise it waits for two persons, and takes
// the place of one that waited before. Nothing is written when nothing is due:
// then the preview has no keys.
func (e *Engine) Preview(ctx context.Context) (*Sweep, error) {
	s, err := e.preview(ctx)
	if err != nil {
		return nil, fmt.Errorf("preview sweep: %w", err)
	}
	return s, nil
}

// Look says what a sweep would destroy now, without writing anything down.
func (e *Engine) Look(ctx context.Context) (events.RetentionPreviewed, error) {
	p, _, err := e.look(ctx)
	if err != nil {
		return p, fmt.Errorf("look at what is due: %w", err)
	}
	return p, nil
}

func (e *Engine) look(ctx context.Context) (p events.RetentionPreviewed, due []vault.Info, err error) {
	clock, err := e.Clock(ctx)
	if err != nil {
		return p, nil, err
	}
	switch {
	case clock.Suspended != "":
		return p, nil, refuse("clock_suspended", "The retention clock is suspended (%s): nothing is destroyed until the clocks agree or a person accepts the time.", clock.Suspended)
	case clock.At.IsZero():
		return p, nil, refuse("clock_unset", "The retention clock does not run yet.")
	}
	// A ticket that was reopened must not be due because the vault was not told yet.
	head, err := e.j.Head(ctx)
	if err != nil {
		return p, nil, err
	}
	if err := e.cfg.Anchors.Wait(ctx, head); err != nil {
		return p, nil, err
	}
	if due, err = e.cfg.Vault.Due(ctx, clock.At, sweepKeys); err != nil {
		return p, nil, err
	}
	census, err := e.cfg.Vault.Census(ctx)
	if err != nil {
		return p, nil, err
	}
	schedule := e.cfg.Schedule()
	p = events.RetentionPreviewed{Sweep: events.NewUUID(), At: clock.At, Keys: int64(len(due)), Schedule: schedule.Version, ByClass: byClass(due)}
	for _, n := range census {
		p.Live += n
	}
	if len(due) > 0 {
		p.Oldest = due[0].Expires
	}
	p.Auto = within(p, schedule.Limits)
	p.Digest, err = digest(due)
	return p, due, err
}

func (e *Engine) preview(ctx context.Context) (*Sweep, error) {
	p, due, err := e.look(ctx)
	if err != nil {
		return nil, err
	}
	if len(due) == 0 {
		return &Sweep{RetentionPreviewed: p, PreviewedAt: e.now()}, nil
	}
	parts := slices.Collect(slices.Chunk(due, partKeys))
	p.Parts = len(parts)
	for i, part := range parts {
		by := e.system("listed", p.Sweep.String(), fmt.Sprint(i+1))
		listed := events.RetentionListed{Sweep: p.Sweep, Part: i + 1, Keys: list(part)}
		if _, err := e.j.Execute(ctx, events.SweepStream(p.Sweep), by, func([]events.Recorded) ([]events.Event, error) { return []events.Event{listed}, nil }); err != nil {
			return nil, err
		}
	}
	by := e.system("previewed", p.Sweep.String())
	if _, err := e.j.Execute(ctx, events.SweepsStream, by, func([]events.Recorded) ([]events.Event, error) { return []events.Event{p}, nil }); err != nil {
		return nil, err
	}
	e.log.Info("sweep previewed", "sweep", p.Sweep.String(), "keys", p.Keys, "live", p.Live, "auto", p.Auto)
	return &Sweep{RetentionPreviewed: p, PreviewedAt: e.now()}, nil
}

// within reports whether a sweep is small enough to go on by itself.
func within(p events.RetentionPreviewed, l events.RetentionLimits) bool {
	if p.Keys > l.AutoKeys {
		return false
	}
	return p.Keys <= l.AutoFloor || p.Keys*1_000_000 <= p.Live*l.AutoShare
}

// digest names a set of keys, as the vault does.
func digest(keys []vault.Info) (events.Hash, error) {
	kids := make([]events.KID, len(keys))
	for i, k := range keys {
		kids[i] = k.KID
	}
	d, err := vault.Digest(kids)
	return events.Hash(d), err
}

func byClass(keys []vault.Info) []events.ClassCount {
	n := map[events.Class]int64{}
	for _, k := range keys {
		n[k.Class]++
	}
	return counts(n)
}

func counts(n map[events.Class]int64) []events.ClassCount {
	out := []events.ClassCount{}
	for c, k := range n {
		out = append(out, events.ClassCount{Class: c, N: k})
	}
	slices.SortFunc(out, func(a, b events.ClassCount) int { return cmp.Compare(a.Class, b.Class) })
	return out
}

// list groups keys by stream, person and class, as events list them.
func list(keys []vault.Info) []events.ListedKeys {
	keys = slices.Clone(keys)
	slices.SortFunc(keys, func(a, b vault.Info) int {
		return cmp.Or(cmp.Compare(a.Stream, b.Stream), cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.Class, b.Class), cmp.Compare(a.KID, b.KID))
	})
	var out []events.ListedKeys
	for _, k := range keys {
		if n := len(out); n == 0 || out[n-1].Stream != k.Stream || out[n-1].Subject != k.Subject || out[n-1].Class != k.Class {
			out = append(out, events.ListedKeys{Stream: k.Stream, Subject: k.Subject, Class: k.Class})
		}
		last := &out[len(out)-1]
		last.KIDs = append(last.KIDs, k.KID)
	}
	return out
}

// unlist is list the other way round.
func unlist(listed []events.ListedKeys) []vault.Info {
	var out []vault.Info
	for _, l := range listed {
		for _, kid := range l.KIDs {
			out = append(out, vault.Info{KID: kid, Stream: l.Stream, Subject: l.Subject, Class: l.Class})
		}
	}
	return out
}
