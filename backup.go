package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/bus"
)

// A backup is a folder:
//
//	backup.json     what is in it, with the size and SHA-256 of every file; written last
//	log/            the event node's folder, as of one moment
//	vault/vault.db  the keys of sealed segments, locked by the root key
//	blobs/          large sealed files
//	accounts.db     agents, sessions and tokens
//	rest/           small files of other rooms, as they lie in the data folder
//
// Keys are copied after the log, and so are files: an event of the copy never
// lacks its own. The root key is in no backup. Views are built anew, and the bus
// is empty in the moment of the copy.
const (
	backupFormat   = 1
	backupManifest = "backup.json"
	drainPatience  = 30 * time.Second
)

// manifest is backup.json.
type manifest struct {
	Format  int                  `json:"format"`
	Made    time.Time            `json:"made"`
	Release string               `json:"release"`
	Store   string               `json:"store"` // identity of the event store
	Head    events.Position      `json:"head"`  // its newest event
	Server  bool                 `json:"events_on_a_server,omitempty"`
	Files   map[string]savedFile `json:"files"`
}

type savedFile struct {
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// backedUpApart are the entries of the data folder that the backup treats in
// their own way, or leaves out because they are made anew.
var backedUpApart = []string{"node", "vault", "blobs", "views", "bus", "accounts.db", "accounts.db-wal", "accounts.db-shm", "hub.lock", "control.sock", "root.key", restoredMarkName, restoredMarkName + ".new"}

// backupCommand makes the folder's path whole, as the hub that is running may
// stand elsewhere.
func backupCommand(ctx context.Context, args []string) error {
	_, rest, err := load(args, os.Environ())
	if err != nil {
		return err
	}
	if len(rest) != 1 {
		return misuse("say: backup DIR, a folder that does not exist yet")
	}
	dir, err := filepath.Abs(rest[0])
	if err != nil {
		return err
	}
	args = slices.Clone(args)
	args[slices.Index(args, rest[0])] = dir
	return inHouse("backup")(ctx, args)
}

// backup copies the whole data folder while the hub works. The folder appears
// under its name when it is whole.
func (h *house) backup(ctx context.Context, args []string, out io.Writer) error {
	if len(args) != 1 || !filepath.IsAbs(args[0]) {
		return misuse("say: backup DIR, a folder that does not exist yet, by its whole path")
	}
	dir, began := filepath.Clean(args[0]), time.Now()
	if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("back up to %s: %w", dir, fs.ErrExist)
	}
	part := dir + ".partial"
	if err := os.Mkdir(part, 0o700); err != nil {
		return fmt.Errorf("back up: %w; if an earlier backup was interrupted, remove the folder", err)
	}
	if err := h.backupTo(ctx, part, out); err != nil {
		return errors.Join(fmt.Errorf("back up: %w", err), os.RemoveAll(part))
	}
	if err := os.Rename(part, dir); err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	if err := syncPath(filepath.Dir(dir)); err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	_, err := fmt.Fprintf(out, "backed up to %s in %s\nthe root key is not in it: keep a copy of %s in another place\n",
		dir, time.Since(began).Round(time.Millisecond), h.cfg.Vault.KeyFile)
	return err
}

func (h *house) backupTo(ctx context.Context, dir string, out io.Writer) error {
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(out, format+"\n", args...) } // whoever asked may have gone
	m := manifest{Format: backupFormat, Made: time.Now().UTC(), Release: release, Server: h.node == nil, Files: map[string]savedFile{}}
	if err := h.backupRest(dir); err != nil { // before the log: what they say of it must be in it
		return err
	}
	if err := h.backupLog(ctx, dir, &m, say); err != nil {
		return err
	}
	if err := os.Mkdir(filepath.Join(dir, "vault"), 0o700); err != nil {
		return err
	}
	if err := h.vault.Backup(ctx, filepath.Join(dir, "vault", "vault.db")); err != nil {
		return err
	}
	say("vault: done")
	n, err := h.backupBlobs(ctx, filepath.Join(dir, "blobs"))
	if err != nil {
		return err
	}
	say("blobs: %d", n)
	if err := h.accounts.Backup(ctx, filepath.Join(dir, "accounts.db")); err != nil {
		return err
	}
	return m.write(ctx, dir)
}

// backupLog stops the doors for a moment, waits until what they took is in the
// log, and copies the log. Otherwise the copy could hold a mailbox's bookmark
// without the mails before it.
func (h *house) backupLog(ctx context.Context, dir string, m *manifest, say func(string, ...any)) (err error) {
	if m.Store, err = h.journal.Identity(ctx); err != nil {
		return err
	}
	h.doors.Lock()
	defer h.doors.Unlock()
	if err := h.drained(ctx); err != nil {
		return err
	}
	if m.Head, err = h.journal.Head(ctx); err != nil {
		return err
	}
	if h.node == nil {
		say("log: on a server of your own; back it up there, now")
		return nil
	}
	if err := h.node.Backup(filepath.Join(dir, "log")); err != nil {
		return err
	}
	say("log: up to %s", m.Head)
	return nil
}

// drained waits until nothing is on its way into the log.
func (h *house) drained(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, drainPatience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		waiting := uint64(0)
		for _, s := range []bus.Stream{bus.Inquiries, bus.Deliveries} {
			n, err := h.bus.Depth(ctx, s)
			if err != nil {
				return err
			}
			waiting += n
		}
		if waiting == 0 {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%d messages are still on their way into the log; back up while the hub runs and records them", waiting)
		}
	}
}

// backupBlobs links or copies the sealed files; one that is erased meanwhile is
// left out.
func (h *house) backupBlobs(ctx context.Context, to string) (n int, err error) {
	if err := os.MkdirAll(to, 0o700); err != nil {
		return 0, err
	}
	err = h.blobs.Each(func(name events.Hash, _ int64) error {
		at := filepath.Join(string(name)[:2], string(name))
		target := filepath.Join(to, at)
		if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
			return err
		}
		err := copyFile(filepath.Join(h.dir("blobs"), at), target, nil)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		n++
		return errors.Join(err, ctx.Err())
	})
	return n, err
}

// backupRest copies what other rooms keep beside: small files.
func (h *house) backupRest(dir string) error {
	return copyTree(h.cfg.Data, filepath.Join(dir, "rest"), func(path string) bool {
		top, _, _ := strings.Cut(filepath.ToSlash(path), "/")
		return !slices.Contains(backedUpApart, top) && !strings.HasPrefix(top, ".") && filepath.Join(h.cfg.Data, path) != filepath.Clean(h.cfg.Vault.KeyFile)
	}, nil)
}

// write lists every file and writes the manifest, the last thing that is written.
func (m *manifest) write(ctx context.Context, dir string) error {
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }()
		sum := sha256.New()
		size, err := io.Copy(sum, f)
		m.Files[filepath.ToSlash(name)] = savedFile{size, hex.EncodeToString(sum.Sum(nil))}
		return err
	})
	if err != nil {
		return err
	}
	doc, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	path := filepath.Join(dir, backupManifest)
	if err := os.WriteFile(path, doc, 0o600); err != nil {
		return err
	}
	return errors.Join(syncPath(path), syncPath(dir))
}

// copyTree copies the regular files under from for which want says yes; check,
// if given, gets each copy's path, size and digest.
func copyTree(from, to string, want func(path string) bool, check func(path string, size int64, sum string) error) error {
	if err := os.MkdirAll(to, 0o700); err != nil {
		return err
	}
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil || name == "." {
			return err
		}
		target := filepath.Join(to, name)
		switch {
		case !want(name) && d.IsDir():
			return fs.SkipDir
		case !want(name):
			return nil
		case d.IsDir():
			return os.MkdirAll(target, 0o700)
		case !d.Type().IsRegular():
			return nil
		}
		return copyFile(path, target, func(size int64, sum string) error {
			if check == nil {
				return nil
			}
			return check(filepath.ToSlash(name), size, sum)
		})
	})
}

// copyFile copies one file for its owner alone, and syncs it.
func copyFile(from, to string, check func(size int64, sum string) error) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	sum := sha256.New()
	size, err := io.Copy(io.MultiWriter(out, sum), in)
	if err = errors.Join(err, out.Sync(), out.Close()); err != nil || check == nil {
		return err
	}
	return check(size, hex.EncodeToString(sum.Sum(nil)))
}

func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
