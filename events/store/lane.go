package store

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

	"github.com/westshore/hub/events"
)

// laneQueue is how many appends may wait to be sent.
const laneQueue = 128

// lane carries appends to the embedded node on one stream of the protocol's
// BatchAppend, which costs half of what a call for each append does: the
// official client knows only the latter. It gives the answers and the errors
// that a call would give, so that nobody above can tell them apart.
//
// The rules are those of the pool: nobody waits beyond its context, a stream
// that broke is replaced, and what was on it then has an unknown outcome.
type lane struct {
	socket string
	log    *slog.Logger
	slow   time.Duration // an append this long without an answer condemns its stream

	mu      sync.Mutex
	cur     *laneStream // nil: none that works
	next    uint64
	closed  bool
	running sync.WaitGroup // goroutines of streams
	calls   sync.WaitGroup // appends
}

// laneStream is one BatchAppend stream on a connection of its own.
type laneStream struct {
	queue  chan *laneCall
	ctx    context.Context // ends when the stream is of no more use
	cancel context.CancelCauseFunc

	mu      sync.Mutex
	waiting map[uint64]*laneCall
}

// laneCall is one append on its way.
type laneCall struct {
	id   uint64
	body []byte
	done chan laneReply // capacity 1
}

func newLane(socket string, slow time.Duration, log *slog.Logger) *lane {
	return &lane{socket: socket, slow: slow, log: log}
}

// connect makes the connection of one stream; it does not dial yet. It tries
// once: whoever appends tries again.
func (l *lane) connect() (*grpc.ClientConn, error) {
	return grpc.NewClient("unix:"+l.socket,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(wireCodec{})),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 10 * time.Second, Timeout: 5 * time.Second}),
		grpc.WithInitialWindowSize(1<<20), grpc.WithInitialConnWindowSize(4<<20),
		grpc.WithIdleTimeout(0), grpc.WithDisableRetry(),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: backoff.DefaultConfig, MinConnectTimeout: l.slow}))
}

// append sends one append and waits for its answer, or for ctx to end.
func (l *lane) append(ctx context.Context, stream string, expected events.Revision, data []esdb.EventData) (Written, error) {
	s, call, err := l.begin()
	if err != nil {
		return Written{}, &notSent{err}
	}
	defer l.calls.Done()
	defer s.forget(call.id)
	began := time.Now()
	call.body = laneRequest(call.id, stream, expected, data)
	select {
	case s.queue <- call:
	case <-s.ctx.Done():
		return Written{}, &notSent{context.Cause(s.ctx)}
	case <-ctx.Done():
		l.late(s, began)
		return Written{}, &notSent{ctx.Err()}
	}
	select {
	case r := <-call.done:
		return r.written, r.err()
	case <-s.ctx.Done():
	case <-ctx.Done():
		l.late(s, began)
	}
	select {
	case r := <-call.done:
		return r.written, r.err()
	default:
	}
	if err := ctx.Err(); err != nil {
		return Written{}, err
	}
	return Written{}, context.Cause(s.ctx)
}

// late gives a stream up that did not answer for long.
func (l *lane) late(s *laneStream, began time.Time) {
	if time.Since(began) >= l.slow {
		l.drop(s, context.DeadlineExceeded)
	}
}

// begin registers an append with the stream, opening one if there is none.
func (l *lane) begin() (*laneStream, *laneCall, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, nil, ErrClosed
	}
	if l.cur == nil {
		ctx, cancel := context.WithCancelCause(context.Background())
		s := &laneStream{queue: make(chan *laneCall, laneQueue), ctx: ctx, cancel: cancel, waiting: map[uint64]*laneCall{}}
		l.cur = s
		l.running.Go(func() { l.run(s) })
	}
	l.next++
	call := &laneCall{id: l.next, done: make(chan laneReply, 1)}
	l.cur.mu.Lock()
	l.cur.waiting[call.id] = call
	l.cur.mu.Unlock()
	l.calls.Add(1)
	return l.cur, call, nil
}

func (s *laneStream) forget(id uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.waiting, id)
}

// drop ends a stream; the next append opens another.
func (l *lane) drop(s *laneStream, cause error) {
	s.cancel(cause)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cur == s {
		l.cur = nil
	}
}

// run opens a stream and serves it to its end.
func (l *lane) run(s *laneStream) {
	conn, err := l.connect()
	if err != nil {
		l.drop(s, &notSent{err})
		return
	}
	defer func() { _ = conn.Close() }()
	stream, err := conn.NewStream(s.ctx, &batchAppend, streams.Streams_BatchAppend_FullMethodName)
	if err != nil {
		l.drop(s, &notSent{err})
		return
	}
	var sender sync.WaitGroup
	sender.Go(func() {
		for {
			select {
			case call := <-s.queue:
				if err := stream.SendMsg(call.body); err != nil {
					return // the receiver knows why
				}
			case <-s.ctx.Done():
				return
			}
		}
	})
	l.drop(s, s.receive(stream))
	sender.Wait()
}

// receive hands answers to those who wait for them.
func (s *laneStream) receive(stream grpc.ClientStream) error {
	for {
		var body []byte
		if err := stream.RecvMsg(&body); err != nil {
			return err
		}
		r, err := parseLaneReply(body)
		if err != nil {
			return err
		}
		s.mu.Lock()
		call := s.waiting[r.correlation]
		s.mu.Unlock()
		if call == nil {
			continue // its caller left
		}
		select {
		case call.done <- r:
		default: // answered twice
		}
	}
}

// batchAppend describes the call: any number of messages both ways.
var batchAppend = grpc.StreamDesc{StreamName: "BatchAppend", ClientStreams: true, ServerStreams: true}

// shut refuses new appends, waits for those on their way until deadline, and
// closes the connection.
func (l *lane) shut(deadline time.Time) {
	l.mu.Lock()
	l.closed = true
	cur := l.cur
	l.mu.Unlock()
	done := make(chan struct{})
	go func() { l.calls.Wait(); close(done) }()
	t := time.NewTimer(time.Until(deadline))
	defer t.Stop()
	select {
	case <-done:
	case <-t.C:
		l.log.Warn("appends were still on their way when the store closed")
	}
	if cur != nil {
		l.drop(cur, ErrClosed)
	}
	l.running.Wait()
	<-done
}
