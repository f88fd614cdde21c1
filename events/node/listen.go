package node

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"

	"google.golang.org/grpc/credentials"

	"github.com/westshore/hub/events/node/ledger"
)

// Names inside the node's folder.
const (
	ledgerDir   = "ledger"
	socketName  = "node.sock"
	elsewhere   = "node.socket" // holds the path of a socket that did not fit here
	tempPattern = "hub-node-"

	// maxSocketPath is what every supported system takes: sun_path is 104 bytes
	// on macOS and the BSDs, 108 on Linux, with a closing zero.
	maxSocketPath = 103
)

// prepareDir makes the folder, or checks that it is a node's own, and closes it
// to everybody but the owner.
func prepareDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("read folder: %w", err)
	}
	known, foreign := false, false
	for _, e := range entries {
		switch e.Name() {
		case ledgerDir:
			known = true
		case socketName, elsewhere:
		default:
			foreign = true
		}
	}
	if foreign && !known {
		return ledger.ErrForeign
	}
	if err := os.Chmod(dir, 0o700); err != nil { //nolint:gosec // a folder needs the x bit
		return fmt.Errorf("close folder to others: %w", err)
	}
	return nil
}

// bind opens the listener. The ledger's lock is held by now, so a socket found
// in the folder is one that a killed node left behind.
func (n *Node) bind(ctx context.Context) (err error) {
	var lc net.ListenConfig
	if n.cfg.Listen != "" {
		if n.listen, err = lc.Listen(ctx, "tcp", n.cfg.Listen); err != nil {
			return fmt.Errorf("listen: %w", err)
		}
		if tcp, ok := n.listen.Addr().(*net.TCPAddr); ok && !tcp.IP.IsLoopback() && n.cfg.User == "" {
			n.log.Warn("everybody who reaches this address can read and write all events", "address", n.Addr())
		}
		return nil
	}
	path, err := socketPath(n.cfg.Dir)
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove old socket: %w", err)
	}
	if n.listen, err = lc.Listen(ctx, "unix", path); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	n.socket = path
	return nil
}

// unbind removes a socket folder outside of the node's own. The listener has
// removed the socket itself.
func (n *Node) unbind() {
	dir := filepath.Dir(n.socket)
	if n.socket == "" || !strings.HasPrefix(filepath.Base(dir), tempPattern) {
		return
	}
	if err := errors.Join(os.RemoveAll(dir), os.Remove(filepath.Join(n.cfg.Dir, elsewhere))); err != nil {
		n.log.Warn("remove socket folder", "error", err)
	}
}

// socketPath is node.sock in dir, or, if that is too long for a socket, in a
// private folder under the system's temporary one. Its path is remembered in
// the file node.socket in dir, so that others find it and the next start uses
// it again.
func socketPath(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("find folder: %w", err)
	}
	if path := filepath.Join(abs, socketName); len(path) <= maxSocketPath {
		return path, nil
	}
	note := filepath.Join(abs, elsewhere)
	if old, err := os.ReadFile(note); err == nil && private(filepath.Dir(string(old))) {
		return string(old), nil
	}
	temp, err := os.MkdirTemp("", tempPattern)
	if err != nil {
		return "", fmt.Errorf("make socket folder: %w", err)
	}
	path := filepath.Join(temp, socketName)
	if len(path) > maxSocketPath {
		return "", errors.Join(fmt.Errorf("the folder's path and TMPDIR are too long for a socket (%d bytes at most): "+
			"use a shorter one or listen on an address", maxSocketPath), os.Remove(temp))
	}
	if err := os.WriteFile(note, []byte(path), 0o600); err != nil {
		return "", fmt.Errorf("remember socket: %w", err)
	}
	return path, nil
}

// private reports whether dir is a socket folder that a node made: under the
// temporary folder, of our naming, entered by the owner only, and ours.
func private(dir string) bool {
	info, err := os.Lstat(dir)
	if err != nil || !info.IsDir() || info.Mode().Perm() != 0o700 {
		return false
	}
	return filepath.Dir(dir) == filepath.Clean(os.TempDir()) &&
		strings.HasPrefix(filepath.Base(dir), tempPattern) && os.Chmod(dir, 0o700) == nil // only the owner may
}

func loadTLS(cert, key string) (credentials.TransportCredentials, error) {
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("load tls certificate: %w", err)
	}
	return credentials.NewTLS(&tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}), nil
}

// localAddress is the address under which a client on this machine reaches a
// TCP listener.
func localAddress(addr net.Addr) string {
	tcp, ok := addr.(*net.TCPAddr)
	if ok && tcp.IP.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", fmt.Sprint(tcp.Port))
	}
	return addr.String()
}
