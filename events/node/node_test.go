package node_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"golang.org/x/net/http2"

	"github.com/westshore/hub/events/node"
	"github.com/westshore/hub/events/node/ledger"
)

// tryStart starts a node that is expected not to start.
func tryStart(t *testing.T, cfg node.Config) error {
	t.Helper()
	cfg.Logger = slog.New(slog.DiscardHandler)
	n, err := node.Start(t.Context(), cfg)
	if err == nil {
		_ = n.Stop(context.Background())
	}
	return err
}

func TestStartRefuses(t *testing.T) {
	foreign := t.TempDir()
	if err := os.WriteFile(filepath.Join(foreign, "letter.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	used := t.TempDir()
	start(t, func(cfg *node.Config) { cfg.Dir = used })
	for name, c := range map[string]struct {
		cfg  node.Config
		want error
		text string
	}{
		"no folder":            {node.Config{}, nil, "no folder"},
		"foreign folder":       {node.Config{Dir: foreign}, ledger.ErrForeign, ""},
		"folder in use":        {node.Config{Dir: used}, ledger.ErrLocked, ""},
		"certificate, no key":  {node.Config{Dir: t.TempDir(), Listen: "127.0.0.1:0", TLSCert: "x"}, nil, "both a certificate and a key"},
		"tls on a socket":      {node.Config{Dir: t.TempDir(), TLSCert: "x", TLSKey: "y"}, nil, "needs an address"},
		"user without tls":     {node.Config{Dir: t.TempDir(), Listen: "127.0.0.1:0", User: "u", Password: "p"}, nil, "a user needs tls"},
		"missing certificate":  {node.Config{Dir: t.TempDir(), Listen: "127.0.0.1:0", TLSCert: "/x", TLSKey: "/y"}, os.ErrNotExist, ""},
		"address that is none": {node.Config{Dir: t.TempDir(), Listen: "127.0.0.1:99999"}, nil, "listen"},
	} {
		err := tryStart(t, c.cfg)
		if err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFolderIsPrivateAndSocketComesBack(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "events")
	for range 2 {
		n, err := node.Start(t.Context(), node.Config{Dir: dir, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("folder: %v, %v", info.Mode(), err)
		}
		if n.SocketPath() != filepath.Join(dir, "node.sock") || n.ConnectionString() != "esdb://localhost?tls=false" {
			t.Errorf("socket %s, connection %s", n.SocketPath(), n.ConnectionString())
		}
		put(t, dial(t, n), streamName(), esdb.NoStream{}, event("a"))
		if err := errors.Join(n.Stop(t.Context()), n.Stop(t.Context())); err != nil {
			t.Fatal(err)
		}
		// What a killed node leaves behind must not be in the way.
		if err := os.WriteFile(filepath.Join(dir, "node.sock"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLongFolderGetsAShortSocket(t *testing.T) {
	t.Setenv("TMPDIR", "/tmp")
	dir := filepath.Join(t.TempDir(), strings.Repeat("long/", 30))
	for range 2 {
		n, err := node.Start(t.Context(), node.Config{Dir: dir, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		path := n.SocketPath()
		if len(path) > 103 || strings.HasPrefix(path, dir) {
			t.Errorf("socket %s", path)
		}
		if info, err := os.Stat(filepath.Dir(path)); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("its folder: %v, %v", info, err)
		}
		if note, err := os.ReadFile(filepath.Join(dir, "node.socket")); err != nil || string(note) != path {
			t.Errorf("remembered %q, %v", note, err)
		}
		put(t, dial(t, n), streamName(), esdb.NoStream{}, event("a"))
		if err := n.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Dir(path)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("left behind: %v", err)
		}
	}
}

// certificate writes a self-signed certificate for 127.0.0.1.
func certificate(t *testing.T) (cert, key string, pool *x509.CertPool) {
	t.Helper()
	priv, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "node"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, priv.Public(), priv)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(priv)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key, pool = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), x509.NewCertPool()
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	pool.AppendCertsFromPEM(certPEM)
	err = errors.Join(os.WriteFile(cert, certPEM, 0o600),
		os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	return cert, key, pool
}

func TestTLSAndBasicAuth(t *testing.T) {
	cert, key, pool := certificate(t)
	n := start(t, onTCP, func(cfg *node.Config) {
		cfg.TLSCert, cfg.TLSKey, cfg.User, cfg.Password = cert, key, "hub", "correct horse"
	})
	as := func(user, password string) *esdb.Client {
		conf, err := esdb.ParseConnectionString(n.ConnectionString())
		if err != nil {
			t.Fatal(err)
		}
		conf.RootCAs, conf.Username, conf.Password = pool, user, password
		return connect(t, conf)
	}
	put(t, as("hub", "correct horse"), "s", esdb.NoStream{}, event("a"))
	for _, c := range []*esdb.Client{as("hub", "wrong"), as("other", "correct horse"), as("", "")} {
		if code := refused(t, c, "s", esdb.Any{}, event("b")); code != esdb.ErrorCodeUnauthenticated {
			t.Errorf("append: code %v", code)
		}
		if _, err := readStream(t, c, "s", esdb.ReadStreamOptions{}, 1); codeOf(err) != esdb.ErrorCodeUnauthenticated {
			t.Errorf("read: %v", err)
		}
		if _, err := c.DeleteStream(t.Context(), "s", esdb.DeleteStreamOptions{}); codeOf(err) != esdb.ErrorCodeUnauthenticated {
			t.Errorf("delete: %v", err)
		}
	}
}

// TestGossip connects as to a cluster: the client asks for members and dials
// the one that leads.
func TestGossip(t *testing.T) {
	n := start(t, onTCP)
	_, port, err := net.SplitHostPort(n.Addr())
	if err != nil {
		t.Fatal(err)
	}
	for _, url := range []string{
		"esdb+discover://127.0.0.1:" + port + "?tls=false", "esdb://localhost:" + port + ",127.0.0.1:" + port + "?tls=false",
	} {
		conf, err := esdb.ParseConnectionString(url)
		if err != nil {
			t.Fatal(err)
		}
		c := connect(t, conf)
		put(t, c, streamName(), esdb.NoStream{}, event("a"))
		v, err := c.GetServerVersion()
		if err != nil || v.Major < 23 {
			t.Errorf("version %v, %v", v, err)
		}
	}
}

func TestBackupStartsAsANode(t *testing.T) {
	n := start(t)
	put(t, dial(t, n), "s", esdb.NoStream{}, eventsN("a", 3)...)
	dir := filepath.Join(t.TempDir(), "backup")
	if err := n.Backup(dir); err != nil {
		t.Fatal(err)
	}
	if err := n.Backup(dir); err == nil {
		t.Error("a backup was written over")
	}
	if r, err := n.Scavenge(t.Context(), nil); err != nil || r.Streams != 1 || r.Events != 0 {
		t.Errorf("scavenge: %+v, %v", r, err)
	}
	c := dial(t, start(t, func(cfg *node.Config) { cfg.Dir = dir }))
	if evs, err := readStream(t, c, "s", esdb.ReadStreamOptions{}, 9); len(evs) != 3 || err != nil {
		t.Errorf("%d events, %v", len(evs), err)
	}
}

// TestPingsOfAnIdleConnection: the client pings also when no call is open.
// grpc-go's default would end the connection at the third ping.
func TestPingsOfAnIdleConnection(t *testing.T) {
	t.Parallel()
	n := start(t)
	conn, err := net.Dial("unix", n.SocketPath())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	framer := http2.NewFramer(conn, conn)
	if err := framer.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(1050 * time.Millisecond)
	defer tick.Stop()
	for i := range 5 {
		<-tick.C
		if err := framer.WritePing(false, [8]byte{byte(i)}); err != nil {
			t.Fatal(err)
		}
		for answered := false; !answered; {
			f, err := framer.ReadFrame()
			if err != nil {
				t.Fatal(err)
			}
			switch f := f.(type) {
			case *http2.GoAwayFrame:
				t.Fatalf("ping %d: %v %s", i, f.ErrCode, f.DebugData())
			case *http2.PingFrame:
				answered = f.IsAck()
			}
		}
	}
}

// TestSilentConnectionDoesNotHoldUpStop: a connection without a word.
func TestSilentConnectionDoesNotHoldUpStop(t *testing.T) {
	t.Parallel()
	n := start(t)
	conn, err := net.Dial("unix", n.SocketPath())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	began := time.Now()
	if err := n.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 12*time.Second {
		t.Errorf("stopping took %v", took)
	}
}

func TestStartIsFast(t *testing.T) {
	best := time.Hour
	for range 3 {
		began := time.Now()
		start(t)
		best = min(best, time.Since(began))
	}
	t.Logf("start on an empty folder: %v", best)
	if best > time.Second {
		t.Errorf("starting on an empty folder took %v", best)
	}
}
