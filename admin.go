package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/node"
	"github.com/westshore/hub/projections"
	"github.com/westshore/hub/services/accounts"
)

// inHouse makes a command that works on the house: inside the hub that runs on
// the data folder when there is one, else in a house built for it.
func inHouse(name string) func(context.Context, []string) error {
	return func(ctx context.Context, args []string) error {
		cfg, rest, err := load(args, os.Environ())
		if err != nil {
			return err
		}
		call := append([]string{name}, rest...)
		if conn, err := new(net.Dialer).DialContext(ctx, "unix", controlSocket(cfg)); err == nil {
			return callRunning(ctx, conn, call, os.Stdout)
		}
		cfg.Log.Level = "warn"
		h, err := build(ctx, cfg, newLogger(cfg))
		if err != nil {
			return err
		}
		defer h.close()
		ctx, stop := context.WithCancel(ctx)
		views := make(chan struct{})
		go func() {
			defer close(views)
			h.keep(ctx, "projections", h.readViews)
		}()
		defer func() { stop(); <-views }()
		return h.do(ctx, call, os.Stdout)
	}
}

func controlSocket(cfg *Config) string { return cfg.Data + "/control.sock" }

// answer ends what the control socket says: the output comes in lines before it.
type answer struct {
	Done   bool   `json:"done"`
	Line   string `json:"line,omitempty"`
	Error  string `json:"error,omitempty"`
	Misuse bool   `json:"misuse,omitempty"`
}

// control takes commands from other processes on this machine that may write
// into the data folder: one JSON array of words, answered with JSON lines.
func (h *house) control(ctx context.Context) error {
	path := controlSocket(h.cfg)
	_ = os.Remove(path) // left by a process that was killed; the data folder's lock is ours
	l, err := (&net.ListenConfig{}).Listen(ctx, "unix", path)
	if err != nil {
		h.log.Warn("no control socket; commands such as hub agent need the hub stopped", "error", err)
		<-ctx.Done()
		return nil
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return fmt.Errorf("protect control socket: %w", err)
	}
	defer context.AfterFunc(ctx, func() { _ = l.Close() })()
	for {
		conn, err := l.Accept()
		if err != nil {
			return err
		}
		h.answer(ctx, conn)
	}
}

// lines writes what a command prints to the other process, line by line.
type lines struct{ enc *json.Encoder }

func (l lines) Write(p []byte) (int, error) {
	for _, line := range strings.Split(strings.TrimSuffix(string(p), "\n"), "\n") {
		if err := l.enc.Encode(answer{Line: line}); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

func (h *house) answer(ctx context.Context, conn net.Conn) {
	defer func() { _ = conn.Close() }()
	ctx, cancel := context.WithTimeout(ctx, time.Hour)
	defer cancel()
	var call []string
	if err := json.NewDecoder(io.LimitReader(conn, 1<<20)).Decode(&call); err != nil || len(call) == 0 {
		return
	}
	enc := json.NewEncoder(conn)
	end := answer{Done: true}
	if err := h.do(ctx, call, lines{enc}); err != nil {
		var m *misuseError
		end.Error, end.Misuse = err.Error(), errors.As(err, &m)
	}
	_ = enc.Encode(end) // the other side may have gone
}

func callRunning(ctx context.Context, conn net.Conn, call []string, out io.Writer) error {
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	if err := json.NewEncoder(conn).Encode(call); err != nil {
		return fmt.Errorf("ask the running hub: %w", err)
	}
	lines := bufio.NewScanner(conn)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var a answer
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
			return fmt.Errorf("ask the running hub: %w", err)
		}
		switch {
		case a.Misuse:
			return misuse("%s", a.Error)
		case a.Error != "":
			return errors.New(a.Error)
		case a.Done:
			return nil
		}
		if _, err := fmt.Fprintln(out, a.Line); err != nil {
			return err
		}
	}
	return errors.New("ask the running hub: it went away before it was done")
}

// do carries out one command of the shell.
func (h *house) do(ctx context.Context, call []string, out io.Writer) error {
	args := call[1:]
	switch call[0] {
	case "agent":
		return h.agent(ctx, args, out)
	case "rebuild":
		return h.rebuild(ctx, args, out)
	case "lag":
		return h.lag(ctx, out)
	case "backup":
		return h.backup(ctx, args, out)
	case "scavenge":
		return h.scavenge(ctx, args, out)
	case "privacy":
		return h.privacy(ctx, args, out)
	case "reconcile":
		return h.reconcile(ctx, args, out)
	case "mail":
		return h.mail(ctx, args, out)
	case "notice":
		return h.notice(ctx, args, out)
	}
	return misuse("there is no command %q", call[0])
}

// agent manages accounts from the shell: the first admin above all.
func (h *house) agent(ctx context.Context, args []string, out io.Writer) error {
	const by = events.Actor("system:shell")
	if len(args) == 0 {
		args = []string{"list"}
	}
	switch {
	case args[0] == "list" && len(args) == 1:
		list, err := h.accounts.List(ctx)
		if err != nil {
			return err
		}
		for _, a := range list {
			state := "active"
			if !a.Active {
				state = "inactive"
			}
			if _, err := fmt.Fprintf(out, "%s  %-6s %-8s %s <%s>\n", a.ID, a.Role, state, a.Name, a.Email); err != nil {
				return err
			}
		}
		return nil
	case args[0] == "add" && (len(args) == 3 || len(args) == 4):
		role := events.RoleAgent
		if len(args) == 4 {
			role = events.Role(args[3])
		}
		password := newPassword()
		id, err := h.accounts.Add(ctx, by, accounts.New{Name: args[2], Email: args[1], Role: role, Password: password})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(out, "added %s\nfirst password: %s\n", id, password)
		return err
	case args[0] == "reset" && len(args) == 2:
		a, err := h.accounts.ByEmail(ctx, args[1])
		if err != nil {
			return err
		}
		password := newPassword()
		if err := h.accounts.SetPassword(ctx, by, a.ID, password); err != nil {
			return err
		}
		_, err = fmt.Fprintf(out, "new password: %s\nall sessions of %s have ended\n", password, a.Email)
		return err
	case args[0] == "token" && len(args) == 3:
		a, err := h.accounts.ByEmail(ctx, args[1])
		if err != nil {
			return err
		}
		token, err := h.accounts.CreateToken(ctx, by, a.ID, args[2])
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(out, "API token, shown this once: %s\n", token)
		return err
	}
	return misuse("that is no way to manage agents")
}

var agentForms = []form{
	{"list", "who may sign in"},
	{"add EMAIL NAME [agent|admin|privacy]", "add one, and print the first password"},
	{"reset EMAIL", "print a new password, and end all sessions"},
	{"token EMAIL TOKEN-NAME", "make a token for the API, and print it once"},
}

// newPassword is 20 letters and digits: 100 random bits.
func newPassword() string { return strings.ToLower(rand.Text()[:20]) }

// readViews keeps the views up to date.
func (h *house) readViews(ctx context.Context) error {
	return projections.Run(ctx, h.source, h.runners...)
}

func (h *house) rebuild(ctx context.Context, args []string, out io.Writer) error {
	for _, name := range args {
		if !slices.ContainsFunc(h.runners, func(r *projections.Runner) bool { return r.Name() == name }) {
			return misuse("there is no view %q", name)
		}
	}
	for _, r := range h.runners {
		if len(args) > 0 && !slices.Contains(args, r.Name()) {
			continue
		}
		began := time.Now()
		// The rebuild counts; whoever asked for it may have gone.
		_, _ = fmt.Fprintf(out, "rebuilding %s beside the live view\n", r.Name())
		if err := r.Rebuild(ctx); err != nil {
			return err
		}
		_, _ = fmt.Fprintf(out, "rebuilt %s in %s and swapped it in\n", r.Name(), time.Since(began).Round(time.Millisecond))
	}
	return nil
}

func (h *house) lag(ctx context.Context, out io.Writer) error {
	for _, r := range h.runners {
		l, err := r.Lag(ctx)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(out, "%-10s at %s of %s, %.1f s behind\n", l.Name, l.Position, l.Head, l.Seconds); err != nil {
			return err
		}
	}
	return nil
}

// check shows the configuration and tests each connection.
func check(ctx context.Context, args []string) error {
	cfg, _, err := load(args, os.Environ())
	if err != nil {
		return err
	}
	for _, line := range cfg.describe() {
		fmt.Println(line)
	}
	cfg.Log.Level = "error"
	h, err := build(ctx, cfg, newLogger(cfg))
	if errors.Is(err, errInUse) {
		fmt.Println("\nconnections: not tested, a hub is running on this data folder; see its /readyz")
		return nil
	}
	if err != nil {
		return err
	}
	defer h.close()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	failed := false
	try := func(name string, probe func(context.Context) error) {
		result := "ok"
		if err := probe(ctx); err != nil {
			result, failed = err.Error(), true
		}
		fmt.Printf("%-24s %s\n", name, result)
	}
	fmt.Println()
	try("store", h.journal.Ping)
	try("bus", h.bus.Ping)
	for i, box := range h.mailboxes {
		try("mailbox "+h.cfg.Mailbox[i].ID, box.Check)
	}
	if h.cfg.SMTP.Host != "" {
		try("smtp", h.relay().Ping)
	}
	if failed {
		return errors.New("something does not work; see above")
	}
	return nil
}

// runNode runs the embedded event node alone, over TCP.
func runNode(ctx context.Context, args []string) error {
	flags, rest := parseFlags(args)
	if len(rest) > 0 || flags["data"] == "" || flags["listen"] == "" {
		return misuse("--data and --listen are needed")
	}
	for f := range flags {
		if !slices.Contains([]string{"data", "listen", "tls-cert", "tls-key", "user", "password-file"}, f) {
			return misuse("there is no flag --%s", f)
		}
	}
	nc := node.Config{
		Dir: flags["data"], Listen: flags["listen"], TLSCert: flags["tls-cert"], TLSKey: flags["tls-key"],
		User: flags["user"], Logger: newLogger(defaults()),
	}
	if err := readSecret(&nc.Password, flags["password-file"], "node"); err != nil {
		return err
	}
	n, err := node.Start(ctx, nc)
	if err != nil {
		return err
	}
	fmt.Println(n.ConnectionString())
	select {
	case <-ctx.Done():
	case <-n.Failed():
		err = n.Err()
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return errors.Join(err, n.Stop(stop))
}

func version(context.Context, []string) error {
	fmt.Printf("hub %s, commit %s, Go %s\n", release, commit(), goVersion())
	for _, k := range events.Catalogue() {
		if k.Version > 1 {
			fmt.Printf("  %s version %d\n", k.Name, k.Version)
		}
	}
	fmt.Printf("  %d kinds of events, policy %s, retention schedule %d\n", len(events.Catalogue()), events.PolicyVersion, events.ScheduleVersion)
	return nil
}
