package vault_test

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/vault"
)

// TestRootKeyIsReplacedAndForgotten: the vault goes on, backups live as long as
// their root key stands in the file, and not longer.
//
// clause: S4
func TestRootKeyIsReplacedAndForgotten(t *testing.T) {
	p, c := newPlace(t), newClock()
	cfg := p.config()
	cfg.Now = c.now
	v := openWith(t, cfg)
	keys := mint(t, v, requests(3, subject(1))...)
	secret, hash := v.Secret("x"), v.Hash("message-id", "a")
	backup := filepath.Join(t.TempDir(), "backup.db")
	if err := v.Backup(t.Context(), backup); err != nil {
		t.Fatal(err)
	}
	first, err := os.ReadFile(p.key)
	if err != nil {
		t.Fatal(err)
	}
	c.at = c.at.Add(time.Hour)
	if err := v.RotateRoot(t.Context()); err != nil {
		t.Fatal(err)
	}
	keys = append(keys, mint(t, v, requests(1, subject(1))...)...)
	if _, err := v.SealEpoch(t.Context()); err != nil {
		t.Fatal(err)
	}
	check := func() {
		t.Helper()
		for i, r := range open(t, v, names(keys)...) {
			if r.State != events.Plain || r.DEK != keys[i].DEK {
				t.Fatalf("key %d is %v", i, r.State)
			}
		}
		if !bytes.Equal(v.Secret("x"), secret) || v.Hash("message-id", "a") != hash {
			t.Error("the secrets changed")
		}
	}
	check()
	shut(t, v)
	if b, err := os.ReadFile(p.key); err != nil || bytes.HasPrefix(b, first[:79]) || bytes.Count(b, []byte("\n")) != 2 {
		t.Fatalf("the key file was not replaced: %d lines (%v)", bytes.Count(b, []byte("\n")), err)
	}
	v = openWith(t, cfg)
	check()

	restored := place{dir: filepath.Join(t.TempDir(), "vault"), key: p.key}
	mkdir(t, restored.dir)
	copyFile(t, backup, filepath.Join(restored.dir, "vault.db"))
	w, err := vault.Open(t.Context(), restored.config())
	if err != nil {
		t.Fatalf("a backup under the earlier root key: %v", err)
	}
	shut(t, w)
	for _, step := range []struct {
		before time.Time
		want   int
	}{{c.at, 0}, {c.at.Add(time.Second), 1}, {c.at.AddDate(1, 0, 0), 0}} {
		if n, err := v.ForgetRoots(t.Context(), step.before); err != nil || n != step.want {
			t.Fatalf("forgot %d roots (%v), want %d", n, err, step.want)
		}
	}
	check()
	if _, err := vault.Open(t.Context(), restored.config()); !errors.Is(err, vault.ErrRootKeyWrong) {
		t.Errorf("a backup under a forgotten root key: %v, want ErrRootKeyWrong", err)
	}
}

// TestRotationCutShortLeavesTheOldRootKey: the file has the new key already, the
// vault is still wrapped under the old one.
//
// clause: S4
func TestRotationCutShortLeavesTheOldRootKey(t *testing.T) {
	p := newPlace(t)
	v := p.open(t)
	key := mint(t, v, request(subject(1)))[0]
	shut(t, v)
	old, err := os.ReadFile(p.key)
	if err != nil {
		t.Fatal(err)
	}
	line := strings.TrimSpace(string(old)) + " 2026-11-22T10:00:00Z\n"
	write(t, p.key, []byte("hub-root-key-1 "+strings.Repeat("ab", 32)+"\n"+line))
	v = p.open(t)
	// The root key in use may look older than the horizon, and stays.
	if n, err := v.ForgetRoots(t.Context(), time.Now().AddDate(10, 0, 0)); err != nil || n != 0 {
		t.Fatalf("forgot %d roots (%v), the one in use among them", n, err)
	}
	if err := v.RotateRoot(t.Context()); err != nil {
		t.Fatal(err)
	}
	shut(t, v)
	v = p.open(t)
	if n, err := v.ForgetRoots(t.Context(), time.Now().AddDate(10, 0, 0)); err != nil || n != 2 {
		t.Fatalf("forgot %d roots (%v), want 2", n, err)
	}
	if r := open(t, v, key.KID)[0]; r.State != events.Plain || r.DEK != key.DEK {
		t.Errorf("the key is %v", r.State)
	}
}

// TestKeyManagementServiceKeepsTheRootKey: the file alone opens nothing, and a
// root key in the clear moves behind the service by rotation.
//
// clause: S4
func TestKeyManagementServiceKeepsTheRootKey(t *testing.T) {
	p := newPlace(t)
	v := p.open(t)
	key := mint(t, v, request(subject(1)))[0]
	shut(t, v)
	away := false
	flip := func(_ context.Context, b []byte) ([]byte, error) {
		if away {
			return nil, errors.New("the service is away")
		}
		out := bytes.Clone(b)
		for i := range out {
			out[i] ^= 0x5a
		}
		return out, nil
	}
	cfg := p.config()
	cfg.RootSeal, cfg.RootOpen = flip, flip
	v = openWith(t, cfg)
	if err := v.RotateRoot(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, err := v.ForgetRoots(t.Context(), time.Now().Add(time.Hour)); err != nil || n != 1 {
		t.Fatalf("forgot %d (%v)", n, err)
	}
	shut(t, v)
	if b, err := os.ReadFile(p.key); err != nil || bytes.Contains(b, []byte("hub-root-key-1")) {
		t.Errorf("a root key is still in the clear (%v)", err)
	}
	if _, err := vault.Open(t.Context(), p.config()); !errors.Is(err, vault.ErrRootKeySealed) {
		t.Errorf("without the service: %v, want ErrRootKeySealed", err)
	}
	away = true
	if _, err := vault.Open(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "key management service") {
		t.Errorf("with the service away: %v", err)
	}
	away = false
	v = openWith(t, cfg)
	if r := open(t, v, key.KID)[0]; r.State != events.Plain || r.DEK != key.DEK {
		t.Errorf("the key is %v", r.State)
	}
}

// TestNothingThatSurvivesOpensAnErasedKey is acceptance test 10: after erasure, a
// new epoch, a new root and the horizon, every file there ever was (database,
// log, backups) is tried with every root key that survives, byte by byte.
//
// clause: S4
func TestNothingThatSurvivesOpensAnErasedKey(t *testing.T) {
	p := newPlace(t)
	v := p.open(t)
	kids := names(mint(t, v, requests(8, subject(1))...))
	var files [][]byte
	collect := func() {
		for name, b := range p.files(t) {
			if strings.HasPrefix(name, "vault.db") && !strings.HasSuffix(name, "-shm") {
				files = append(files, b)
			}
		}
		path := filepath.Join(t.TempDir(), "backup.db")
		if err := v.Backup(t.Context(), path); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, b)
	}
	roots := func() [][]byte {
		t.Helper()
		text, err := os.ReadFile(p.key)
		if err != nil {
			t.Fatal(err)
		}
		var out [][]byte
		for line := range strings.Lines(string(text)) {
			key, err := hex.DecodeString(strings.Fields(line)[1])
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, key)
		}
		return out
	}
	collect()
	if n := brute(t, files, roots(), kids); n != len(kids) {
		t.Fatalf("before the erasure the search opens %d of %d keys, so it proves nothing", n, len(kids))
	}
	victims, living := kids[:5], kids[5:]
	destroy(t, v, victims...)
	collect()
	if _, err := v.SealEpoch(t.Context()); err != nil {
		t.Fatal(err)
	}
	collect()
	if err := v.RotateRoot(t.Context()); err != nil {
		t.Fatal(err)
	}
	collect()
	if n := brute(t, files, roots(), victims); n != len(victims) {
		t.Fatalf("within the horizon %d of %d keys open from backups, so the horizon proves nothing", n, len(victims))
	}
	if n, err := v.ForgetRoots(t.Context(), time.Now().Add(time.Hour)); err != nil || n != 1 {
		t.Fatalf("forgot %d roots (%v)", n, err)
	}
	collect()
	if n := brute(t, files, roots(), victims); n != 0 {
		t.Errorf("%d erased keys open with what survives", n)
	}
	if n := brute(t, files, roots(), living); n != len(living) {
		t.Errorf("%d of %d living keys open: the search is blind", n, len(living))
	}
}

// brute opens what it can of the named keys: every 60 bytes of every file as a
// wrapped epoch under every root, then as a wrapped key under every epoch.
func brute(t *testing.T, files, roots [][]byte, kids []events.KID) int {
	t.Helper()
	const size = 60
	// A wrapped key may stand at any offset; its bytes are random, so what holds
	// more than four zeros is none (once in 200,000 keys). The same bytes in
	// several files count once.
	seen := map[[size]byte]bool{}
	var windows [][]byte
	for _, f := range files {
		for i := 0; i+size <= len(f); i++ {
			w := f[i : i+size]
			if bytes.Count(w, []byte{0}) > 4 || seen[[size]byte(w)] {
				continue
			}
			seen[[size]byte(w)] = true
			windows = append(windows, w)
		}
	}
	try := func(key, aad []byte) []byte {
		block, err := aes.NewCipher(key)
		if err != nil {
			t.Fatal(err)
		}
		gcm, err := cipher.NewGCM(block)
		if err != nil {
			t.Fatal(err)
		}
		space := make([]byte, 0, 64)
		for _, w := range windows {
			if plain, err := gcm.Open(space, w[:12], w[12:], aad); err == nil {
				return bytes.Clone(plain)
			}
		}
		return nil
	}
	var keks [][]byte
	for _, root := range roots {
		for epoch := range 4 {
			if kek := try(root, fmt.Appendf(nil, "ws-kek-1:%d", epoch)); kek != nil {
				keks = append(keks, kek)
			}
		}
	}
	found := 0
	for _, kid := range kids {
		aad, err := hex.DecodeString(string(kid))
		if err != nil {
			t.Fatal(err)
		}
		for _, kek := range keks {
			if try(kek, aad) != nil {
				found++
				break
			}
		}
	}
	return found
}
