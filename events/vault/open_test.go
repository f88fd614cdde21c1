package vault_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/vault"
)

// TestMain lets the test binary stand in for another process: with
// VAULT_TEST_DIR set it opens that vault, mints one key, prints its name and
// waits to be killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv("VAULT_TEST_DIR"); dir != "" {
		child(dir)
	}
	os.Exit(m.Run())
}

func child(dir string) {
	v, err := vault.Open(context.Background(), vault.Config{Dir: filepath.Join(dir, "vault"), KeyFile: filepath.Join(dir, "root.key")})
	if err == nil {
		var keys []vault.Key
		if keys, err = v.Mint(context.Background(), v.Begin(), []vault.Request{request(subject(1))}); err == nil {
			os.Stdout.WriteString(string(keys[0].KID) + " " + fmt.Sprintf("%x", keys[0].DEK) + "\n")
			select {}
		}
	}
	os.Stderr.WriteString(err.Error() + "\n")
	os.Exit(1)
}

// startChild runs the other process until it has minted, and returns its words.
func startChild(t *testing.T, p place) (*exec.Cmd, []string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), "VAULT_TEST_DIR="+filepath.Dir(p.dir))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the other process said nothing: %v", err)
	}
	return cmd, strings.Fields(line)
}

func TestKeyMintedBeforeKill9CanBeUsed(t *testing.T) {
	p := newPlace(t)
	cmd, words := startChild(t, p)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // reports the kill
	v := p.open(t)
	got := open(t, v, events.KID(words[0]))
	if got[0].State != events.Plain || fmt.Sprintf("%x", got[0].DEK) != words[1] {
		t.Errorf("key after kill -9: state %v, or not the key that was minted", got[0].State)
	}
}

func TestVaultInUseByAnotherProcessIsRefused(t *testing.T) {
	p := newPlace(t)
	cmd, _ := startChild(t, p)
	_, err := vault.Open(t.Context(), p.config())
	if !errors.Is(err, vault.ErrLocked) {
		t.Errorf("open = %v, want ErrLocked", err)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	p.open(t)
}

func TestRootKeyFileIsMadePrivateAndOnlyForANewVault(t *testing.T) {
	p := newPlace(t)
	shut(t, p.open(t))
	info, err := os.Stat(p.key)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode of the root key file = %o, want 600", info.Mode().Perm())
	}
	if err := os.Remove(p.key); err != nil {
		t.Fatal(err)
	}
	_, err = vault.Open(t.Context(), p.config())
	if !errors.Is(err, vault.ErrRootKeyMissing) {
		t.Errorf("open = %v, want ErrRootKeyMissing", err)
	}
	if _, err := os.Stat(p.key); err == nil {
		t.Error("a new root key was made for a vault that has one")
	}
}

func TestRootKeyThatCannotBeTrustedIsRefused(t *testing.T) {
	tests := map[string]struct {
		do   func(t *testing.T, p place)
		want error
	}{
		"key of another vault": {func(t *testing.T, p place) {
			other := newPlace(t)
			shut(t, other.open(t))
			copyFile(t, other.key, p.key)
		}, vault.ErrRootKeyWrong},
		"readable by the group":   {func(t *testing.T, p place) { chmod(t, p.key, 0o640) }, vault.ErrRootKeyOpen},
		"readable by everybody":   {func(t *testing.T, p place) { chmod(t, p.key, 0o604) }, vault.ErrRootKeyOpen},
		"empty file":              {func(t *testing.T, p place) { write(t, p.key, nil) }, vault.ErrRootKeyMalformed},
		"a digit that is none":    {func(t *testing.T, p place) { write(t, p.key, []byte("hub-root-key-1 "+strings.Repeat("g", 64))) }, vault.ErrRootKeyMalformed},
		"cut short":               {func(t *testing.T, p place) { write(t, p.key, []byte("hub-root-key-1 00ff\n")) }, vault.ErrRootKeyMalformed},
		"something else entirely": {func(t *testing.T, p place) { write(t, p.key, bytes.Repeat([]byte("x"), 80)) }, vault.ErrRootKeyMalformed},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			shut(t, p.open(t))
			test.do(t, p)
			_, err := vault.Open(t.Context(), p.config())
			if !errors.Is(err, test.want) {
				t.Errorf("open = %v, want %v", err, test.want)
			}
		})
	}
}

func TestRootKeySurvivesAnEditorsLineEnd(t *testing.T) {
	p := newPlace(t)
	shut(t, p.open(t))
	text, err := os.ReadFile(p.key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, p.key, append(bytes.TrimSpace(text), "\r\n"...))
	p.open(t)
}

func TestFileThatIsNoVaultIsRefused(t *testing.T) {
	tests := map[string]struct {
		do   func(t *testing.T, p place)
		want error
	}{
		"text": {func(t *testing.T, p place) {
			write(t, filepath.Join(p.dir, "vault.db"), bytes.Repeat([]byte("not a database "), 1000))
		}, vault.ErrCorrupt},
		"another program's database": {func(t *testing.T, p place) {
			remove(t, filepath.Join(p.dir, "vault.db"))
			exec1(t, p, "CREATE TABLE t (x)")
		}, vault.ErrForeign},
		"a newer version": {func(t *testing.T, p place) { exec1(t, p, "PRAGMA user_version = 99") }, vault.ErrForeign},
		"first page overwritten": {func(t *testing.T, p place) {
			b, err := os.ReadFile(filepath.Join(p.dir, "vault.db"))
			if err != nil {
				t.Fatal(err)
			}
			clear(b[100:4096])
			write(t, filepath.Join(p.dir, "vault.db"), b)
		}, vault.ErrCorrupt},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			shut(t, p.open(t))
			test.do(t, p)
			_, err := vault.Open(t.Context(), p.config())
			if !errors.Is(err, test.want) {
				t.Errorf("open = %v, want %v", err, test.want)
			}
		})
	}
}

func TestVaultHalfMadeByACrashIsMadeAgain(t *testing.T) {
	p := newPlace(t)
	if err := os.MkdirAll(p.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(p.dir, "vault.db"), nil)
	v := p.open(t)
	open(t, v, mint(t, v, request(subject(1)))[0].KID)
}

func TestFullDiskIsSaidPlainlyAndLosesNoKey(t *testing.T) {
	p := newPlace(t)
	if err := os.Mkdir(p.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", p.dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("a small disk cannot be mounted here: %v", err)
	}
	v := p.open(t)
	t.Cleanup(func() {
		shut(t, v)
		_ = syscall.Unmount(p.dir, 0)
	})
	var kids []events.KID
	var err error
	for err == nil {
		var keys []vault.Key
		keys, err = v.Mint(t.Context(), v.Begin(), requests(100, subject(1)))
		kids = append(kids, names(keys)...)
	}
	if !errors.Is(err, vault.ErrDiskFull) {
		t.Fatalf("mint = %v, want ErrDiskFull", err)
	}
	if err := syscall.Mount("tmpfs", p.dir, "tmpfs", syscall.MS_REMOUNT, "size=8m"); err != nil {
		t.Fatal(err)
	}
	kids = append(kids, names(mint(t, v, requests(100, subject(1))...))...)
	for _, r := range open(t, v, kids...) {
		if r.State != events.Plain {
			t.Fatalf("a key is %v", r.State)
		}
	}
	all, err := v.KeysOf(t.Context(), subject(1))
	if err != nil || len(all) != len(kids) {
		t.Errorf("%d keys are in the vault (%v), want %d", len(all), err, len(kids))
	}
}

func TestClosedVaultRefusesAndClosesTwice(t *testing.T) {
	v := newPlace(t).open(t)
	kid := mint(t, v, request(subject(1)))[0].KID
	open(t, v, kid)
	shut(t, v)
	shut(t, v)
	if _, err := v.Mint(t.Context(), v.Begin(), requests(1, subject(1))); !errors.Is(err, vault.ErrClosed) {
		t.Errorf("mint = %v, want ErrClosed", err)
	}
	if _, err := v.Keys(t.Context(), agent, []events.KID{kid}); !errors.Is(err, vault.ErrClosed) {
		t.Errorf("keys = %v, want ErrClosed", err)
	}
}

func TestFilesAreForTheOwnerAlone(t *testing.T) {
	p := newPlace(t)
	if err := os.Mkdir(p.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	v := p.open(t)
	mint(t, v, request(subject(1)))
	for name := range p.files(t) {
		info, err := os.Stat(filepath.Join(p.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %o", name, info.Mode().Perm())
		}
	}
}

func TestBackupOpensWithTheSameRootKey(t *testing.T) {
	p, q := newPlace(t), newPlace(t)
	v := p.open(t)
	kids := names(mint(t, v, requests(50, subject(1))...))
	if err := os.MkdirAll(q.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(q.dir, "vault.db")
	if err := v.Backup(t.Context(), copied); err != nil {
		t.Fatal(err)
	}
	if err := v.Backup(t.Context(), copied); !errors.Is(err, os.ErrExist) {
		t.Errorf("backup over a file = %v, want ErrExist", err)
	}
	if info, err := os.Stat(copied); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode of the copy = %v, %v", info.Mode(), err)
	}
	destroy(t, v, kids[0])
	copyFile(t, p.key, q.key)
	if err := os.Chmod(q.key, 0o600); err != nil {
		t.Fatal(err)
	}
	w := q.open(t)
	for _, r := range open(t, w, kids...) {
		if r.State != events.Plain {
			t.Fatalf("a key in the copy is %v", r.State)
		}
	}
	destroy(t, w, kids[0])
}

func TestSecretsAndHashesOutliveARestart(t *testing.T) {
	p := newPlace(t)
	v := p.open(t)
	secret, hash := v.Secret("reply"), v.Hash("message-id", "a@b", "c")
	if bytes.Equal(secret, v.Secret("bounce")) || len(secret) != 32 {
		t.Error("secrets of two names are equal, or not 32 bytes")
	}
	if hash == v.Hash("message-id", "a@bc") || hash == v.Hash("content", "a@b", "c") || len(hash) != 32 {
		t.Error("hashes of different parts or domains are equal, or not 32 digits")
	}
	shut(t, v)
	v = p.open(t)
	if !bytes.Equal(secret, v.Secret("reply")) || hash != v.Hash("message-id", "a@b", "c") {
		t.Error("a secret or a hash changed with a restart")
	}
	if other := newPlace(t).open(t); other.Hash("message-id", "a@b", "c") == hash {
		t.Error("two instances give the same hash")
	}
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	write(t, to, b)
}

func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func exec1(t *testing.T, p place, query string) {
	t.Helper()
	db := p.sql(t)
	execSQL(t, db, query)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}
