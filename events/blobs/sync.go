package blobs

import (
	"errors"
	"os"
	"sync"
)

// syncer makes folders durable. Callers that come while a folder is being
// synced share the next sync of it: the running one may have begun too early
// for them.
type syncer struct {
	mu   sync.Mutex
	dirs map[string]*dirSync // at most 256, one for each folder
}

type dirSync struct {
	running sync.Mutex // held by whoever syncs the folder
	next    *round     // the sync that newcomers wait for; nil: none waits
}

// round is one sync. It is guarded by dirSync.running.
type round struct {
	done bool
	err  error
}

func newSyncer() *syncer { return &syncer{dirs: map[string]*dirSync{}} }

// sync returns when a sync of the folder that began after the call is done.
func (s *syncer) sync(dir string) error {
	d, mine := s.join(dir)
	d.running.Lock()
	defer d.running.Unlock()
	if !mine.done {
		s.mu.Lock()
		d.next = nil // who comes from here on is too late for this sync
		s.mu.Unlock()
		mine.err, mine.done = syncDir(dir), true
	}
	return mine.err
}

func (s *syncer) join(dir string) (*dirSync, *round) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.dirs[dir]
	if d == nil {
		d = &dirSync{}
		s.dirs[dir] = d
	}
	if d.next == nil {
		d.next = &round{}
	}
	return d, d.next
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
