package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-smtp"
)

// ErrLocked says that another process uses the folder.
var ErrLocked = errors.New("the sandbox folder is in use by another process")

// DefaultPassword opens every mailbox when Config names no other.
const DefaultPassword = "sandbox"

// Config says where the sandbox keeps its mail and listens.
type Config struct {
	Dir        string       // folder for the mail; made when missing
	SMTPListen string       // host:port, "127.0.0.1:0" by default
	IMAPListen string       // host:port, "127.0.0.1:0" by default
	Password   string       // of every mailbox; DefaultPassword when empty
	MaxSize    int64        // largest mail in bytes; 100 MB when 0
	ASCII      bool         // a server of old, without SMTPUTF8
	Logger     *slog.Logger // discards when nil
	Now        func() time.Time
}

// Sandbox is a running mail system.
type Sandbox struct {
	cfg  Config
	log  *slog.Logger
	lock *os.File
	post *postOffice

	smtp       *smtp.Server
	imap       *imapserver.Server
	smtpListen net.Listener
	imapListen net.Listener
	loops      sync.WaitGroup // the two accept loops
	sessions   sync.WaitGroup // IMAP sessions
	stop       sync.Once
}

// Start opens the folder and listens. It is ready when it returns. The sandbox
// stops when Stop is called; ctx bounds the start only.
func Start(ctx context.Context, cfg Config) (*Sandbox, error) {
	cfg = withDefaults(cfg)
	if cfg.Dir == "" {
		return nil, errors.New("start sandbox: no folder given")
	}
	s := &Sandbox{cfg: cfg, log: cfg.Logger.With("room", "sandbox")}
	if err := s.open(ctx); err != nil {
		s.closeFiles()
		return nil, fmt.Errorf("start sandbox: %w", err)
	}
	s.smtp, s.imap = s.newSMTP(), s.newIMAP()
	s.loops.Add(2)
	go func() {
		defer s.loops.Done()
		if err := s.smtp.Serve(s.smtpListen); err != nil {
			s.log.Error("smtp stopped", "error", err)
		}
	}()
	go func() {
		defer s.loops.Done()
		if err := s.imap.Serve(s.imapListen); err != nil {
			s.log.Error("imap stopped", "error", err)
		}
	}()
	s.log.Info("mail sandbox ready", "smtp", s.SMTPAddr(), "imap", s.IMAPAddr())
	return s, nil
}

func withDefaults(cfg Config) Config {
	if cfg.SMTPListen == "" {
		cfg.SMTPListen = "127.0.0.1:0"
	}
	if cfg.IMAPListen == "" {
		cfg.IMAPListen = "127.0.0.1:0"
	}
	if cfg.Password == "" {
		cfg.Password = DefaultPassword
	}
	if cfg.MaxSize == 0 {
		cfg.MaxSize = 100 << 20
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return cfg
}

func (s *Sandbox) open(ctx context.Context) error {
	mail := filepath.Join(s.cfg.Dir, "mail")
	if err := os.MkdirAll(mail, 0o700); err != nil {
		return err
	}
	lock, err := os.OpenFile(filepath.Join(s.cfg.Dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	s.lock = lock
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return fmt.Errorf("%w: %s", ErrLocked, s.cfg.Dir)
	}
	if err := syncDir(s.cfg.Dir); err != nil {
		return err
	}
	s.post = newPostOffice(mail, s.cfg.Now)
	var lc net.ListenConfig
	if s.smtpListen, err = lc.Listen(ctx, "tcp", s.cfg.SMTPListen); err != nil {
		return err
	}
	s.imapListen, err = lc.Listen(ctx, "tcp", s.cfg.IMAPListen)
	return err
}

func (s *Sandbox) newSMTP() *smtp.Server {
	srv := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &smtpSession{box: s, conn: c}, nil
	}))
	srv.Domain = "sandbox.test"
	srv.MaxRecipients = 100
	srv.MaxMessageBytes = s.cfg.MaxSize
	srv.MaxLineLength = int(s.cfg.MaxSize) // long lines are content here, not an attack
	srv.AllowInsecureAuth = true
	srv.EnableSMTPUTF8 = !s.cfg.ASCII
	srv.EnableDSN = true
	srv.ReadTimeout = 5 * time.Minute
	srv.WriteTimeout = time.Minute
	srv.ErrorLog = log.New(logWriter{s.log}, "", 0)
	return srv
}

func (s *Sandbox) newIMAP() *imapserver.Server {
	caps := imap.CapSet{
		imap.CapIMAP4rev1: {}, imap.CapIMAP4rev2: {}, imap.CapNamespace: {}, imap.CapUIDPlus: {},
		imap.CapESearch: {}, imap.CapSearchRes: {}, imap.CapListExtended: {}, imap.CapListStatus: {},
		imap.CapMove: {}, imap.CapStatusSize: {}, imap.CapLiteralPlus: {},
	}
	return imapserver.New(&imapserver.Options{
		Caps:         caps,
		InsecureAuth: true,
		Logger:       log.New(logWriter{s.log}, "", 0),
		NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			s.sessions.Add(1)
			return &imapSession{box: s}, nil, nil
		},
	})
}

// SMTPAddr returns the host and port mail is handed in at.
func (s *Sandbox) SMTPAddr() string { return s.smtpListen.Addr().String() }

// IMAPAddr returns the host and port mailboxes are read at.
func (s *Sandbox) IMAPAddr() string { return s.imapListen.Addr().String() }

// Password returns the password of every mailbox.
func (s *Sandbox) Password() string { return s.cfg.Password }

// Stop closes all connections and releases the folder. A mail is on disk before
// its 250 is said, so nothing that was taken is lost. It is safe to call it again.
func (s *Sandbox) Stop(context.Context) error {
	s.stop.Do(func() {
		_ = s.imap.Close()
		_ = s.smtp.Close() // not Shutdown: it waits for idle clients, for ever
		s.closeListeners() // a loop that had not begun yet was not told
		s.loops.Wait()
		s.sessions.Wait()
		s.closeFiles()
	})
	return nil
}

func (s *Sandbox) closeFiles() {
	s.closeListeners()
	if s.lock != nil {
		_ = s.lock.Close()
	}
}

func (s *Sandbox) closeListeners() {
	for _, l := range []net.Listener{s.smtpListen, s.imapListen} {
		if l != nil {
			_ = l.Close()
		}
	}
}

// logWriter hands the libraries' log lines to slog. Only their first line is
// kept, and nothing of a mail or an address is in it.
type logWriter struct{ log *slog.Logger }

var _ io.Writer = logWriter{}

func (w logWriter) Write(p []byte) (int, error) {
	line, _, _ := strings.Cut(string(p), "\n")
	w.log.Debug("mail library", "line", line)
	return len(p), nil
}
