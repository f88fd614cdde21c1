package mailtest

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"text/template"
	"time"
)

//go:embed conf
var confFS embed.FS

// Password opens every mailbox of a System.
const Password = "secret"

// Users are the mailboxes of a System.
var Users = []string{"support@hub.test", "sales@hub.test", "bounces@hub.test", "alice@cust.test", "bob@cust.test"}

// mailUID owns the mail on disk. Dovecot takes the number; no account is made.
const mailUID = 5000

// System is a running Dovecot and Postfix.
type System struct {
	Dir  string
	Name string // of this instance
	UID  int    // owner of the mail files

	IMAP, IMAPS, LMTP, Auth     int // ports on 127.0.0.1; IMAP offers STARTTLS
	MX, Submission, Submissions int // 25, 587 (AUTH, STARTTLS) and 465 in life

	dovecot  *exec.Cmd
	exited   chan struct{} // closed when Dovecot has ended
	exitErr  error         // how, set before
	postfix  bool
	delivery *lmtp
}

// Missing says what stands in the way of running a System here: nil, or an
// error that names it.
func Missing() error {
	if os.Geteuid() != 0 {
		return errors.New("dovecot and postfix need root")
	}
	for _, program := range []string{"dovecot", "doveadm", "postfix"} {
		if _, err := findProgram(program); err != nil {
			return fmt.Errorf("%s is not installed (see deploy/mailtest/install.sh)", program)
		}
	}
	return nil
}

// findProgram looks in PATH and where Debian puts daemons.
func findProgram(name string) (string, error) {
	if p, err := exec.LookPath(name); err == nil {
		return p, nil
	}
	return exec.LookPath(filepath.Join("/usr/sbin", name))
}

// Start runs a fresh system with its files under dir, which must be empty or
// missing, and returns when every port answers. The path of dir must be short
// (sockets live below it) and open to other users.
func Start(ctx context.Context, dir string) (*System, error) {
	if err := Missing(); err != nil {
		return nil, fmt.Errorf("start mail system: %w", err)
	}
	var err error
	for range 3 { // another process may snatch a free port
		s := &System{Dir: dir, Name: filepath.Base(dir), UID: mailUID}
		if err = s.start(ctx); err == nil {
			return s, nil
		}
		_ = s.Stop()
		if ctx.Err() != nil {
			break
		}
	}
	return nil, fmt.Errorf("start mail system: %w", err)
}

func (s *System) start(ctx context.Context) error {
	ports := []*int{&s.IMAP, &s.IMAPS, &s.LMTP, &s.Auth, &s.MX, &s.Submission, &s.Submissions}
	if err := freePorts(ctx, ports); err != nil {
		return err
	}
	if err := s.layOut(); err != nil {
		return err
	}
	if err := s.startDovecot(ctx); err != nil {
		return err
	}
	s.postfix = true
	if err := s.run(ctx, "postfix", "-c", s.path("postfix"), "start"); err != nil {
		return err
	}
	for _, p := range ports {
		if err := s.await(ctx, *p); err != nil {
			return err
		}
	}
	return nil
}

// freePorts asks the kernel for ports, all at once so that they differ.
func freePorts(ctx context.Context, ports []*int) error {
	for _, p := range ports {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer func() { _ = l.Close() }()
		*p = l.Addr().(*net.TCPAddr).Port
	}
	return nil
}

func (s *System) path(elem ...string) string {
	return filepath.Join(append([]string{s.Dir}, elem...)...)
}

// layOut writes folders, certificate, keys and configuration.
func (s *System) layOut() error {
	for _, d := range []string{"dovecot/run", "dovecot/state", "postfix/queue", "postfix/data", "mail", "keys/default/HS256", "tls"} {
		if err := os.MkdirAll(s.path(d), 0o755); err != nil {
			return err
		}
	}
	if err := os.Chown(s.path("mail"), s.UID, s.UID); err != nil {
		return err
	}
	uid, err := userID("postfix")
	if err != nil {
		return err
	}
	if err := os.Chown(s.path("postfix/data"), uid, -1); err != nil {
		return err
	}
	if err := writeCertificate(s.path("tls")); err != nil {
		return err
	}
	if err := os.WriteFile(s.path("keys/default/HS256/default"), []byte(tokenKeyBase64()), 0o644); err != nil {
		return err
	}
	var users strings.Builder
	for _, u := range Users {
		fmt.Fprintf(&users, "%s:{PLAIN}%s::::::\n", u, Password)
	}
	if err := os.WriteFile(s.path("dovecot/users"), []byte(users.String()), 0o644); err != nil {
		return err
	}
	for name, to := range map[string]string{
		"dovecot.conf": "dovecot", "oauth2.conf.ext": "dovecot", "main.cf": "postfix", "master.cf": "postfix", "rcpt_access": "postfix",
	} {
		if err := s.render(name, s.path(to, name)); err != nil {
			return err
		}
	}
	return nil
}

func (s *System) render(name, to string) error {
	t, err := template.ParseFS(confFS, "conf/"+name)
	if err != nil {
		return err
	}
	f, err := os.Create(to)
	if err != nil {
		return err
	}
	err = t.Execute(f, s)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

func (s *System) startDovecot(ctx context.Context) error {
	program, err := findProgram("dovecot")
	if err != nil {
		return err
	}
	// It runs until Stop, which a test calls when its context has ended.
	s.dovecot = exec.CommandContext(context.WithoutCancel(ctx), program, "-F", "-c", s.path("dovecot/dovecot.conf"))
	var out strings.Builder
	s.dovecot.Stderr = &out
	s.dovecot.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := s.dovecot.Start(); err != nil {
		return err
	}
	s.exited = make(chan struct{})
	cmd, exited := s.dovecot, s.exited
	go func() {
		defer close(exited)
		err := cmd.Wait()
		s.exitErr = fmt.Errorf("dovecot ended: %w: %s", err, out.String())
	}()
	return nil
}

func (s *System) run(ctx context.Context, name string, args ...string) error {
	program, err := findProgram(name)
	if err != nil {
		return err
	}
	if out, err := exec.CommandContext(ctx, program, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(string(out)))
	}
	return nil
}

// await returns when a port takes connections.
func (s *System) await(ctx context.Context, port int) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(20 * time.Second)
	for {
		c, err := new(net.Dialer).DialContext(ctx, "tcp", Addr(port))
		if err == nil {
			return c.Close()
		}
		select {
		case <-s.exited:
			s.dovecot = nil
			return s.exitErr
		case <-ctx.Done():
			return ctx.Err()
		case <-deadline:
			return fmt.Errorf("port %d does not answer: %w", port, err)
		case <-tick.C:
		}
	}
}

// Addr is the address of a port of a System.
func Addr(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// CAFile is the certificate to trust, for localhost, mx.hub.test and 127.0.0.1.
func (s *System) CAFile() string { return s.path("tls", "cert.pem") }

// Stop ends both servers and waits for Dovecot. The files stay.
func (s *System) Stop() error {
	var errs []error
	if s.delivery != nil {
		_ = s.delivery.conn.Close()
		s.delivery = nil
	}
	if s.postfix {
		errs = append(errs, s.stopPostfix())
		s.postfix = false
	}
	if s.dovecot != nil {
		// Its master waits for helpers that wait for it, so it gets a moment
		// only; what is on disk is on disk.
		pid := s.dovecot.Process.Pid
		_ = s.dovecot.Process.Signal(syscall.SIGTERM)
		select {
		case <-s.exited:
		case <-time.After(300 * time.Millisecond):
			_ = syscall.Kill(-pid, syscall.SIGKILL)
			<-s.exited
		}
		s.dovecot = nil
	}
	return errors.Join(errs...)
}

// stopPostfix tells the master to end and looks for itself whether it did:
// "postfix stop" takes a master that nobody has reaped yet for a living one.
func (s *System) stopPostfix() error {
	b, err := os.ReadFile(s.path("postfix/queue/pid/master.pid"))
	if err != nil {
		return fmt.Errorf("stop postfix: %w", err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		return fmt.Errorf("stop postfix: %w", err)
	}
	_ = syscall.Kill(pid, syscall.SIGTERM)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range 300 {
		if !alive(pid) {
			return nil
		}
		<-tick.C
	}
	return syscall.Kill(-pid, syscall.SIGKILL)
}

// alive reports whether a process runs; a zombie does not.
func alive(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, after, _ := strings.Cut(string(b), ") ")
	return !strings.HasPrefix(after, "Z")
}

// Doveadm runs one of Dovecot's own commands against this system.
func (s *System) Doveadm(ctx context.Context, args ...string) error {
	return s.run(ctx, "doveadm", append([]string{"-c", s.path("dovecot/dovecot.conf")}, args...)...)
}

// SetUIDValidity renames every mail of a user's INBOX, as servers do after a
// restore.
func (s *System) SetUIDValidity(ctx context.Context, user string, validity uint32) error {
	return s.Doveadm(ctx, "mailbox", "update", "--uid-validity", strconv.FormatUint(uint64(validity), 10), "-u", user, "INBOX")
}

// Kick ends every IMAP session of a user.
func (s *System) Kick(ctx context.Context, user string) error { return s.Doveadm(ctx, "kick", user) }

// Flush makes Postfix try everything in its queue now.
func (s *System) Flush(ctx context.Context) error {
	return s.run(ctx, "postqueue", "-c", s.path("postfix"), "-f")
}

// DovecotPID returns the process id of Dovecot's master.
func (s *System) DovecotPID() int { return s.dovecot.Process.Pid }
