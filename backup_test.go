package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/services/accounts"
	"github.com/westshore/hub/services/recorder"
)

// houseAt builds a house in a folder; close it before the folder is used again.
func houseAt(t *testing.T, dir string) *house {
	t.Helper()
	cfg := defaults()
	cfg.Data = dir
	if err := cfg.finish(); err != nil {
		t.Fatal(err)
	}
	h, err := build(t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.close)
	return h
}

// inquiryFrom is what a door takes in.
func inquiryFrom(n int) events.InquiryReceived {
	id := events.DeriveUUID("backup-test", fmt.Sprint(n)).String()
	return events.InquiryReceived{
		Inquiry: events.InquiryID(id), Channel: events.Form, Form: "contact", ArrivedAt: time.Unix(1_800_000_000, 0).UTC(),
		Customer: events.SubjectID(id), Class: events.MailHuman,
		Contact: events.Seal(events.Address{Name: "A", Address: fmt.Sprintf("c%d@customer.test", n)}),
		Letter:  events.Seal(events.Letter{Subject: "s", Text: "t", QuoteFrom: -1}),
	}
}

// inquiriesIn counts the inquiries of a house's log that can be opened.
func inquiriesIn(t *testing.T, h *house) map[events.InquiryID]bool {
	t.Helper()
	found := map[events.InquiryID]bool{}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	as := events.Principal{Actor: "system:test", Role: events.RoleAgent, Purpose: events.PurposeSupport}
	_ = h.journal.Subscribe(ctx, journal.Reading{Principal: &as}, func(_ context.Context, b journal.Batch) error {
		for _, r := range b.Events {
			if e, ok := r.Event.(events.InquiryReceived); ok && e.Letter.Value().Text == "t" {
				found[e.Inquiry] = true
			}
		}
		if b.Live {
			cancel()
		}
		return nil
	})
	return found
}

// TestBackupUnderLoad backs a house up while a door takes in and the recorder
// records, and restores it elsewhere: what was taken before is there and can be
// opened, accounts too, and the store is the same one.
func TestBackupUnderLoad(t *testing.T) {
	dir, to := t.TempDir(), filepath.Join(t.TempDir(), "backup")
	h := houseAt(t, dir)
	if _, err := h.accounts.Add(t.Context(), "system:test", accounts.New{Name: "Anna", Email: "anna@hub.test", Role: events.RoleAdmin, Password: newPassword()}); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var loops sync.WaitGroup
	loops.Go(func() {
		_ = recorder.New(recorder.Config{Bus: h.bus, Journal: h.journal, Logger: h.log}).Run(ctx)
	})
	taken := make(chan int, 1000)
	loops.Go(func() {
		defer close(taken)
		for n := 0; n < cap(taken) && ctx.Err() == nil; n++ {
			if err := h.take(t.Context(), []events.InquiryReceived{inquiryFrom(n)}); err != nil {
				t.Errorf("take: %v", err)
				return
			}
			taken <- n
		}
	})
	before := 0
	for ; before < 20; before++ {
		<-taken
	}
	var said bytes.Buffer
	if err := h.backup(t.Context(), []string{to}, &said); err != nil {
		t.Fatal(err)
	}
	stop()
	loops.Wait()
	identity, err := h.journal.Identity(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	key, err := os.ReadFile(h.cfg.Vault.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	h.close()
	if _, err := os.Stat(filepath.Join(to, "rest", "root.key")); err == nil || strings.Contains(said.String(), string(key)) {
		t.Error("the root key is in the backup")
	}

	cfg := defaults()
	cfg.Data = t.TempDir()
	if err := cfg.finish(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(cfg.Vault.KeyFile, key, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := restore(cfg, to, &said); err != nil {
		t.Fatal(err)
	}
	again := houseAt(t, cfg.Data)
	if id, err := again.journal.Identity(t.Context()); err != nil || id != identity {
		t.Errorf("store %s, want %s, %v", id, identity, err)
	}
	if list, err := again.accounts.List(t.Context()); err != nil || len(list) != 1 || list[0].Email != "anna@hub.test" {
		t.Errorf("accounts: %v, %v", list, err)
	}
	found := inquiriesIn(t, again)
	for n := range before {
		if !found[inquiryFrom(n).Inquiry] {
			t.Errorf("inquiry %d was taken before the backup and is not in it", n)
		}
	}
}

// TestRestoreRefuses: a folder with data, a damaged backup, an interrupted one.
// Nothing is left behind.
func TestRestoreRefuses(t *testing.T) {
	dir, to := t.TempDir(), filepath.Join(t.TempDir(), "backup")
	h := houseAt(t, dir)
	if err := h.backup(t.Context(), []string{to}, &bytes.Buffer{}); err != nil {
		t.Fatal(err)
	}
	if err := h.backup(t.Context(), []string{to}, &bytes.Buffer{}); err == nil {
		t.Error("backed up over a backup")
	}
	h.close()
	try := func(data, want string) {
		t.Helper()
		cfg := defaults()
		cfg.Data = data
		if err := cfg.finish(); err != nil {
			t.Fatal(err)
		}
		if err := restore(cfg, to, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	try(dir, "is not empty")
	damage := filepath.Join(to, "vault", "vault.db")
	doc, err := os.ReadFile(damage)
	if err != nil {
		t.Fatal(err)
	}
	doc[len(doc)/2]++
	if err := os.WriteFile(damage, doc, 0o600); err != nil {
		t.Fatal(err)
	}
	empty := t.TempDir()
	try(empty, "is not what was backed up")
	if left, err := os.ReadDir(empty); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if err := os.Remove(damage); err != nil {
		t.Fatal(err)
	}
	try(empty, "1 files are missing")
	if err := os.Remove(filepath.Join(to, backupManifest)); err != nil {
		t.Fatal(err)
	}
	try(empty, "no backup")
}
