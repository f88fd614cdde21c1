package vault

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/westshore/hub/events"
)

// The tests in this file stage, step by step, races that a test from outside
// meets only by luck.

func openInside(t *testing.T) *Vault {
	t.Helper()
	dir := t.TempDir()
	v, err := Open(t.Context(), Config{Dir: filepath.Join(dir, "vault"), KeyFile: filepath.Join(dir, "key"), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := v.Close(); err != nil {
			t.Error(err)
		}
	})
	return v
}

func someRequest() Request {
	return Request{
		Event: events.NewUUID(), Stream: "ticket-1", Subject: "000000000000000000000000000000aa",
		Category: events.Communication, Class: events.ClassComm,
	}
}

func TestKeyReadBeforeAnErasureDoesNotEnterTheCacheAfterIt(t *testing.T) {
	c, now := newCache(10), time.Now()
	kid := events.KID("000000000000000000000000000000aa")
	gen, _ := c.find([]events.KID{kid}, now, nil)
	c.invalidate([]events.KID{kid}) // the erasure, after the read and before add
	c.add(gen, []*cached{{kid: kid, read: now}})
	if c.len() != 0 {
		t.Error("an erased key is in the cache")
	}
}

// TestUnitBegunWhileTheFenceIsWrittenFallsBehindIt begins a unit between the
// fence's statement and its commit, when the old identity can still be read.
func TestUnitBegunWhileTheFenceIsWrittenFallsBehindIt(t *testing.T) {
	v := openInside(t)
	r := someRequest()
	release, blocked := make(chan struct{}), make(chan struct{})
	errs := make(chan error, 3)
	go func() {
		errs <- v.w.do(t.Context(), &job{alone: true, run: func(context.Context, *writer) error {
			close(blocked)
			<-release
			return nil
		}})
	}()
	<-blocked
	go func() { errs <- v.Fence(t.Context(), r.Subject) }()
	for len(v.w.jobs) < 1 {
		runtime.Gosched()
	}
	var u UnitOfWork
	go func() {
		errs <- v.w.do(t.Context(), &job{run: func(context.Context, *writer) error {
			u = v.Begin()
			return nil
		}})
	}()
	for len(v.w.jobs) < 2 {
		runtime.Gosched()
	}
	close(release) // both run in one transaction, the fence first
	for range 3 {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
	if _, err := v.Mint(t.Context(), u, []Request{r}); !errors.Is(err, ErrFenced) {
		t.Errorf("mint = %v, want ErrFenced", err)
	}
	if _, err := v.Mint(t.Context(), v.Begin(), []Request{r}); err != nil {
		t.Errorf("mint in a unit begun after the fence = %v", err)
	}
}

func TestKeyWrappedBeforeAnEpochEndedIsWrappedAnew(t *testing.T) {
	v := openInside(t)
	r := someRequest()
	row := minted{req: &r, kid: newKID(v.now()), dek: &[keySize]byte{1, 2, 3}, epoch: v.keks.Load().current}
	row.wrapped = wrap(nil, v.keks.Load().aead[row.epoch], row.dek[:], row.kid[:])
	if _, err := v.SealEpoch(t.Context()); err != nil {
		t.Fatal(err)
	}
	rows := []minted{row}
	v.catchUp(rows)
	var dek [keySize]byte
	set := v.keks.Load()
	if rows[0].epoch != set.current || !unwrap(dek[:], set.aead[set.current], rows[0].wrapped, row.kid[:]) || dek != *row.dek {
		t.Error("the key would be written under an epoch that is gone")
	}
}

// TestHoldPlacedInTheTransactionOfAMintCoversIt: the hold's scan ran before the
// key was there, and its memory was not committed yet.
func TestHoldPlacedInTheTransactionOfAMintCoversIt(t *testing.T) {
	v := openInside(t)
	r := someRequest()
	release, blocked := make(chan struct{}), make(chan struct{})
	errs, keys := make(chan error, 3), make(chan []Key, 1)
	go func() {
		errs <- v.w.do(t.Context(), &job{alone: true, run: func(context.Context, *writer) error {
			close(blocked)
			<-release
			return nil
		}})
	}()
	<-blocked
	go func() {
		_, err := v.Hold(t.Context(), HoldOrder{ID: events.NewUUID(), Authority: "case", Subjects: []events.SubjectID{r.Subject}})
		errs <- err
	}()
	for len(v.w.jobs) < 1 {
		runtime.Gosched()
	}
	go func() {
		k, err := v.Mint(t.Context(), v.Begin(), []Request{r})
		keys <- k
		errs <- err
	}()
	for len(v.w.jobs) < 2 {
		runtime.Gosched()
	}
	close(release)
	for range 3 {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
	k := <-keys
	d, err := v.Destroy(t.Context(), Order{ID: events.NewUUID(), Cause: CauseSubject}, []events.KID{k[0].KID})
	if err != nil || len(d.Deferred) != 1 {
		t.Errorf("destroy = %+v, %v; want the key deferred", d, err)
	}
}

// TestEndThatACrashCutShortIsDatedWhenToldAgain: the end of a process stands, but
// not all of its keys had their date yet.
//
// clause: 1.1
func TestEndThatACrashCutShortIsDatedWhenToldAgain(t *testing.T) {
	v := openInside(t)
	r := someRequest()
	rule := Rule{Class: r.Class, Anchor: AnchorProcess, Keep: Period{Months: 24}}
	if err := v.SetSchedule(t.Context(), Schedule{Version: 1, Rules: []Rule{rule}}); err != nil {
		t.Fatal(err)
	}
	keys, err := v.Mint(t.Context(), v.Begin(), []Request{r})
	if err != nil {
		t.Fatal(err)
	}
	closed := v.now().Truncate(time.Millisecond).UTC().Add(time.Hour)
	for _, crash := range []bool{false, true, false} {
		if crash { // what one that fell between two batches leaves behind
			if err := v.w.do(t.Context(), &job{run: func(ctx context.Context, w *writer) error {
				if _, err := w.exec(ctx, "UPDATE seg_key SET expires_at = NULL"); err != nil {
					return err
				}
				return setMark(ctx, w, markMoving+string(r.Stream), []byte{1})
			}}); err != nil {
				t.Fatal(err)
			}
		}
		if err := v.Move(t.Context(), Move{Ref: string(r.Stream), At: closed}); err != nil {
			t.Fatal(err)
		}
		ends, err := v.Expiries(t.Context(), []events.KID{keys[0].KID})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := ends[keys[0].KID], rule.Keep.After(closed); !got.Equal(want) {
			t.Errorf("crash %v: the key ends %s, want %s", crash, got, want)
		}
		if mark, err := readMark(t.Context(), v.r, markMoving+string(r.Stream)); err != nil || mark != nil {
			t.Errorf("crash %v: mark %v left behind, %v", crash, mark, err)
		}
	}
}
