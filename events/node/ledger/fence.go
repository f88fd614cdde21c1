package ledger

import (
	"errors"
	"fmt"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// fence is a file system that stops changing anything once the ledger failed.
// Pebble expects its process to end at a fatal error; ours goes on, so from that
// moment the disk must stay as a crash would have left it.
//
// What concerns the write-ahead log is hidden from Pebble altogether: it
// answers an error while it changes to a new log by a panic that holds locks and
// can't be recovered. The fence fails the ledger and lets Pebble believe that
// all went well; nobody else does, because every commit asks the ledger before
// it is acknowledged, and nothing is read from a failed one. An error of any
// other file goes to Pebble, which tries again or tells its logger.
type fence struct {
	vfs.FS
	down <-chan struct{}
	fail func(error) // brings the fence down
}

var errFenced = errors.New("the ledger failed, nothing is written any more")

func (f *fence) check() error {
	select {
	case <-f.down:
		return errFenced
	default:
		return nil
	}
}

// isWAL recognises the names of Pebble's write-ahead logs.
func isWAL(name string) bool { return strings.HasSuffix(name, ".log") }

// openWAL opens a write-ahead log for writing, or one that goes nowhere.
func (f *fence) openWAL(open func() (vfs.File, error)) (vfs.File, error) {
	if f.check() == nil {
		file, err := open()
		if err == nil {
			return &walFile{file, f}, nil
		}
		f.fail(fmt.Errorf("begin write-ahead log: %w", err))
	}
	return vfs.NewMem().Create("nowhere", vfs.WriteCategoryUnspecified)
}

// walFile hides the errors of a write-ahead log, or of a folder being synced,
// from Pebble.
type walFile struct {
	vfs.File
	fence *fence
}

// try does something unless the fence is down, and fails the ledger when it
// does not work.
func (f *walFile) try(what string, do func() error) {
	if f.fence.check() != nil {
		return
	}
	if err := do(); err != nil {
		f.fence.fail(fmt.Errorf("%s: %w", what, err))
	}
}

func (f *walFile) Write(p []byte) (int, error) {
	f.try("write log", func() error { _, err := f.File.Write(p); return err })
	return len(p), nil
}

func (f *walFile) WriteAt(p []byte, off int64) (int, error) {
	f.try("write log", func() error { _, err := f.File.WriteAt(p, off); return err })
	return len(p), nil
}

func (f *walFile) Preallocate(offset, length int64) error {
	f.try("grow log", func() error { return f.File.Preallocate(offset, length) })
	return nil
}

func (f *walFile) Sync() error {
	f.try("sync log", f.File.Sync)
	return nil
}

func (f *walFile) SyncTo(length int64) (full bool, err error) {
	f.try("sync log", func() error { full, err = f.File.SyncTo(length); return err })
	return full, nil
}

func (f *walFile) SyncData() error {
	f.try("sync log", f.File.SyncData)
	return nil
}

// Close closes the file also when the fence is down; nothing is written by that.
func (f *walFile) Close() error {
	if err := f.File.Close(); err != nil {
		f.fence.fail(fmt.Errorf("close log: %w", err))
	}
	return nil
}

// Unwrap returns the file system behind the fence.
func (f *fence) Unwrap() vfs.FS { return f.FS }

// Create makes a file, unless the fence is down.
func (f *fence) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if isWAL(name) {
		return f.openWAL(func() (vfs.File, error) { return f.FS.Create(name, c) })
	}
	if err := f.check(); err != nil {
		return nil, err
	}
	return f.wrap(f.FS.Create(name, c))
}

// OpenReadWrite opens a file for changing it, unless the fence is down.
func (f *fence) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	return f.wrap(f.FS.OpenReadWrite(name, c, o...))
}

// ReuseForWrite renames a file and opens it for changing it, unless the fence is down.
func (f *fence) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if isWAL(to) {
		return f.openWAL(func() (vfs.File, error) { return f.FS.ReuseForWrite(from, to, c) })
	}
	if err := f.check(); err != nil {
		return nil, err
	}
	return f.wrap(f.FS.ReuseForWrite(from, to, c))
}

// OpenDir opens a folder. Its sync is a part of beginning a write-ahead log.
func (f *fence) OpenDir(name string) (vfs.File, error) {
	dir, err := f.FS.OpenDir(name)
	if err != nil {
		return nil, err
	}
	return &walFile{dir, f}, nil
}

// Link makes a second name for a file, unless the fence is down.
func (f *fence) Link(from, to string) error {
	if err := f.check(); err != nil {
		return err
	}
	return f.FS.Link(from, to)
}

// Remove removes a file, unless the fence is down.
func (f *fence) Remove(name string) error {
	if err := f.check(); err != nil {
		return err
	}
	return f.FS.Remove(name)
}

// RemoveAll removes a folder, unless the fence is down.
func (f *fence) RemoveAll(name string) error {
	if err := f.check(); err != nil {
		return err
	}
	return f.FS.RemoveAll(name)
}

// Rename renames a file, unless the fence is down.
func (f *fence) Rename(from, to string) error {
	if err := f.check(); err != nil {
		return err
	}
	return f.FS.Rename(from, to)
}

func (f *fence) wrap(file vfs.File, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return &fencedFile{File: file, fence: f}, nil
}

// fencedFile is an open file behind the fence. Reads go on.
type fencedFile struct {
	vfs.File
	fence *fence
}

func (f *fencedFile) Write(p []byte) (int, error) {
	if err := f.fence.check(); err != nil {
		return 0, err
	}
	return f.File.Write(p)
}

func (f *fencedFile) WriteAt(p []byte, off int64) (int, error) {
	if err := f.fence.check(); err != nil {
		return 0, err
	}
	return f.File.WriteAt(p, off)
}

func (f *fencedFile) Preallocate(offset, length int64) error {
	if err := f.fence.check(); err != nil {
		return err
	}
	return f.File.Preallocate(offset, length)
}

func (f *fencedFile) Sync() error {
	if err := f.fence.check(); err != nil {
		return err
	}
	return f.File.Sync()
}

func (f *fencedFile) SyncTo(length int64) (bool, error) {
	if err := f.fence.check(); err != nil {
		return false, err
	}
	return f.File.SyncTo(length)
}

func (f *fencedFile) SyncData() error {
	if err := f.fence.check(); err != nil {
		return err
	}
	return f.File.SyncData()
}
