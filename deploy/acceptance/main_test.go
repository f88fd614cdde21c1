package acceptance_test

import (
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var given = flag.String("binary", "", "hub to test; empty: build it")

// binary is the hub under test.
var binary string

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(inFolder(m))
}

func inFolder(m *testing.M) int {
	dir, err := os.MkdirTemp("", "hub-acceptance")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if binary = *given; binary == "" {
		binary = filepath.Join(dir, "hub")
		cmd := exec.Command("go", "build", "-o", binary, "../..")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build hub: %v\n%s", err, out)
			return 1
		}
	}
	if binary, err = filepath.Abs(binary); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// patience is how long a test waits for what must happen. It says nothing about
// speed: machines that run tests are busy.
const patience = 90 * time.Second

// until waits for a condition. have says what there is instead, for the failure.
func until(t testing.TB, what string, ok func() (done bool, have string)) {
	t.Helper()
	untilFor(t, patience, what, ok)
}

func untilFor(t testing.TB, long time.Duration, what string, ok func() (done bool, have string)) {
	t.Helper()
	deadline := time.After(long)
	pause := 10 * time.Millisecond
	for {
		done, have := ok()
		if done {
			return
		}
		select {
		case <-time.After(pause):
			pause = min(2*pause, 250*time.Millisecond)
		case <-deadline:
			t.Fatalf("never came: %s; have %s", what, have)
		}
	}
}

// freePort returns a port of 127.0.0.1 that nobody listens on.
func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// shortDir is a folder with a short path, for what makes sockets in it.
func shortDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "acc")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// environ is ours without what configures a hub.
func environ() (out []string) {
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "HUB_") {
			out = append(out, kv)
		}
	}
	return out
}
