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
	dirs map[string]*dirSync
}

// dirSync is a folder somebody waits for.
type dirSync struct {
	running bool
	next    *round // the sync that newcomers wait for; nil: none is wanted
}

type round struct {
	done chan struct{}
	err  error
}

func newSyncer() *syncer { return &syncer{dirs: map[string]*dirSync{}} }

// sync returns when a sync of the folder that began after the call is done.
func (s *syncer) sync(dir string) error {
	s.mu.Lock()
	d := s.dirs[dir]
	if d == nil {
		d = &dirSync{}
		s.dirs[dir] = d
	}
	if d.next == nil {
		d.next = &round{done: make(chan struct{})}
	}
	mine := d.next
	if d.running {
		s.mu.Unlock()
		<-mine.done
		return mine.err
	}
	d.running = true
	for d.next != nil {
		r := d.next
		d.next = nil
		s.mu.Unlock()
		r.err = syncDir(dir)
		close(r.done)
		s.mu.Lock()
	}
	delete(s.dirs, dir)
	s.mu.Unlock()
	return mine.err
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
