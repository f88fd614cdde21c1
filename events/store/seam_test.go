package store_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/node"
	"github.com/westshore/hub/events/store"
)

// lines collects what the client says.
type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) Enabled(context.Context, slog.Level) bool { return true }
func (l *lines) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l *lines) WithGroup(string) slog.Handler            { return l }
func (l *lines) Handle(_ context.Context, r slog.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	r.Attrs(func(a slog.Attr) bool {
		l.all = append(l.all, a.Value.String())
		return true
	})
	return nil
}

func (l *lines) count(part string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.all {
		if strings.Contains(s, part) {
			n++
		}
	}
	return n
}

// What the guard depends on in the client's logger: an Unavailable passes
// through it before the client's state machine hears of it. When this fails
// after an upgrade of the client, read seam.go.
func TestSeam(t *testing.T) {
	t.Parallel()
	n := startNode(t, node.Config{Dir: shortDir(t)})
	p := newProxy(t, n.SocketPath())
	said := &lines{}
	s, err := store.Open(t.Context(), store.Config{Socket: p.socket, Logger: slog.New(said)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	for range 10 {
		if err := s.Ping(within(t, patience)); err != nil {
			t.Fatal(err)
		}
		p.blackhole()
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				_, err := s.Append(within(t, patience), events.NewUUID().String(), events.NoStream, event("1"))
				if err != nil {
					t.Error(err)
				}
			})
		}
		<-time.After(20 * time.Millisecond)
		p.cut()
		wg.Wait()
	}
	if said.count("unexpected exception") == 0 {
		t.Error("the client met no error: the test does not reach the seam")
	}
	if n := said.count("starting a new discovery process"); n > 0 {
		t.Errorf("the client began to discover the server by itself %d times", n)
	}
}

// A connection string that cannot be read is refused, and not shown: it may
// hold a password.
func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"", "http://localhost:2113", "esdb://u:geheim@host:port", "esdb://u:geheim@ho st", "esdb://u:geheim@host:%zz",
		"esdb://u:geheim@host?tls=perhaps", "esdb://u:geheim@a,b:c", "esdb://u:geheim@host?userCertFile=x",
	} {
		s, err := store.Open(t.Context(), store.Config{URL: url})
		if err == nil {
			_ = s.Close()
			t.Errorf("%q was taken", url)
			continue
		}
		if strings.Contains(err.Error(), "geheim") {
			t.Errorf("the error shows the password: %v", err)
		}
	}
}

// The server refuses what is over its own limit, also within ours.
func TestServerSaysTooLarge(t *testing.T) {
	t.Parallel()
	n := startNode(t, node.Config{Dir: shortDir(t), MaxAppendBytes: 1000})
	s := openStore(t, store.Config{Socket: n.SocketPath()})
	big := event(strings.Repeat("1", 900))
	if _, err := s.Append(within(t, patience), "a", events.NoStream, big); err != nil {
		t.Fatal(err)
	}
	evs := []store.Event{event("1"), big, event(strings.Repeat("1", 900)), event("2")}
	if _, err := s.Append(within(t, patience), "a", 0, evs...); !store.IsTooLarge(err) {
		t.Errorf("got %v", err)
	}
}

// TCP, by address and by asking for the members of the cluster.
func TestTCP(t *testing.T) {
	t.Parallel()
	n := startNode(t, node.Config{Dir: shortDir(t), Listen: "127.0.0.1:0"})
	direct := n.ConnectionString()
	address := strings.TrimSuffix(strings.TrimPrefix(direct, "esdb://"), "?tls=false")
	for _, url := range []string{
		direct,
		"esdb+discover://" + address + "?tls=false",
		"esdb://127.0.0.1:1," + address + "?tls=false",
	} {
		s := openStore(t, store.Config{URL: url})
		if err := s.Ping(within(t, patience)); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// TLS and a password: the right one works, a wrong one is Denied at once.
func TestPassword(t *testing.T) {
	t.Parallel()
	cert, key := certificate(t)
	n := startNode(t, node.Config{
		Dir: shortDir(t), Listen: "127.0.0.1:0", TLSCert: cert, TLSKey: key, User: "hub", Password: "right",
	})
	for password, want := range map[string]store.Kind{"right": 0, "wrong": store.Denied} {
		s := openStore(t, store.Config{URL: "esdb://hub:" + password + "@" + n.Addr() + "?tls=true&tlsCAFile=" + cert})
		begin := time.Now()
		_, err := s.Append(within(t, patience), "a", events.NoStream, event("1"))
		if store.KindOf(err) != want {
			t.Errorf("%s: got %v, want %v", password, err, want)
		}
		if took := time.Since(begin); took > 5*time.Second {
			t.Errorf("%s: it took %v", password, took)
		}
	}
}

// certificate makes a self-signed one for 127.0.0.1.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	priv, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "node"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, priv.Public(), priv)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(priv)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{
		cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret},
	} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}
