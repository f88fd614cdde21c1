package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strconv"
	"strings"

	_ "modernc.org/sqlite" // the engine: pure Go, so the binary stays static
)

// file is one open SQLite file: a connection that writes, some that read.
type file struct {
	pool    *sql.DB
	writer  *session
	readers chan *session
	all     []*session
}

func openFile(ctx context.Context, cfg Config) (*file, error) {
	f, err := connect(ctx, cfg)
	if err != nil {
		return nil, err
	}
	keep, err := f.migrate(ctx, cfg)
	if err == nil && !keep {
		if err = f.close(); err != nil {
			return nil, err
		}
		if err = remove(cfg.Path); err != nil {
			return nil, err
		}
		if f, err = connect(ctx, cfg); err != nil {
			return nil, err
		}
		_, err = f.migrate(ctx, cfg)
	}
	if err != nil {
		return nil, errors.Join(err, f.close())
	}
	for range cfg.Readers {
		s, err := f.open(ctx, "PRAGMA query_only=1")
		if err != nil {
			return nil, errors.Join(err, f.close())
		}
		f.readers <- s
	}
	return f, nil
}

// own makes the file, or closes an old one to everybody but its owner: SQLite would
// make it as the umask says, and gives its WAL the mode of the file. The folder may
// be one that others can enter. A file that is there is not opened: closing it would
// end the locks that SQLite has on it (fcntl, POSIX).
func own(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err == nil {
		return f.Close()
	}
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	for _, p := range []string{path, path + "-wal", path + "-shm"} {
		if err := os.Chmod(p, 0o600); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func connect(ctx context.Context, cfg Config) (*file, error) {
	if !cfg.Memory {
		if err := own(cfg.Path); err != nil {
			return nil, err
		}
	}
	pool, err := sql.Open("sqlite", dsn(cfg))
	if err != nil {
		return nil, err
	}
	pool.SetMaxIdleConns(0) // connections are held by sessions
	f := &file{pool: pool, readers: make(chan *session, cfg.Readers)}
	if f.writer, err = f.open(ctx, ""); err != nil {
		return nil, errors.Join(err, f.close())
	}
	return f, nil
}

// dsn sets what every connection needs. The page size goes first: it counts only
// before the first table.
func dsn(cfg Config) string {
	sync := "NORMAL"
	if cfg.Durable {
		sync = "FULL"
	}
	q := url.Values{"_pragma": {
		"busy_timeout(10000)",
		"journal_mode(WAL)",
		"synchronous(" + sync + ")",
		"secure_delete(ON)",
		"cache_size(-" + strconv.Itoa(cfg.CacheKB) + ")",
		"temp_store(MEMORY)",
		"journal_size_limit(8388608)",
		"foreign_keys(OFF)",
	}}
	if cfg.Memory {
		q.Set("vfs", "memdb") // sqlite.org/src/file/src/memdb.c; its journals are in memory too
	}
	return "file:" + (&url.URL{Path: cfg.Path}).EscapedPath() + "?" + q.Encode()
}

func (f *file) open(ctx context.Context, setup string) (*session, error) {
	conn, err := f.pool.Conn(ctx)
	if err != nil {
		return nil, err
	}
	s := &session{conn: conn, stmts: map[string]*sql.Stmt{}}
	f.all = append(f.all, s)
	if setup != "" {
		if _, err := conn.ExecContext(ctx, setup); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// close waits for nobody: the caller holds the lock. The last connection to
// close writes the WAL back and removes it.
func (f *file) close() error {
	var errs []error
	for _, s := range f.all {
		errs = append(errs, s.close())
	}
	return errors.Join(append(errs, f.pool.Close())...)
}

func (f *file) drain(ctx context.Context) error {
	var busy, log, done int
	row := f.writer.conn.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
	if err := row.Scan(&busy, &log, &done); err != nil {
		return fmt.Errorf("drain wal: %w", err)
	}
	if busy != 0 {
		return errors.New("drain wal: a reader is in the way")
	}
	return nil
}

// migrate runs the schema files that the file has not seen. keep is false when
// it holds the rows of another version.
func (f *file) migrate(ctx context.Context, cfg Config) (keep bool, err error) {
	names, err := fs.Glob(cfg.Schema, "*.sql")
	if err != nil {
		return false, err
	}
	keep = true
	err = f.writer.transact(context.WithoutCancel(ctx), "BEGIN IMMEDIATE", func(tx *Tx) error {
		if _, err := tx.Exec(`CREATE TABLE IF NOT EXISTS schema_files (name TEXT PRIMARY KEY, version TEXT NOT NULL)`); err != nil {
			return err
		}
		var known int
		var version string
		if err := tx.Row(`SELECT count(*), coalesce(max(version), '') FROM schema_files`).Scan(&known, &version); err != nil {
			return err
		}
		if known > 0 && version != cfg.Version {
			keep = false
			return nil
		}
		for _, name := range names {
			if err := tx.migrate(cfg, name); err != nil {
				return fmt.Errorf("schema %s: %w", name, err)
			}
		}
		return nil
	})
	return keep, err
}

func (t *Tx) migrate(cfg Config, name string) error {
	var seen int
	if err := t.Row(`SELECT count(*) FROM schema_files WHERE name = ?`, name).Scan(&seen); err != nil || seen > 0 {
		return err
	}
	text, err := fs.ReadFile(cfg.Schema, name)
	if err != nil {
		return err
	}
	if _, err := t.s.conn.ExecContext(t.ctx, strings.TrimSpace(string(text))); err != nil {
		return err
	}
	_, err = t.Exec(`INSERT INTO schema_files (name, version) VALUES (?, ?)`, name, cfg.Version)
	return err
}
