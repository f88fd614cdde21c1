package projections

import (
	"slices"
	"sync"

	"github.com/westshore/hub/events"
)

// keep is how many changes the feed remembers.
const keep = 10_000

// Feed tells the live part of the gateway what changed, in the order of the log.
// Views come along at their own pace, so a change is let out only when every
// view that feeds it has passed its position: a browser that saw position p has
// seen everything up to p, whatever view it came from.
type Feed struct {
	mu      sync.Mutex
	outlets []*outlet
	held    []Change // not passed by all views yet
	ring    []Change // let out, by position
	start   int      // index of the oldest in ring, once it is full
	floor   events.Position
	latest  events.Position
	begun   int
	changed chan struct{}
}

// NewFeed returns an empty feed. Give it to the runners before they run.
func NewFeed() *Feed { return &Feed{changed: make(chan struct{})} }

// outlet is one view's end of the feed. A nil outlet swallows everything.
type outlet struct {
	feed  *Feed
	at    events.Position
	begun bool
}

func (f *Feed) join() *outlet {
	f.mu.Lock()
	defer f.mu.Unlock()
	o := &outlet{feed: f}
	f.outlets = append(f.outlets, o)
	return o
}

// begin says where the view starts. Nothing before the furthest of them is known
// to the feed: a browser that saw less has to look again.
func (o *outlet) begin(at events.Position) {
	if o == nil {
		return
	}
	f := o.feed
	f.mu.Lock()
	defer f.mu.Unlock()
	if o.begun {
		return
	}
	o.at, o.begun = at, true
	f.begun++
	if f.floor.Before(at) {
		f.floor = at
	}
	f.release()
}

// publish adds the changes of a view, which has now passed upTo.
func (o *outlet) publish(changes []Change, upTo events.Position) {
	if o == nil {
		return
	}
	f := o.feed
	f.mu.Lock()
	defer f.mu.Unlock()
	f.held = append(f.held, changes...)
	if o.at.Before(upTo) {
		o.at = upTo
	}
	f.release()
	if len(f.held) > 2*keep {
		f.forget()
	}
}

// forget drops what was held longest while one view is far behind. Whoever saw
// less than that has to look again.
func (f *Feed) forget() {
	slices.SortStableFunc(f.held, func(a, b Change) int { return compare(a.Position, b.Position) })
	if last := f.held[keep-1].Position; f.floor.Before(last) {
		f.floor = last
	}
	f.held = slices.Clone(f.held[keep:])
}

// release lets out what all views have passed.
func (f *Feed) release() {
	if f.begun < len(f.outlets) {
		return
	}
	upTo := f.outlets[0].at
	for _, o := range f.outlets[1:] {
		if o.at.Before(upTo) {
			upTo = o.at
		}
	}
	if !f.latest.Before(upTo) {
		return
	}
	var out, held []Change
	for _, c := range f.held {
		if upTo.Before(c.Position) {
			held = append(held, c)
		} else {
			out = append(out, c)
		}
	}
	slices.SortStableFunc(out, func(a, b Change) int { return compare(a.Position, b.Position) })
	for _, c := range out {
		f.push(c)
	}
	f.held, f.latest = held, upTo
	close(f.changed)
	f.changed = make(chan struct{})
}

func (f *Feed) push(c Change) {
	if len(f.ring) < keep {
		f.ring = append(f.ring, c)
		return
	}
	if f.floor.Before(f.ring[f.start].Position) {
		f.floor = f.ring[f.start].Position
	}
	f.ring[f.start] = c
	f.start = (f.start + 1) % keep
}

// Since returns the changes after a position, oldest first. ok is false when
// they are not all remembered: then everything has to be fetched again. Several
// changes may share a position; one of them alone does not say that the
// position was seen.
func (f *Feed) Since(after events.Position) (changes []Change, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if after.Before(f.floor) {
		return nil, false
	}
	ordered := func(i int) Change { return f.ring[(f.start+i)%len(f.ring)] }
	lo, hi := 0, len(f.ring)
	for lo < hi {
		if mid := (lo + hi) / 2; after.Before(ordered(mid).Position) {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	for i := lo; i < len(f.ring); i++ {
		changes = append(changes, ordered(i))
	}
	return changes, true
}

// Changed returns a channel that is closed when there is something newer than
// what a call of Since or Latest after this one would miss: take the channel
// first, then look.
func (f *Feed) Changed() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.changed
}

// Latest is the position up to which every change was let out.
func (f *Feed) Latest() events.Position {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.latest
}

func compare(a, b events.Position) int {
	switch {
	case a.Before(b):
		return -1
	case b.Before(a):
		return 1
	}
	return 0
}
