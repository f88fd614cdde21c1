package store_test

import (
	"context"
	"net"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/serverfeatures"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/store"
)

// rude is a server that does what the embedded node never does and a real one, a
// proxy or a later version might: NODE 6, faults 5, 6 and 10.
type rude struct {
	streams.UnimplementedStreamsServer
	serverfeatures.UnimplementedServerFeaturesServer
	polite  atomic.Bool
	appends atomic.Int64
	refuse  func(streams.Streams_AppendServer) error
	read    func(streams.Streams_ReadServer) error
}

func (r *rude) GetSupportedMethods(context.Context, *shared.Empty) (*serverfeatures.SupportedMethods, error) {
	return &serverfeatures.SupportedMethods{EventStoreServerVersion: "24.10.0"}, nil
}

func (r *rude) Append(s streams.Streams_AppendServer) error {
	r.appends.Add(1)
	if !r.polite.Load() {
		return r.refuse(s)
	}
	for {
		if _, err := s.Recv(); err != nil {
			break
		}
	}
	return s.SendAndClose(&streams.AppendResp{Result: &streams.AppendResp_Success_{Success: &streams.AppendResp_Success{
		CurrentRevisionOption: &streams.AppendResp_Success_CurrentRevision{CurrentRevision: 4},
		PositionOption:        &streams.AppendResp_Success_Position{Position: &streams.AppendResp_Position{CommitPosition: 7, PreparePosition: 7}},
	}}})
}

func (r *rude) Read(_ *streams.ReadReq, s streams.Streams_ReadServer) error {
	if r.read != nil && !r.polite.Load() {
		return r.read(s)
	}
	return s.Send(&streams.ReadResp{Content: &streams.ReadResp_StreamNotFound_{StreamNotFound: &streams.ReadResp_StreamNotFound{
		StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte("a")},
	}}})
}

// open serves until the test ends and returns a store that talks to it.
func (r *rude) open(t *testing.T) *store.Store {
	t.Helper()
	socket := filepath.Join(shortDir(t), "rude.sock")
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	streams.RegisterStreamsServer(server, r)
	serverfeatures.RegisterServerFeaturesServer(server, r)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	t.Cleanup(func() {
		server.Stop()
		<-ended
	})
	return openStore(t, store.Config{Socket: socket, CallTimeout: time.Second})
}

func five() (evs []store.Event) {
	for range 5 {
		evs = append(evs, event(`"`+strings.Repeat("x", 100<<10)+`"`))
	}
	return evs
}

// TestRudeAppends: a refusal before everything was sent (the client sees its text
// or only an end of file), one the client panics on, and one without any reason.
// Each is an error in time, sent a bounded number of times; when the server is
// itself again, the same store goes on.
func TestRudeAppends(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		refuse func(streams.Streams_AppendServer) error
		want   []store.Kind
	}{
		"too early": {func(streams.Streams_AppendServer) error {
			return status.Error(codes.InvalidArgument, "Maximum Append Size of 10 Exceeded.")
		}, []store.Kind{store.TooLarge, store.OutcomeUnknown}},
		"deleted, no name": {func(s streams.Streams_AppendServer) error {
			s.SetTrailer(metadata.Pairs("exception", "stream-deleted"))
			return status.Error(codes.FailedPrecondition, "Event stream is deleted.")
		}, []store.Kind{store.OutcomeUnknown}},
		"no reason": {func(streams.Streams_AppendServer) error {
			return status.Error(codes.Unknown, "Exception was thrown by handler.")
		}, []store.Kind{store.OutcomeUnknown}},
		"an empty answer to all of it": {func(s streams.Streams_AppendServer) error {
			for {
				if _, err := s.Recv(); err != nil {
					return s.SendAndClose(&streams.AppendResp{})
				}
			}
		}, []store.Kind{store.OutcomeUnknown}},
		"an empty answer": {func(s streams.Streams_AppendServer) error {
			return s.SendAndClose(&streams.AppendResp{})
		}, []store.Kind{store.OutcomeUnknown}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &rude{refuse: c.refuse}
			s := r.open(t)
			began := time.Now()
			_, err := s.Append(within(t, patience), "a", events.NoStream, five()...)
			known := false
			for _, kind := range c.want {
				known = known || store.KindOf(err) == kind
			}
			if !known {
				t.Errorf("got %v (%v)", err, store.KindOf(err))
			}
			if took := time.Since(began); took > 3*time.Second || r.appends.Load() > 4 {
				t.Errorf("it took %v and %d tries", took, r.appends.Load())
			}
			r.polite.Store(true)
			if w, err := s.Append(within(t, patience), "a", events.NoStream, five()...); err != nil || w.Revision != 4 {
				t.Errorf("afterwards: %+v, %v", w, err)
			}
		})
	}
}

// TestRudeReads: a message that no read may carry makes the client panic. The
// caller gets an error in time, and the next call an answer.
func TestRudeReads(t *testing.T) {
	t.Parallel()
	r := &rude{read: func(s streams.Streams_ReadServer) error {
		return s.Send(&streams.ReadResp{Content: &streams.ReadResp_Checkpoint_{Checkpoint: &streams.ReadResp_Checkpoint{}}})
	}}
	s := r.open(t)
	read := func() error {
		return s.ReadStream(within(t, patience), "a", 0, 0, func(store.Recorded) error { return nil })
	}
	if err := read(); !store.IsUnavailable(err) || !strings.Contains(err.Error(), "panicked") {
		t.Errorf("got %v", err)
	}
	r.polite.Store(true)
	if err := read(); !store.IsNotFound(err) {
		t.Errorf("afterwards: %v", err)
	}
}
