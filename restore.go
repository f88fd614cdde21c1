package main

import (
	"context"
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
)

// restoreCommand fills an empty data folder from a backup.
func restoreCommand(_ context.Context, args []string) error {
	cfg, rest, err := load(args, os.Environ())
	if err != nil {
		return err
	}
	if len(rest) != 1 {
		return misuse("say: restore DIR, a folder that hub backup made")
	}
	return restore(cfg, filepath.Clean(rest[0]), os.Stdout)
}

// restore checks every file while it copies. The data folder must be empty but
// for the root key; when something is wrong it is emptied again.
func restore(cfg *Config, from string, out io.Writer) (err error) {
	m, err := readManifest(from)
	if err != nil {
		return fmt.Errorf("restore %s: %w", from, err)
	}
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	present, err := os.ReadDir(cfg.Data)
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	keep := filepath.Base(cfg.Vault.KeyFile)
	if slices.ContainsFunc(present, func(e fs.DirEntry) bool { return e.Name() != keep }) {
		return fmt.Errorf("restore: %s is not empty; give an empty folder with --data, or one that holds the root key only", cfg.Data)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("restore %s: %w", from, err), m.undo(cfg.Data))
		}
	}()
	// Before anything else, so that there is no log from a backup that does not say so.
	if err := (restoredMark{Made: m.Made, Restored: time.Now().UTC(), Head: m.Head}).leave(cfg.Data); err != nil {
		return err
	}
	missing := len(m.Files)
	for part, to := range restoredTo {
		source := filepath.Join(from, part)
		info, err := os.Stat(source)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		check := func(name string, size int64, sum string) error {
			missing--
			if m.Files[name] != (savedFile{size, sum}) {
				return fmt.Errorf("%s is not what was backed up", name)
			}
			return nil
		}
		target := filepath.Join(cfg.Data, to)
		if !info.IsDir() {
			err = copyFile(source, target, func(size int64, sum string) error { return check(part, size, sum) })
		} else {
			err = copyTree(source, target, func(string) bool { return true }, func(name string, size int64, sum string) error {
				return check(part+"/"+name, size, sum)
			})
		}
		if err != nil {
			return err
		}
	}
	if missing != 0 {
		return fmt.Errorf("%d files are missing", missing)
	}
	if err := syncPath(cfg.Data); err != nil {
		return err
	}
	return m.report(cfg, out)
}

// restoredTo says where each part of a backup goes in the data folder.
var restoredTo = map[string]string{"log": "node", "vault": "vault", "blobs": "blobs", "accounts.db": "accounts.db", "rest": "."}

func readManifest(dir string) (m manifest, err error) {
	doc, err := os.ReadFile(filepath.Join(dir, backupManifest))
	if errors.Is(err, fs.ErrNotExist) {
		return m, errors.New("it is no backup, or one that was interrupted: backup.json is missing")
	}
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(doc, &m); err != nil {
		return m, fmt.Errorf("read %s: %w", backupManifest, err)
	}
	if m.Format != backupFormat {
		return m, fmt.Errorf("its format is %d, this hub knows %d; use the version that made it (%s)", m.Format, backupFormat, m.Release)
	}
	return m, nil
}

// undo removes what a failed restore has written.
func (m *manifest) undo(data string) error {
	errs := []error{os.RemoveAll(filepath.Join(data, restoredMarkName)), os.RemoveAll(filepath.Join(data, restoredMarkName+".new"))}
	for part, to := range restoredTo {
		if part != "rest" {
			errs = append(errs, os.RemoveAll(filepath.Join(data, to)))
		}
	}
	for name := range m.Files {
		if under, ok := strings.CutPrefix(name, "rest/"); ok {
			top, _, _ := strings.Cut(under, "/")
			errs = append(errs, os.RemoveAll(filepath.Join(data, top)))
		}
	}
	return errors.Join(errs...)
}

func (m *manifest) report(cfg *Config, out io.Writer) error {
	text := fmt.Sprintf("restored %d files of %s, log up to %s\n", len(m.Files), m.Made.Format("2006-01-02 15:04:05 UTC"), m.Head)
	if _, err := os.Stat(cfg.Vault.KeyFile); err != nil {
		text += fmt.Sprintf("put your copy of the root key at %s before you start: without it nothing can be read\n", cfg.Vault.KeyFile)
	}
	if m.Server {
		text += "the events are on a server of your own: restore it to the same moment\n"
	}
	text += "views are built anew at the first start\n" +
		"mail that waited at the backup may have been sent since: the first start holds it in the outbox, and a person lets it go or cancels it\n" +
		"repeat erasures that were ordered after the backup\n"
	_, err := io.WriteString(out, text)
	return err
}
