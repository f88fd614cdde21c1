package acceptance_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// process is a program that a test runs. Its output goes to a file that outlives
// restarts.
type process struct {
	name string
	cmd  *exec.Cmd
	log  string // file of standard error
	done chan struct{}
	err  error // valid once done is closed
}

// spawn starts a program; it ends with the test at the latest. The first line of
// its standard output is sent to first, which may be nil.
func spawn(t testing.TB, log string, first chan<- string, name string, args ...string) *process {
	t.Helper()
	f, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	p := &process{name: filepath.Base(name) + " " + strings.Join(args, " "), cmd: exec.Command(name, args...), log: log, done: make(chan struct{})}
	p.cmd.Env, p.cmd.Stderr = environ(), f
	// The kernel ends it should this process die without cleaning up.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	out, err := p.cmd.StdoutPipe()
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		f.Close()
		t.Fatal(err)
	}
	go func() {
		lines := bufio.NewReader(out)
		if line, err := lines.ReadString('\n'); err == nil && first != nil {
			first <- line
		}
		_, _ = io.Copy(io.Discard, lines)
		p.err = p.cmd.Wait()
		f.Close()
		close(p.done)
	}()
	t.Cleanup(p.kill)
	return p
}

// kill is kill -9, and waits.
func (p *process) kill() {
	if p.ended() {
		return // its number may be another's by now
	}
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	<-p.done
}

// stop asks the program to end in order.
func (p *process) stop(t testing.TB) {
	t.Helper()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(patience):
		t.Fatalf("%s does not stop when told to", p.name)
	}
	if p.err != nil {
		t.Errorf("%s stopped with %v\n%s", p.name, p.err, tail(p.log, 20))
	}
}

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// tail returns the last lines of a file.
func tail(file string, n int) string {
	b, _ := os.ReadFile(file)
	lines := strings.Split(strings.TrimRight(string(b), "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// hub is one installation: a data folder, and the process that runs on it now.
type hub struct {
	t      testing.TB
	dir    string // of the configuration and the log
	data   string
	args   []string // after the command
	ops    string   // base URL of the operators' listener
	url    string   // base URL of the console and the API
	token  string   // API token of an admin
	email  string   // and its login
	pass   string
	client *http.Client
	*process
}

// newHub writes a configuration: toml is what follows the data folder and the
// ports.
func newHub(t testing.TB, toml string) *hub {
	t.Helper()
	h := &hub{t: t, dir: shortDir(t), client: &http.Client{Timeout: 30 * time.Second}, email: "maya@hub.test"}
	h.data = filepath.Join(h.dir, "data")
	h.configure(toml)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the hub's log ends:\n%s", tail(h.logFile(), 40))
		}
	})
	return h
}

// configure writes hub.toml, with new ports.
func (h *hub) configure(toml string) {
	h.t.Helper()
	listen, ops := fmt.Sprintf("127.0.0.1:%d", freePort(h.t)), fmt.Sprintf("127.0.0.1:%d", freePort(h.t))
	h.url, h.ops = "http://"+listen, "http://"+ops
	text := fmt.Sprintf("data = %q\nbrand = \"Northwind\"\n[http]\nlisten = %q\nops = %q\n%s", h.data, listen, ops, toml)
	file := filepath.Join(h.dir, "hub.toml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		h.t.Fatal(err)
	}
	h.args = []string{"--config", file}
}

// extend adds to the configuration.
func (h *hub) extend(toml string) {
	h.t.Helper()
	f, err := os.OpenFile(filepath.Join(h.dir, "hub.toml"), os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		h.t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(toml); err != nil {
		h.t.Fatal(err)
	}
}

func (h *hub) logFile() string { return filepath.Join(h.dir, "hub.log") }

// launch starts `hub serve` without waiting for anything.
func (h *hub) launch() {
	h.t.Helper()
	h.process = spawn(h.t, h.logFile(), nil, binary, append([]string{"serve"}, h.args...)...)
}

// start is launch, and waits until the hub is ready.
func (h *hub) start() {
	h.t.Helper()
	began := time.Now()
	h.launch()
	h.ready()
	h.t.Logf("hub ready after %v", time.Since(began).Round(time.Millisecond))
}

func (h *hub) ready() {
	h.t.Helper()
	until(h.t, "a ready hub", func() (bool, string) {
		if h.ended() {
			h.t.Fatalf("the hub ended: %v\n%s", h.err, tail(h.logFile(), 20))
		}
		res, err := h.client.Get(h.ops + "/readyz")
		if err != nil {
			return false, err.Error()
		}
		defer res.Body.Close()
		b, _ := io.ReadAll(res.Body)
		return res.StatusCode == http.StatusOK, fmt.Sprintf("%s %s", res.Status, b)
	})
}

// hire makes the first admin and an API token, from the shell.
func (h *hub) hire() {
	h.t.Helper()
	h.pass = word(h.t, h.run(0, "agent", "add", h.email, "Maya Olsen", "admin"), "first password: ")
	h.token = word(h.t, h.run(0, "agent", "token", h.email, "acceptance"), "API token, shown this once: ")
}

// word finds what follows a text, to the end of the line.
func word(t testing.TB, out, after string) string {
	t.Helper()
	_, rest, ok := strings.Cut(out, after)
	if !ok {
		t.Fatalf("no %q in %q", after, out)
	}
	line, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(line)
}

// run runs another command of the binary on this installation, and returns both
// outputs. It must end with the given code.
func (h *hub) run(code int, args ...string) string {
	h.t.Helper()
	return command(h.t, code, append(args, h.args...)...)
}

func command(t testing.TB, code int, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, args...)
	cmd.Env = environ()
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if got := cmd.ProcessState.ExitCode(); got != code {
		t.Fatalf("hub %s: exit code %d, want %d\n%s", strings.Join(args, " "), got, code, out)
	}
	return string(out)
}

// demoHub runs `hub demo` in a folder of its own.
type demoHub struct {
	*hub
	Console  string `json:"console"`
	SMTP     string `json:"smtp"`
	IMAP     string `json:"imap"`
	Password string `json:"imap_password"`
	Support  string `json:"support_address"`
	Token    string `json:"api_token"`
	Form     string `json:"form"`
	Login    string `json:"login"`
	Pass     string `json:"password"`
}

func startDemo(t testing.TB) *demoHub {
	t.Helper()
	h := &hub{t: t, dir: shortDir(t), client: &http.Client{Timeout: 30 * time.Second}}
	h.data = filepath.Join(h.dir, "data")
	d := &demoHub{hub: h}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the demo's log ends:\n%s", tail(h.logFile(), 40))
		}
	})
	d.start()
	return d
}

// start starts the demo, again after it was stopped or killed.
func (d *demoHub) start() {
	t := d.t
	t.Helper()
	began := time.Now()
	first := make(chan string, 1)
	d.process = spawn(t, d.logFile(), first, binary, "demo", "--json", "--port", "0", "--data", d.data)
	select {
	case line := <-first:
		if err := json.NewDecoder(bytes.NewBufferString(line)).Decode(d); err != nil {
			t.Fatalf("first line of hub demo --json: %v: %s", err, line)
		}
	case <-d.done:
		t.Fatalf("hub demo ended: %v\n%s", d.err, tail(d.logFile(), 20))
	case <-time.After(patience):
		t.Fatal("hub demo says nothing")
	}
	d.url, d.token = d.Console, d.Token
	t.Logf("demo ready after %v", time.Since(began).Round(time.Millisecond))
}
