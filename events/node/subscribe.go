package node

import (
	"context"
	"math"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"

	"github.com/westshore/hub/events/node/ledger"
)

// subscribeAll sends everything after a position, and then what comes, for as
// long as the client stays. The start is exclusive. With a filter, a checkpoint
// tells every so many considered events, matching or not, how far it is:
// resuming after one loses nothing.
func (s *streamServer) subscribeAll(q query, stream grpc.ServerStream) error {
	at := q.from
	switch {
	case q.start:
		at = 0
	case q.end:
		at = s.ledger.Head()
	case at < math.MaxUint64:
		at++
	}
	if err := stream.SendMsg(confirmation(uuid.NewString())); err != nil {
		return err
	}
	p := s.newPage(q)
	considered, last := 0, uint64(0)
	take := func(r ledger.Record) bool {
		p.scanned++
		last = r.Position
		if q.filter.match(&r) {
			p.event(&r)
		}
		if q.filter != nil {
			if considered++; considered == q.filter.interval {
				p.checkpoint(r.Position)
				considered = 0
			}
		}
		return !p.full()
	}
	for live := false; ; {
		changed := s.ledger.Changed()
		next, end, err := s.ledger.ScanAll(at, take)
		if err != nil {
			return err
		}
		at = next
		if !live && end && q.filter != nil && !q.end && last > 0 {
			p.checkpoint(last)
			considered = 0
		}
		if err := p.send(stream); err != nil {
			return err
		}
		if !end {
			if err := s.stopping(); err != nil {
				return err
			}
			continue
		}
		if !live {
			live = true
			if last, err = s.newest(last, at); err != nil {
				return err
			}
			if err := stream.SendMsg(caughtUpAll(time.Now(), last)); err != nil {
				return err
			}
		}
		if err := s.wait(stream.Context(), changed); err != nil {
			return err
		}
	}
}

// newest is the position of the last event before at: last, if anything was
// considered, or else what the log says; 0 when it is empty.
func (s *streamServer) newest(last, at uint64) (uint64, error) {
	if last > 0 {
		return last, nil
	}
	_, err := s.ledger.ScanAllBack(at, func(r ledger.Record) bool {
		last = r.Position
		return false
	})
	return last, err
}

// subscribeStream does the same for one stream. While catching up the limits of
// the stream's metadata hold, live they don't. A tombstone is delivered and
// then ends the subscription.
func (s *streamServer) subscribeStream(q query, stream grpc.ServerStream) error {
	state, err := s.ledger.Stream(q.stream)
	if err != nil {
		return err
	}
	if state.Tombstoned {
		return streamDeleted(q.stream)
	}
	at := int64(q.from)
	switch {
	case q.start:
		at = 0
	case q.end:
		at = state.Last + 1
	case at < math.MaxInt64:
		at++
	}
	if err := stream.SendMsg(confirmation(uuid.NewString())); err != nil {
		return err
	}
	p := s.newPage(q)
	take := func(r ledger.Record) bool {
		p.event(&r)
		return !p.full()
	}
	for live := false; ; {
		changed := s.ledger.Changed()
		if state, err = s.ledger.Stream(q.stream); err != nil {
			return err
		}
		switch {
		case live:
			state = state.Unlimited()
		case state.SoftDeleted && !state.Tombstoned:
			at = max(at, state.Last+1)
		}
		next, end, err := s.ledger.ScanStream(state, at, take)
		if err != nil {
			return err
		}
		at = next
		if err := p.send(stream); err != nil {
			return err
		}
		if !end {
			if err := s.stopping(); err != nil {
				return err
			}
			continue
		}
		if state.Tombstoned {
			return streamDeleted(q.stream)
		}
		if !live {
			live = true
			if err := stream.SendMsg(caughtUpStream(time.Now(), state.Last)); err != nil {
				return err
			}
		}
		if err := s.wait(stream.Context(), changed); err != nil {
			return err
		}
	}
}

// wait returns when there may be something new.
func (s *streamServer) wait(ctx context.Context, changed <-chan struct{}) error {
	select {
	case <-changed:
		return s.stopping()
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-s.closing:
		return errStopping
	case <-s.ledger.Failed():
		return s.ledger.Err()
	}
}

// stopping returns the error for callers when the node is being stopped.
func (s *streamServer) stopping() error {
	select {
	case <-s.closing:
		return errStopping
	default:
		return nil
	}
}
