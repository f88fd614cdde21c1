package node_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/westshore/hub/events/node"
)

// patience bounds everything a test waits for.
const patience = 20 * time.Second

// start runs a node in a folder of its own, on a socket unless change says
// otherwise, until the test ends.
func start(t testing.TB, change ...func(*node.Config)) *node.Node {
	t.Helper()
	cfg := node.Config{Dir: t.TempDir(), Logger: slog.New(slog.DiscardHandler)}
	for _, c := range change {
		c(&cfg)
	}
	n, err := node.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return n
}

func onTCP(cfg *node.Config) { cfg.Listen = "127.0.0.1:0" }

// dial opens the official client on a node until the test ends.
func dial(t testing.TB, n *node.Node) *esdb.Client {
	t.Helper()
	conf, err := esdb.ParseConnectionString(n.ConnectionString())
	if err != nil {
		t.Fatal(err)
	}
	if n.SocketPath() != "" {
		conf.Address = "unix:" + n.SocketPath()
	}
	return connect(t, conf)
}

func connect(t testing.TB, conf *esdb.Configuration) *esdb.Client {
	t.Helper()
	conf.Logger = esdb.NoopLogging()
	c, err := esdb.NewClient(conf)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// rawStreams speaks to the node without the client, for requests the client
// can't make.
func rawStreams(t *testing.T, n *node.Node) streams.StreamsClient {
	t.Helper()
	return streams.NewStreamsClient(rawConn(t, n))
}

func rawConn(t *testing.T, n *node.Node) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient("unix:"+n.SocketPath(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// event makes an event with a fresh id; its data is its name, as JSON.
func event(name string) esdb.EventData {
	return esdb.EventData{
		EventID: uuid.New(), EventType: "test." + name, ContentType: esdb.ContentTypeJson,
		Data: fmt.Appendf(nil, "%q", name), Metadata: []byte(`{"m":1}`),
	}
}

func eventsN(prefix string, n int) []esdb.EventData {
	out := make([]esdb.EventData, n)
	for i := range out {
		out[i] = event(fmt.Sprintf("%s%d", prefix, i))
	}
	return out
}

// put appends and must succeed.
func put(t testing.TB, c *esdb.Client, stream string, expected esdb.ExpectedRevision, evs ...esdb.EventData) *esdb.WriteResult {
	t.Helper()
	res, err := c.AppendToStream(t.Context(), stream, esdb.AppendToStreamOptions{ExpectedRevision: expected}, evs...)
	if err != nil {
		t.Fatalf("append: %v", err)
	}
	return res
}

// refused appends and returns the code of the error; success is -1.
func refused(t testing.TB, c *esdb.Client, stream string, expected esdb.ExpectedRevision, evs ...esdb.EventData) esdb.ErrorCode {
	t.Helper()
	_, err := c.AppendToStream(t.Context(), stream, esdb.AppendToStreamOptions{ExpectedRevision: expected}, evs...)
	return codeOf(err)
}

// codeOf is the client's code of an error, -1 for none. Errors that the client
// wrapped keep their code only for errors.As.
func codeOf(err error) esdb.ErrorCode {
	var e *esdb.Error
	switch {
	case err == nil:
		return -1
	case errors.As(err, &e):
		return e.Code()
	}
	return esdb.ErrorCodeUnknown
}

// readStream returns what a read of one stream gives, and how it ended (nil at
// its end).
func readStream(t testing.TB, c *esdb.Client, stream string, opts esdb.ReadStreamOptions, count uint64) ([]*esdb.RecordedEvent, error) {
	t.Helper()
	r, err := c.ReadStream(t.Context(), stream, opts, count)
	if err != nil {
		return nil, err
	}
	return drain(r)
}

func readAll(t testing.TB, c *esdb.Client, opts esdb.ReadAllOptions, count uint64) ([]*esdb.RecordedEvent, error) {
	t.Helper()
	r, err := c.ReadAll(t.Context(), opts, count)
	if err != nil {
		return nil, err
	}
	return drain(r)
}

func drain(r *esdb.ReadStream) (out []*esdb.RecordedEvent, err error) {
	defer r.Close()
	for {
		ev, err := r.Recv()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		out = append(out, ev.Event)
	}
}

// revisions lists the revisions of events.
func revisions(evs []*esdb.RecordedEvent) []uint64 {
	out := []uint64{}
	for _, e := range evs {
		out = append(out, e.EventNumber)
	}
	return out
}

// subscription reads a subscription in the background.
type subscription struct {
	t      testing.TB
	sub    *esdb.Subscription
	events chan *esdb.SubscriptionEvent
	done   chan struct{}
}

func listen(t testing.TB, sub *esdb.Subscription, err error) *subscription {
	t.Helper()
	if err != nil {
		t.Fatalf("subscribe: %v", err)
	}
	s := &subscription{t: t, sub: sub, events: make(chan *esdb.SubscriptionEvent, 16), done: make(chan struct{})}
	ctx := t.Context()
	go func() {
		defer close(s.done)
		for {
			ev := sub.Recv()
			select {
			case s.events <- ev:
			case <-ctx.Done():
				return
			}
			if ev.SubscriptionDropped != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		_ = sub.Close()
		<-s.done
	})
	return s
}

// next waits for the next message.
func (s *subscription) next() *esdb.SubscriptionEvent {
	s.t.Helper()
	select {
	case ev := <-s.events:
		return ev
	case <-time.After(patience):
		s.t.Fatal("nothing came")
		return nil
	}
}

// event waits for the next message, which must be an event.
func (s *subscription) event() *esdb.RecordedEvent {
	s.t.Helper()
	ev := s.next()
	if ev.EventAppeared == nil {
		s.t.Fatalf("want an event, have %s", describe(ev))
	}
	return ev.EventAppeared.Event
}

// caughtUp waits for the next message, which must say so.
func (s *subscription) caughtUp() {
	s.t.Helper()
	if ev := s.next(); ev.CaughtUp == nil {
		s.t.Fatalf("want caught up, have %s", describe(ev))
	}
}

// dropped waits for the next message, which must be the end.
func (s *subscription) dropped() error {
	s.t.Helper()
	ev := s.next()
	if ev.SubscriptionDropped == nil {
		s.t.Fatalf("want the end, have %s", describe(ev))
	}
	return ev.SubscriptionDropped.Error
}

func describe(ev *esdb.SubscriptionEvent) string {
	switch {
	case ev.EventAppeared != nil:
		return "event " + ev.EventAppeared.Event.EventType
	case ev.CheckPointReached != nil:
		return fmt.Sprintf("checkpoint %d", ev.CheckPointReached.Commit)
	case ev.CaughtUp != nil:
		return "caught up"
	case ev.SubscriptionDropped != nil:
		return fmt.Sprintf("dropped: %v", ev.SubscriptionDropped.Error)
	}
	return "something else"
}

// streamName is a name no other test uses.
func streamName() string { return "test-" + uuid.NewString() }
