package ledger_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/westshore/hub/events/node/ledger"
)

const childVar = "HUB_LEDGER_TEST_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childVar); dir != "" {
		appendForEver(dir)
	}
	os.Exit(m.Run())
}

// appendForEver is the child: it appends until it is killed, and prints every
// acknowledgement after it got it.
func appendForEver(dir string) {
	l, err := ledger.Open(ledger.Config{Dir: dir, Logger: quiet})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			stream := fmt.Sprintf("s-%d", w)
			s, err := l.Stream(stream)
			for next := s.Last + 1; err == nil; next += 5 {
				var res ledger.Result
				res, err = l.Append(context.Background(), stream, ledger.Expected(next-1), events(int(next), 5))
				fmt.Printf("%s %d\n", stream, res.Revision)
			}
			fmt.Fprintln(os.Stderr, err)
		})
	}
	wg.Wait()
	os.Exit(1)
}

// TestKilledProcessLosesNothingAcknowledged kills a real process, on the real
// disk, in the middle of its appends, several times in the same folder.
func TestKilledProcessLosesNothingAcknowledged(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ledger")
	want := map[string]int64{}
	for range 4 {
		killInTheMiddle(t, dir, want)
		l, err := ledger.Open(ledger.Config{Dir: dir, Logger: quiet})
		if err != nil {
			t.Fatal(err)
		}
		have := map[string]int64{}
		for _, r := range all(t, l) {
			have[string(r.Stream)] = r.Revision
		}
		for stream, last := range want {
			if have[stream] < last {
				t.Errorf("%s: %d was acknowledged, %d is there", stream, last, have[stream])
			}
		}
		for stream, last := range have {
			if (last+1)%5 != 0 {
				t.Errorf("%s: half an append survived: last revision %d", stream, last)
			}
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// killInTheMiddle runs the child until it acknowledged 150 appends, kills it,
// and adds all it acknowledged to want.
func killInTheMiddle(t *testing.T, dir string, want map[string]int64) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childVar+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	n := 0
	for ; lines.Scan(); n++ {
		var stream string
		var revision int64
		if _, err := fmt.Sscanf(lines.Text(), "%s %d", &stream, &revision); err == nil {
			want[stream] = max(want[stream], revision)
		}
		if n == 150 {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil || n < 150 {
		t.Fatalf("the child ended by itself after %d appends: %v", n, err)
	}
}
