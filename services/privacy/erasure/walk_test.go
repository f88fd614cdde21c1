package erasure_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/events/vault"
	"github.com/westshore/hub/services/privacy/erasure"
)

// walker drives a real office, ledger and vault through the steps of the model.
type walker struct {
	*bare
	t       *testing.T
	dir     string
	saved   string // the backup
	request events.RequestID
	who     events.SubjectID
	streams [2]events.Stream
	kids    [2]events.KID
	unit    context.Context // of the late writer
	hold    events.UUID
	passed  []string
}

func newWalker(t *testing.T) *walker {
	t.Helper()
	w := &walker{t: t, dir: t.TempDir(), saved: filepath.Join(t.TempDir(), "vault.db")}
	w.open()
	t.Cleanup(func() { check(t, w.close()) })
	check(t, w.ledger.Admit(t.Context()))
	who, err := w.vault.Subjects(t.Context(), []string{ada.Address})
	check(t, err)
	w.who = who[0]
	for k := range w.streams {
		w.streams[k] = events.TicketStream(events.TicketID(events.NewUUID().String()))
	}
	check(t, w.write(w.sealer.Begin(t.Context()), 0))
	w.request, err = w.office.Open(t.Context(), w.by(), erasure.Opening{Customer: w.who, Channel: "shell", Verified: true})
	check(t, err)
	_, _, err = w.office.Advance(t.Context(), w.request)
	check(t, err)
	return w
}

// open opens the folder, with the gate shut: Admit is a step of its own.
func (w *walker) open() {
	w.t.Helper()
	b, err := openBare(w.t.Context(), w.dir, false)
	check(w.t, err)
	w.bare = b
}

func (w *walker) by() journal.By {
	return journal.By{Command: events.NewUUID(), Actor: "system:test"}
}

// write seals one segment of the person with a key of its own.
func (w *walker) write(ctx context.Context, k int) error {
	note := events.NoteAdded{Message: "1", Agent: "1", Customer: w.who, Note: events.Seal(events.Answer{Text: "one of two texts of the model"})}
	if _, err := w.Append(ctx, w.streams[k], events.NoStream, w.by(), note); err != nil {
		return err
	}
	history, err := w.Load(w.t.Context(), w.streams[k], nil)
	if err == nil {
		w.kids[k] = history[0].Meta.Segments[0].KID
	}
	return err
}

var errThere = errors.New("there")

// advance takes the saga up to a point.
func (w *walker) advance(point string) error {
	w.office.StopAt(func(at string) error {
		if at == point {
			return errThere
		}
		return nil
	})
	_, _, err := w.office.Advance(w.t.Context(), w.request)
	switch {
	case errors.Is(err, errThere):
		return nil
	case err == nil && point != "":
		return fmt.Errorf("the saga went past %q", point)
	}
	return err
}

// take does what a step of the model means.
func (w *walker) take(name string) error {
	ctx := w.t.Context()
	switch name {
	case "approve":
		s, err := w.office.Get(ctx, w.request)
		if err != nil {
			return err
		}
		return w.office.Approve(ctx, w.by(), w.request, s.Scope.Digest)
	case "withdraw":
		return w.office.Withdraw(ctx, w.by(), w.request)
	case "fence", "destroy", "drain", "complete":
		return w.advance(name + ":after")
	case "certify":
		return w.advance("")
	case "intend": // is one with "destroy": what lies between is TestErasureSurvivesBeingKilledAnywhere's
		return nil
	case "hold":
		w.hold = events.NewUUID()
		_, err := w.ledger.Hold(ctx, vault.HoldOrder{ID: w.hold, Authority: "court", Subjects: []events.SubjectID{w.who}})
		return err
	case "release":
		_, err := w.ledger.Release(ctx, w.hold)
		return err
	case "sweep":
		_, err := w.ledger.Destroy(ctx, events.NewUUID(), vault.CauseRetention, time.Time{}, []erasure.Target{{KID: w.kids[0], Stream: w.streams[0]}})
		return err
	case "begin":
		w.unit = w.sealer.Begin(ctx)
		return nil
	case "write":
		return w.write(w.unit, 1)
	case "refuse":
		if err := w.write(w.unit, 1); !errors.Is(err, vault.ErrFenced) {
			return fmt.Errorf("a late writer got %w, want ErrFenced", err)
		}
		return nil
	case "cache":
		return w.read()
	case "backup":
		return w.vault.Backup(ctx, w.saved)
	case "restore":
		return w.restore()
	case "admit":
		return w.ledger.Admit(ctx)
	}
	return fmt.Errorf("the walker does not know the step %q", name)
}

// read opens everything, as an agent does.
func (w *walker) read() error {
	for _, stream := range w.streams {
		if _, err := w.Load(w.t.Context(), stream, &agent); err != nil {
			var missing *vault.KeyMissingError
			if !errors.As(err, &missing) { // younger than the backup, and nobody knows of it
				return err
			}
		}
	}
	return nil
}

// restore puts the vault of the backup in the place of the one that is there.
func (w *walker) restore() error {
	if err := w.close(); err != nil {
		return err
	}
	saved, err := os.ReadFile(w.saved)
	if err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(w.dir, "vault", "vault.db*"))
	for _, f := range files {
		err = errors.Join(err, os.Remove(f))
	}
	if err = errors.Join(err, os.WriteFile(filepath.Join(w.dir, "vault", "vault.db"), saved, 0o600)); err != nil {
		return err
	}
	w.open()
	return nil
}

// phases are where a request stands when the model's saga is somewhere.
var phases = map[uint8]erasure.Phase{
	waiting: erasure.Approving, approved: erasure.Working, walled: erasure.Working, intended: erasure.Working, destroyed: erasure.Working,
	drained: erasure.Working, done: erasure.Horizon, parked: erasure.Deferred, withdrawn: erasure.Withdrawn,
}

// agrees says what in the real house is not as the model has it.
func (w *walker) agrees(m world) error {
	ctx := w.t.Context()
	if w.vault.Gated() != m.gated {
		return fmt.Errorf("gated %t, want %t", w.vault.Gated(), m.gated)
	}
	infos, err := w.vault.SubjectKeys(ctx, w.who)
	if err != nil {
		return err
	}
	tombs, err := w.vault.Tombs(ctx, slices.DeleteFunc(slices.Clone(w.kids[:]), func(k events.KID) bool { return k == "" }))
	if err != nil {
		return err
	}
	for k, kid := range w.kids {
		state := none
		if _, gone := tombs[kid]; gone {
			state = dead
		}
		for _, i := range infos {
			if i.KID == kid && state == dead {
				return fmt.Errorf("key %d is alive and has a tombstone", k)
			}
			if i.KID == kid && i.State == vault.Deferred {
				state = deferred
			} else if i.KID == kid {
				state = live
			}
		}
		if state != int(m.key[k]) {
			return fmt.Errorf("key %d is %d, want %d", k, state, m.key[k])
		}
	}
	if m.gated {
		return nil
	}
	s, err := w.office.Get(ctx, w.request)
	if err != nil {
		return err
	}
	if phase := phases[m.saga]; s.Phase() != phase {
		return fmt.Errorf("the request is %s, want %s", s.Phase(), phase)
	}
	_, known, err := w.vault.Lookup(ctx, ada.Address)
	if err == nil && known != m.known {
		err = fmt.Errorf("the address resolves: %t, want %t", known, m.known)
	}
	if err != nil {
		return err
	}
	return w.unreadable(m)
}

// unreadable holds what the model promises: nothing dead is read, through caches
// or not.
func (w *walker) unreadable(m world) error {
	for k, stream := range w.streams {
		if m.key[k] != dead {
			continue
		}
		history, err := w.Load(w.t.Context(), stream, &agent)
		if err != nil {
			return err
		}
		if len(history) == 0 {
			continue
		}
		if e := history[0].Event.(events.NoteAdded); e.Note.State() != events.Erased {
			return fmt.Errorf("what key %d sealed is %s", k, e.Note.State())
		}
	}
	return nil
}

// TestTheHouseWalksAsTheModel is acceptance test 34 on the real engine: walks
// through the model are walked by an office, a ledger and a vault on a disk, with
// holds, sweeps, a late writer, backups and restores; after every step the house is
// in the state that the model names.
//
// clause: 3.2 S4
func TestTheHouseWalksAsTheModel(t *testing.T) {
	t.Parallel()
	const walks, length = 24, 22
	var mu sync.Mutex
	walked := map[string]int{}
	t.Run("walks", func(t *testing.T) {
		for seed := range uint64(walks) {
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				t.Parallel()
				w, m, r := newWalker(t), start, rand.New(rand.NewPCG(seed, 34))
				check(t, w.agrees(m))
				for range length {
					edges := slices.DeleteFunc(m.next(flaws{}), func(e edge) bool { return m.saga == intended && e.name != "destroy" })
					if len(edges) == 0 {
						break
					}
					e := edges[r.IntN(len(edges))]
					w.passed = append(w.passed, e.name)
					if err := w.take(e.name); err != nil {
						t.Fatalf("%v: %v", w.passed, err)
					}
					if m = e.to; m.broken() != "" {
						t.Fatalf("%v: the model breaks: %s", w.passed, m.broken())
					}
					if err := w.agrees(m); err != nil {
						t.Fatalf("%v: %v", w.passed, err)
					}
				}
				mu.Lock()
				defer mu.Unlock()
				for _, name := range w.passed {
					walked[name]++
				}
			})
		}
	})
	for _, name := range []string{"approve", "withdraw", "fence", "destroy", "drain", "certify", "complete", "hold", "release", "sweep", "begin", "write", "refuse", "cache", "backup", "restore", "admit"} {
		if walked[name] == 0 {
			t.Errorf("no walk has the step %q", name)
		}
	}
	t.Log(walked)
}
