package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// hub is the measured process.
type hub struct {
	cmd   *exec.Cmd
	url   string
	token string
	data  string
	env   []string
	ended context.Context // done, with a cause, when the process has ended
}

// errEnded says that the hub ended by itself; its log has the reason.
var errEnded = errors.New("the measured hub ended; see its bench.log")

// binary is this very program.
func binary() (string, error) { return os.Executable() }

// prepare makes a data folder with an admin and a token.
func prepare(ctx context.Context, dir string, env []string) (*hub, error) {
	h := &hub{data: dir, env: append(os.Environ(), env...)}
	exe, err := binary()
	if err != nil {
		return nil, err
	}
	for _, args := range [][]string{
		{"agent", "add", "bench@hub.test", "Bench", "admin", "--data", dir},
		{"agent", "token", "bench@hub.test", "bench", "--data", dir},
	} {
		cmd := exec.CommandContext(ctx, exe, args...)
		cmd.Env, cmd.Stderr = h.env, os.Stderr
		out, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("hub %s: %w", strings.Join(args[:2], " "), err)
		}
		if _, token, ok := strings.Cut(string(out), "hub_"); ok {
			h.token = "hub_" + strings.TrimSpace(token)
		}
	}
	if h.token == "" {
		return nil, errors.New("hub agent token printed no token")
	}
	return h, nil
}

// start runs the hub and returns how long it took until it was ready.
func (h *hub) start(ctx context.Context) (time.Duration, error) {
	exe, err := binary()
	if err != nil {
		return 0, err
	}
	port, err := freePort(ctx)
	if err != nil {
		return 0, err
	}
	h.url = "http://" + port
	logs, err := os.Create(filepath.Join(h.data, "bench.log"))
	if err != nil {
		return 0, err
	}
	h.cmd = exec.CommandContext(ctx, exe, "serve", "--data", h.data, "--http.listen", port, "--http.ops", "")
	h.cmd.Env, h.cmd.Stderr = h.env, logs
	began := time.Now()
	if err := h.cmd.Start(); err != nil {
		return 0, err
	}
	ended, end := context.WithCancelCause(ctx)
	h.ended = ended
	go func() {
		_ = h.cmd.Wait()
		_ = logs.Close()
		end(errEnded)
	}()
	for ended.Err() == nil {
		var s struct {
			Ready bool `json:"ready"`
		}
		if err := h.get(ctx, "/api/v1/system", &s); err == nil && s.Ready {
			return time.Since(began), nil
		}
		time.Sleep(2 * time.Millisecond) //nolint:forbidigo // a benchmark polls from outside
	}
	return 0, context.Cause(ended)
}

func (h *hub) stop() {
	if h.cmd == nil || h.ended == nil {
		return
	}
	_ = h.cmd.Process.Signal(syscall.SIGTERM)
	<-h.ended.Done()
	h.cmd = nil
}

func (h *hub) get(ctx context.Context, path string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, h.url+path, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+h.token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		_, _ = io.Copy(io.Discard, resp.Body)
		return fmt.Errorf("GET %s: %s", path, resp.Status)
	}
	return json.NewDecoder(resp.Body).Decode(into)
}

// tickets counts the tickets that can be seen.
func (h *hub) tickets(ctx context.Context) (int, error) {
	var c struct {
		All int `json:"all"`
	}
	err := h.get(ctx, "/api/v1/tickets/counts", &c)
	return c.All, err
}

// cpu is the processor time a process has used, children that ended included.
func cpu(pid int) (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	_, after, _ := strings.Cut(string(b), ") ")
	fields := strings.Fields(after)
	if len(fields) < 13 {
		return 0, errors.New("read /proc: too few fields")
	}
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond, nil // USER_HZ is 100
}

// memory is a process's proportional share of memory, and its peak, in MiB.
func memory(pid int) (pss, peak float64) {
	pss = field(fmt.Sprintf("/proc/%d/smaps_rollup", pid), "Pss:") / 1024
	peak = field(fmt.Sprintf("/proc/%d/status", pid), "VmHWM:") / 1024
	return pss, peak
}

func field(file, name string) float64 {
	f, err := os.Open(file)
	if err != nil {
		return 0
	}
	defer func() { _ = f.Close() }()
	for s := bufio.NewScanner(f); s.Scan(); {
		if rest, ok := strings.CutPrefix(s.Text(), name); ok {
			n, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return n
		}
	}
	return 0
}

func freePort(ctx context.Context) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String(), nil
}
