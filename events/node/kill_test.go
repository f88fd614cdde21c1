package node_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"

	"github.com/westshore/hub/events/node"
)

// childVar holds the folder on which the test binary runs a node, and nothing
// else, until it is killed.
const childVar = "HUB_NODE_TEST_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childVar); dir != "" {
		n, err := node.Start(context.Background(), node.Config{Dir: dir, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			fmt.Println("failed:", err)
			os.Exit(1)
		}
		fmt.Println(n.SocketPath())
		<-n.Failed()
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// runChild starts a node in a process of its own and returns its socket.
func runChild(t *testing.T, dir string) (*exec.Cmd, string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childVar+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the node did not start: %v", err)
	}
	return cmd, line[:len(line)-1]
}

// killWriter appends calls of one to a hundred events to a stream of its own, one
// after the other, and remembers what was acknowledged and what was under way.
type killWriter struct {
	stream string
	acked  []uuid.UUID
	flying []esdb.EventData // sent, not acknowledged
}

// run appends until the node is gone. A call whose answer was lost in an earlier
// round is repeated first, with the same ids.
func (w *killWriter) run(ctx context.Context, c *esdb.Client, calls, acks *atomic.Int64) {
	for {
		if w.flying == nil {
			w.flying = eventsN("k", []int{1, 2, 3, 4, 5, 100}[rand.IntN(6)])
			w.flying[0].Data = fmt.Appendf(nil, "%d", len(w.flying)) // so many belong together
		}
		opts := esdb.AppendToStreamOptions{ExpectedRevision: esdb.NoStream{}}
		if n := len(w.acked); n > 0 {
			opts.ExpectedRevision = esdb.Revision(uint64(n - 1))
		}
		type result struct {
			res *esdb.WriteResult
			err error
		}
		answer := make(chan result, 1)
		evs := w.flying
		calls.Add(1)
		go func() { // the official client may never come back when its server is gone, or panic
			defer calls.Add(-1)
			defer func() { _ = recover() }()
			res, err := c.AppendToStream(ctx, w.stream, opts, evs...)
			answer <- result{res, err}
		}()
		var r result
		select {
		case r = <-answer:
		case <-ctx.Done():
			return
		}
		if r.err != nil {
			return
		}
		for _, ev := range w.flying {
			w.acked = append(w.acked, ev.EventID)
		}
		w.flying = nil
		if r.res.NextExpectedVersion != uint64(len(w.acked)-1) {
			panic(fmt.Sprintf("%s: answered revision %d, want %d", w.stream, r.res.NextExpectedVersion, len(w.acked)-1))
		}
		acks.Add(1)
	}
}

// TestKilledNodeLosesNothingAcknowledged kills a whole node process under load
// through the official client, again and again in the same folder: nothing
// acknowledged is lost, nothing is doubled, calls are whole, positions grow and
// revisions have no gaps, and nobody saw an event that is gone. HUB_KILLS says
// how often; the rule of the house for a release is 50.
func TestKilledNodeLosesNothingAcknowledged(t *testing.T) {
	rounds := 8
	if v, err := strconv.Atoi(os.Getenv("HUB_KILLS")); err == nil {
		rounds = v
	}
	dir, began := shortTemp(t), time.Now()
	writers := make([]*killWriter, 12)
	for i := range writers {
		writers[i] = &killWriter{stream: fmt.Sprintf("w-%d", i)}
	}
	for round := range rounds {
		cmd, socket := runChild(t, dir)
		seen := killUnderLoad(t, cmd, socket, writers)
		cmd, socket = runChild(t, dir)
		verifyKilled(t, socket, writers, seen)
		if err := cmd.Process.Kill(); err != nil { // idle, for once
			t.Fatal(err)
		}
		_ = cmd.Wait()
		if t.Failed() {
			t.Fatalf("after round %d", round)
		}
	}
	total := 0
	for _, w := range writers {
		total += len(w.acked)
	}
	t.Logf("%d kills under load, %d events acknowledged, %s", rounds, total, time.Since(began).Round(time.Millisecond))
}

// killUnderLoad lets the writers run until some calls were acknowledged, kills
// the node, and returns what a live subscriber saw.
func killUnderLoad(t *testing.T, cmd *exec.Cmd, socket string, writers []*killWriter) (seen []uuid.UUID) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c, done := clientOf(t, socket), clientOf(t, socket)
	var calls, acks atomic.Int64
	defer func() {
		_ = done.Close()
		if calls.Load() == 0 { // closing it under a call that never came back is a race inside the client
			_ = c.Close()
		}
	}()
	sub, err := done.SubscribeToAll(ctx, esdb.SubscribeToAllOptions{From: esdb.End{}})
	if err != nil {
		t.Fatal(err)
	}
	var all, reader sync.WaitGroup
	reader.Go(func() {
		for {
			ev := sub.Recv()
			if ev.SubscriptionDropped != nil {
				return
			}
			if ev.EventAppeared != nil {
				seen = append(seen, ev.EventAppeared.Event.EventID)
			}
		}
	})
	for _, w := range writers {
		all.Go(func() { w.run(ctx, c, &calls, &acks) })
	}
	enough, tick := int64(20+rand.IntN(300)), time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for acks.Load() < enough {
		<-tick.C
		if ctx.Err() != nil {
			t.Fatal("the writers did not get on")
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	cancel()
	all.Wait()
	reader.Wait()
	return seen
}

func clientOf(t *testing.T, socket string) *esdb.Client {
	t.Helper()
	conf, err := esdb.ParseConnectionString("esdb://localhost?tls=false")
	if err != nil {
		t.Fatal(err)
	}
	// With few tries it would give up and leave its callers waiting.
	conf.Address, conf.Logger, conf.MaxDiscoverAttempts = "unix:"+socket, esdb.NoopLogging(), 1
	c, err := esdb.NewClient(conf)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// verifyKilled reads the whole log and compares it with what the writers know.
func verifyKilled(t *testing.T, socket string, writers []*killWriter, seen []uuid.UUID) {
	t.Helper()
	c := clientOf(t, socket)
	defer func() { _ = c.Close() }()
	r, err := c.ReadAll(t.Context(), esdb.ReadAllOptions{From: esdb.Start{}, Direction: esdb.Forwards}, math.MaxUint64)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	last, streams, ids := uint64(0), map[string][]*esdb.RecordedEvent{}, map[uuid.UUID]bool{}
	for {
		got, err := r.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		ev := got.Event
		if ev.Position.Commit <= last || ev.EventNumber != uint64(len(streams[ev.StreamID])) || ids[ev.EventID] {
			t.Fatalf("%s: revision %d at %d after %d, id seen before: %v", ev.StreamID, ev.EventNumber, ev.Position.Commit, last, ids[ev.EventID])
		}
		last, ids[ev.EventID] = ev.Position.Commit, true
		streams[ev.StreamID] = append(streams[ev.StreamID], ev)
	}
	for _, w := range writers {
		w.verify(t, streams[w.stream])
	}
	for _, id := range seen {
		if !ids[id] {
			t.Errorf("event %s was seen by a subscriber and is gone", id)
		}
	}
}

func (w *killWriter) verify(t *testing.T, got []*esdb.RecordedEvent) {
	t.Helper()
	if len(got) != len(w.acked) && len(got) != len(w.acked)+len(w.flying) {
		t.Errorf("%s: %d events, %d acknowledged, %d under way", w.stream, len(got), len(w.acked), len(w.flying))
		return
	}
	for i, ev := range got {
		var want uuid.UUID
		if i < len(w.acked) {
			want = w.acked[i]
		} else {
			want = w.flying[i-len(w.acked)].EventID
		}
		if ev.EventID != want {
			t.Errorf("%s: revision %d is another event", w.stream, i)
			return
		}
	}
}

// shortTemp makes a folder whose path leaves room for a socket's name.
func shortTemp(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "nk")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}
