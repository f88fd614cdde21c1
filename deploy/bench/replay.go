package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/westshore/hub/events/node/ledger"
	"github.com/westshore/hub/events/store"
)

var errCaughtUp = errors.New("caught up")

// numberedID makes an event id out of a number.
func numberedID(n int) (id [16]byte) {
	id[0] = 1
	for i := range 8 {
		id[8+i] = byte(n >> (8 * i))
	}
	return id
}

// Replay is what reading a long log costs.
type Replay struct {
	Sizes []ReplaySize `json:"sizes"`
	Ratio float64      `json:"cpu_per_event_large_to_small"`
}

// ReplaySize is one length of log: a node of its own process, opened, read by a
// subscription from the start, written to, killed and opened again.
type ReplaySize struct {
	Events   int     `json:"events"`
	Streams  int     `json:"streams"`
	Filled   float64 `json:"filled_events_per_s"` // through the ledger, 1,000 an append
	Disk     float64 `json:"disk_mib"`
	Open     float64 `json:"open_ms"` // process start to the first answer
	CatchUp  Rate    `json:"catch_up"`
	Memory   float64 `json:"node_pss_mib"` // after the catch-up
	Peak     float64 `json:"node_peak_rss_mib"`
	Reopened float64 `json:"reopen_after_kill_ms"`
}

// RunReplay measures logs of several lengths, with the given number of streams
// in the longest and in proportion in the others.
func RunReplay(ctx context.Context, sizes []int, streams int) (*Replay, error) {
	out := &Replay{}
	for _, n := range sizes {
		s := ReplaySize{Events: n, Streams: max(1, int(float64(streams)*float64(n)/float64(sizes[len(sizes)-1])))}
		if err := s.measure(ctx); err != nil {
			return nil, err
		}
		out.Sizes = append(out.Sizes, s)
	}
	out.Ratio = out.Sizes[len(sizes)-1].CatchUp.CPU / out.Sizes[0].CatchUp.CPU
	return out, nil
}

func (s *ReplaySize) measure(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "hub-bench")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	at := filepath.Join(dir, "node")
	if err := s.fill(ctx, filepath.Join(at, "ledger")); err != nil {
		return err
	}
	s.Disk = diskUse(at) / (1 << 20)
	n, took, err := startNode(ctx, at)
	if err != nil {
		return err
	}
	defer func() { n.kill() }()
	s.Open = ms(took)
	if err := s.read(ctx, n); err != nil {
		return err
	}
	if err := s.write(ctx, n); err != nil {
		return err
	}
	n.kill()
	if n, took, err = startNode(ctx, at); err != nil {
		return err
	}
	s.Reopened = ms(took)
	return nil
}

// fill writes the log through the ledger: events of some 300 bytes, 1,000 an
// append, spread over the streams.
func (s *ReplaySize) fill(ctx context.Context, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	l, err := ledger.Open(ledger.Config{Dir: dir, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	began := time.Now()
	data := kilobyte[:300]
	perStream := max(1, s.Events/s.Streams)
	const group = 256 // appends under way at a time; the writer commits them together
	failed := make(chan error, group)
	wait := func(n int) error {
		for range n {
			if err := <-failed; err != nil {
				return err
			}
		}
		return nil
	}
	flying := 0
	for done, stream := 0, 0; done < s.Events; stream++ {
		n := min(perStream, s.Events-done)
		evs := make([]ledger.Event, n)
		for i := range evs {
			evs[i] = ledger.Event{Type: benchType, JSON: true, Data: data}
			evs[i].ID = numberedID(done + i)
		}
		done += n
		l.Submit(ctx, "s-"+strconv.Itoa(stream), ledger.NoStream, evs, func(_ ledger.Result, err error) { failed <- err })
		if flying++; flying == group {
			if err := wait(group / 2); err != nil {
				return err
			}
			flying -= group / 2
		}
		if stream%100_000 == 0 && stream > 0 {
			fmt.Fprintf(os.Stderr, "%d of %d events\n", done, s.Events)
		}
	}
	err = errors.Join(wait(flying), l.Close())
	s.Filled = float64(s.Events) / time.Since(began).Seconds()
	return err
}

// read catches up from the start, as the hub does.
func (s *ReplaySize) read(ctx context.Context, n *nodeProcess) error {
	st, err := store.Open(ctx, store.Config{URL: n.url, Logger: slog.New(slog.DiscardHandler), CallTimeout: time.Minute})
	if err != nil {
		return err
	}
	defer func() { _ = st.Close() }()
	k := &storeKit{store: st}
	other, err := cpu(n.cmd.Process.Pid)
	if err != nil {
		return err
	}
	if s.CatchUp, err = k.catchUp(ctx, true); err != nil {
		return err
	}
	after, err := cpu(n.cmd.Process.Pid)
	if err != nil {
		return err
	}
	s.CatchUp.CPU += float64((after - other).Microseconds()) / float64(max(1, s.CatchUp.N))
	s.Memory, s.Peak = memory(n.cmd.Process.Pid)
	if s.CatchUp.N != s.Events {
		return fmt.Errorf("the log holds %d events, %d were read", s.Events, s.CatchUp.N)
	}
	return nil
}

// write keeps the node busy for a moment, so that the kill finds it at work.
func (s *ReplaySize) write(ctx context.Context, n *nodeProcess) error {
	st, err := store.Open(ctx, store.Config{URL: n.url, Logger: slog.New(slog.DiscardHandler), CallTimeout: 2 * time.Second})
	if err != nil {
		return err
	}
	defer func() { _ = st.Close() }()
	k := &storeKit{store: st}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = appendFor(ctx, 16, 10, 2*time.Second, k.viaStore) // fails, as the node goes away
	}()
	time.Sleep(1500 * time.Millisecond) //nolint:forbidigo // let it write
	n.kill()
	<-done
	return nil
}

// nodeProcess is `hub node` on a folder.
type nodeProcess struct {
	cmd *exec.Cmd
	url string
}

// startNode starts it and returns how long it took until it listened.
func startNode(ctx context.Context, dir string) (*nodeProcess, time.Duration, error) {
	exe, err := binary()
	if err != nil {
		return nil, 0, err
	}
	n := &nodeProcess{cmd: exec.CommandContext(ctx, exe, "node", "--data", dir, "--listen", "127.0.0.1:0")}
	out, err := n.cmd.StdoutPipe()
	if err != nil {
		return nil, 0, err
	}
	began := time.Now()
	if err := n.cmd.Start(); err != nil {
		return nil, 0, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		n.kill()
		return nil, 0, fmt.Errorf("start hub node: %w", err)
	}
	took := time.Since(began)
	n.url = line[:len(line)-1]
	go func() { _, _ = io.Copy(io.Discard, out) }() // ends with the process
	return n, took, nil
}

func (n *nodeProcess) kill() {
	if n == nil || n.cmd.ProcessState != nil {
		return
	}
	_ = n.cmd.Process.Kill()
	_ = n.cmd.Wait()
}

func diskUse(dir string) (size float64) {
	_ = filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil //nolint:nilerr // files come and go
		}
		if info, err := d.Info(); err == nil {
			size += float64(info.Size())
		}
		return nil
	})
	return size
}
