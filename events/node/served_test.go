package node_test

import (
	"strings"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/serverfeatures"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
)

// TestTrailers checks what a refusal carries beside its code: NODE 3.1.
func TestTrailers(t *testing.T) {
	n := start(t)
	c, raw := dial(t, n), rawStreams(t, n)
	put(t, c, "live", esdb.NoStream{}, eventsN("a", 2)...)
	if _, err := c.TombstoneStream(t.Context(), "dead", esdb.TombstoneStreamOptions{ExpectedRevision: esdb.Any{}}); err != nil {
		t.Fatal(err)
	}
	id := func(name string) *shared.StreamIdentifier { return &shared.StreamIdentifier{StreamName: []byte(name)} }
	remove := func(o *streams.DeleteReq_Options, name string) func(*metadata.MD) error {
		o.StreamIdentifier = id(name)
		return func(md *metadata.MD) error {
			_, err := raw.Delete(t.Context(), &streams.DeleteReq{Options: o}, grpc.Trailer(md))
			return err
		}
	}
	anything := func() *streams.DeleteReq_Options {
		return &streams.DeleteReq_Options{ExpectedStreamRevision: &streams.DeleteReq_Options_Any{Any: &shared.Empty{}}}
	}
	for name, r := range map[string]struct {
		call func(*metadata.MD) error
		code codes.Code
		want map[string]string
	}{
		"wrong revision": {
			remove(&streams.DeleteReq_Options{ExpectedStreamRevision: &streams.DeleteReq_Options_Revision{Revision: 7}}, "live"), codes.FailedPrecondition,
			map[string]string{"exception": "wrong-expected-version", "stream-name": "live", "expected-version": "7", "actual-version": "1"},
		},
		"not none": {
			remove(&streams.DeleteReq_Options{ExpectedStreamRevision: &streams.DeleteReq_Options_NoStream{NoStream: &shared.Empty{}}}, "live"), codes.FailedPrecondition,
			map[string]string{"exception": "wrong-expected-version", "stream-name": "live", "expected-version": "-1", "actual-version": "1"},
		},
		"no stream": {
			remove(anything(), "missing"), codes.FailedPrecondition,
			map[string]string{"exception": "wrong-expected-version", "stream-name": "missing", "expected-version": "-2", "actual-version": "-1"},
		},
		"does not exist": {
			remove(&streams.DeleteReq_Options{ExpectedStreamRevision: &streams.DeleteReq_Options_StreamExists{StreamExists: &shared.Empty{}}}, "missing"), codes.FailedPrecondition,
			map[string]string{"exception": "wrong-expected-version", "stream-name": "missing", "expected-version": "-4", "actual-version": "-1"},
		},
		"deleted":        {remove(anything(), "dead"), codes.FailedPrecondition, map[string]string{"exception": "stream-deleted", "stream-name": "dead"}},
		"denied":         {remove(anything(), "$$live"), codes.PermissionDenied, map[string]string{"exception": "access-denied"}},
		"no name":        {remove(anything(), ""), codes.InvalidArgument, map[string]string{}},
		"no expectation": {remove(&streams.DeleteReq_Options{}, "live"), codes.InvalidArgument, map[string]string{}},
	} {
		var md metadata.MD
		err := r.call(&md)
		got := map[string]string{}
		for key, values := range md {
			got[key] = strings.Join(values, ",")
		}
		delete(got, "content-type")
		if diff := cmp.Diff(r.want, got); diff != "" || status.Code(err) != r.code {
			t.Errorf("%s: %v %s", name, err, diff)
		}
	}
}

// TestFeatures: the node lists what it serves and nothing else.
func TestFeatures(t *testing.T) {
	got, err := serverfeatures.NewServerFeaturesClient(rawConn(t, start(t))).GetSupportedMethods(t.Context(), &shared.Empty{})
	if err != nil {
		t.Fatal(err)
	}
	var methods []string
	for _, m := range got.GetMethods() {
		methods = append(methods, m.GetServiceName()+"/"+m.GetMethodName()+" "+strings.Join(m.GetFeatures(), ","))
	}
	const s = "event_store.client.streams.streams/"
	want := []string{
		s + "read position,events", s + "append ", s + "batchappend ", s + "delete ", s + "tombstone ",
		"event_store.client.gossip.gossip/read ",
	}
	if diff := cmp.Diff(want, methods); diff != "" || got.GetEventStoreServerVersion() != "24.10.0" {
		t.Error(got.GetEventStoreServerVersion(), diff)
	}
}

// TestWhatIsNotServedSaysSo, to the client and to who asks for it by name.
func TestWhatIsNotServedSaysSo(t *testing.T) {
	n := start(t)
	err := dial(t, n).CreatePersistentSubscription(t.Context(), "s", "g", esdb.PersistentStreamSubscriptionOptions{})
	if codeOf(err) != esdb.ErrorCodeUnsupportedFeature {
		t.Errorf("persistent subscription: %v", err)
	}
	conn := rawConn(t, n)
	for _, method := range []string{
		"persistent_subscriptions.PersistentSubscriptions/Create", "projections.Projections/Create", "users.Users/Create",
		"operations.Operations/StartScavenge", "monitoring.Monitoring/Stats",
	} {
		method = "/event_store.client." + method
		err := conn.Invoke(t.Context(), method, &emptypb.Empty{}, &emptypb.Empty{})
		if status.Code(err) != codes.Unimplemented || !strings.Contains(err.Error(), "does not serve "+method) {
			t.Errorf("%s: %v", method, err)
		}
	}
}
