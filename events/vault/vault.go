package vault

import (
	"context"
	"crypto/cipher"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/westshore/hub/events"
)

//go:embed schema.sql
var schema string

const (
	applicationID = 0x57534856 // "WSHV", in the header of vault.db
	schemaVersion = 2

	stateLive, stateRestricted, stateDeferred = 1, 2, 3
)

// Config says where a vault rests.
type Config struct {
	// Dir holds vault.db. It is made when absent, for the owner alone.
	Dir string
	// KeyFile holds the root key, mode 0600. It is made when it is absent and
	// the vault is new. Keep it, and its backup, apart from Dir.
	KeyFile string
	// RootSeal and RootOpen make a key management service the keeper of the root
	// key: KeyFile then holds only what RootSeal made of it. Encrypt and Decrypt of
	// a gocloud.dev/secrets keeper fit. A root key that rests in the clear moves
	// behind the service with RotateRoot.
	RootSeal, RootOpen func(context.Context, []byte) ([]byte, error)
	// Gated keeps the vault from minting and opening until Admit has carried out
	// the privacy ledger. Set it wherever there is a ledger.
	Gated bool
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Logger takes what an operator should know; nil is slog.Default.
	Logger *slog.Logger
	// CacheKeys bounds how many opened keys stay in memory, about 200 bytes
	// each; 0 is 20,000.
	CacheKeys int
}

// Vault is an open vault. Its methods may be called from many goroutines.
type Vault struct {
	now      func() time.Time
	log      *slog.Logger
	path     string // of vault.db
	lockFile *os.File
	writeDB  *sql.DB
	w        *writer
	r        *readers
	keeper   rootKeeper
	root     cipher.AEAD // guarded by sealing, and by the writer
	keks     atomic.Pointer[epochs]
	pepper   []byte
	instance []byte
	hashKey  []byte
	cache    *cache
	access   *accessLog
	holds    *scopes
	plan     atomic.Pointer[plan]
	policies atomic.Pointer[policies]
	dating   sync.Mutex // one SetSchedule or SetPolicy at a time
	readings readings

	unsettled, gated, braced atomic.Bool
	generation               atomic.Uint64

	unit    atomic.Uint64
	sealing sync.Mutex // one SealEpoch at a time
	counts  counters
	closing sync.Once
	closed  error
}

// Open opens the vault in a folder, or makes a new one where there is none.
func Open(ctx context.Context, cfg Config) (*Vault, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.CacheKeys <= 0 {
		cfg.CacheKeys = 20_000
	}
	if cfg.Dir == "" || cfg.KeyFile == "" {
		return nil, errors.New("open vault: a folder and a root key file are needed")
	}
	v := &Vault{now: cfg.Now, log: cfg.Logger.With("room", "vault"), cache: newCache(cfg.CacheKeys), holds: &scopes{}}
	v.keeper = rootKeeper{path: cfg.KeyFile, seal: cfg.RootSeal, open: cfg.RootOpen}
	v.gated.Store(cfg.Gated)
	if err := v.open(ctx, cfg); err != nil {
		return nil, errors.Join(fmt.Errorf("open vault: %w", err), v.release())
	}
	return v, nil
}

func (v *Vault) open(ctx context.Context, cfg Config) error {
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return err
	}
	var err error
	if v.lockFile, err = lock(cfg.Dir); err != nil {
		return err
	}
	path := filepath.Join(cfg.Dir, "vault.db")
	v.path = path
	if exists(path) && !exists(cfg.KeyFile) {
		if fresh, err := isEmpty(ctx, path); err != nil {
			return err
		} else if !fresh {
			return fmt.Errorf("root key file %s: %w", cfg.KeyFile, ErrRootKeyMissing)
		}
	}
	if err := touch(path); err != nil {
		return err
	}
	if v.writeDB, err = openSQLite(path, pragmas, 1); err != nil {
		return err
	}
	conn, err := v.writeDB.Conn(ctx)
	if err != nil {
		return explain("connect", err)
	}
	// The writer outlives the call that opened the vault.
	v.w = startWriter(context.WithoutCancel(ctx), conn)
	fresh, err := v.inspect(ctx)
	if err != nil {
		return err
	}
	if err := v.readRoot(ctx, fresh); err != nil {
		return err
	}
	if fresh {
		err = v.create(ctx, cfg.Dir)
	} else {
		err = v.migrate(ctx)
	}
	if err != nil {
		return err
	}
	db, err := openSQLite(path, readerPragmas, maxReaders)
	if err != nil {
		return err
	}
	v.r = &readers{db: db, stmts: map[string]*sql.Stmt{}}
	return v.load(ctx)
}

// isEmpty reports whether a file is one that SQLite never wrote a table to:
// what a crash leaves of a vault that was about to be made.
func isEmpty(ctx context.Context, path string) (bool, error) {
	info, err := os.Stat(path)
	if err != nil {
		return false, err
	}
	if info.Size() == 0 {
		return true, nil
	}
	db, err := openSQLite(path, []string{"query_only(1)"}, 1)
	if err != nil {
		return false, err
	}
	defer func() { _ = db.Close() }()
	var tables int
	err = db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&tables)
	return tables == 0, explain("look into vault.db", err)
}

// inspect makes sure the file is a vault of this version, or empty.
func (v *Vault) inspect(ctx context.Context) (fresh bool, err error) {
	err = v.w.do(ctx, &job{alone: true, run: func(ctx context.Context, w *writer) error {
		var app, version, tables int
		for query, to := range map[string]*int{
			"PRAGMA application_id": &app, "PRAGMA user_version": &version, "SELECT count(*) FROM sqlite_schema": &tables,
		} {
			if err := w.conn.QueryRowContext(ctx, query).Scan(to); err != nil {
				return err
			}
		}
		fresh = app == 0 && version == 0 && tables == 0
		if !fresh && (app != applicationID || version < 1 || version > schemaVersion) {
			return fmt.Errorf("vault.db (application %#x, schema %d): %w", app, version, ErrForeign)
		}
		return nil
	}})
	return fresh, explain("look into vault.db", err)
}

// create makes the tables, the first epoch and the secrets, all or none.
func (v *Vault) create(ctx context.Context, dir string) error {
	err := v.w.do(ctx, &job{run: func(ctx context.Context, w *writer) error {
		script := fmt.Sprintf("%s; PRAGMA application_id=%d; PRAGMA user_version=%d", schema, applicationID, schemaVersion)
		if _, err := w.conn.ExecContext(ctx, script); err != nil {
			return err
		}
		if _, err := v.addEpoch(ctx, w, 1); err != nil {
			return err
		}
		for _, name := range []string{secretPepper, secretInstance} {
			if err := v.addSecret(ctx, w, name); err != nil {
				return err
			}
		}
		return nil
	}})
	if err != nil {
		return explain("create vault.db", err)
	}
	v.log.Info("new vault made", "folder", dir)
	return syncDir(dir)
}

//go:embed migrate2.sql
var migrate2 string

// migrate brings a vault of an older version up to this one, in place and in one
// transaction.
func (v *Vault) migrate(ctx context.Context) error {
	migrated := false
	err := v.w.do(ctx, &job{run: func(ctx context.Context, w *writer) error {
		var version int
		if err := w.conn.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
			return err
		}
		if migrated = version < schemaVersion; !migrated {
			return nil
		}
		_, err := w.conn.ExecContext(ctx, fmt.Sprintf("%s; PRAGMA user_version=%d", migrate2, schemaVersion))
		return err
	}})
	if migrated && err == nil {
		v.log.Info("vault.db brought up to a new version", "schema", schemaVersion)
	}
	return explain("migrate vault.db", err)
}

// load reads what stays in memory: epochs, secrets, holds, the last fence.
func (v *Vault) load(ctx context.Context) error {
	if err := v.loadEpochs(ctx); err != nil {
		return explain("load epochs", err)
	}
	var err error
	if v.pepper, err = v.loadSecret(ctx, secretPepper); err != nil {
		return err
	}
	if v.instance, err = v.loadSecret(ctx, secretInstance); err != nil {
		return err
	}
	v.hashKey = derive(v.instance, "hash")
	if err := v.loadSchedule(ctx); err != nil {
		return explain("load retention schedule", err)
	}
	if err := v.loadPolicies(ctx); err != nil {
		return explain("load policy", err)
	}
	err = v.w.do(ctx, &job{alone: true, run: func(ctx context.Context, w *writer) error {
		w.undone = v.reloadHolds
		if _, err := w.exec(ctx, createVictims); err != nil {
			return err
		}
		if w.generation, err = readGeneration(ctx, w); err != nil {
			return err
		}
		v.generation.Store(w.generation)
		return v.readHolds(ctx, w)
	}})
	if err != nil {
		return explain("load holds", err)
	}
	// No unit of work outlives a process, so counting on from the last fence
	// is enough for every new one to be younger than every fence.
	var last int64
	err = selectEach(ctx, v.r, "SELECT coalesce(max(uow), 0) FROM fence", nil, func(r *sql.Rows) error { return r.Scan(&last) })
	if err != nil {
		return explain("load fences", err)
	}
	v.unit.Store(uint64(last))
	v.access = startAccessLog(context.WithoutCancel(ctx), v)
	return nil
}

// Close writes down what waits, and gives the vault free. Calls that come later
// fail with ErrClosed.
func (v *Vault) Close() error {
	v.closing.Do(func() { v.closed = v.release() })
	return v.closed
}

func (v *Vault) release() error {
	var errs []error
	if v.access != nil {
		errs = append(errs, v.access.close())
	}
	if v.r != nil {
		errs = append(errs, v.r.close())
	}
	if v.w != nil {
		errs = append(errs, v.w.close())
	}
	if v.writeDB != nil {
		errs = append(errs, v.writeDB.Close())
	}
	if v.lockFile != nil {
		errs = append(errs, v.lockFile.Close())
	}
	v.cache.empty()
	return errors.Join(errs...)
}

// counters is what Stats reports.
type counters struct {
	minted, opened, cached, denied, erased, restricted, missing, destroyed atomic.Int64
}

// Stats counts what the vault did since it was opened.
type Stats struct {
	Minted, Opened, Cached, Denied, Erased, Restricted, Missing, Destroyed int64
	Commits                                                                int64 // transactions, each one fsync
	CacheKeys                                                              int   // keys in memory
}

// Stats reports counters for metrics.
func (v *Vault) Stats() Stats {
	c := &v.counts
	return Stats{
		Minted: c.minted.Load(), Opened: c.opened.Load(), Cached: c.cached.Load(), Denied: c.denied.Load(),
		Erased: c.erased.Load(), Restricted: c.restricted.Load(), Missing: c.missing.Load(), Destroyed: c.destroyed.Load(),
		Commits: v.w.commits.Load(), CacheKeys: v.cache.len(),
	}
}

// millis is how the vault writes times.
func millis(t time.Time) int64 { return t.UnixMilli() }

// subjectKey is how a subject rests in a row: 16 bytes where it can be.
func subjectKey(s events.SubjectID) []byte {
	if b, ok := parseHex(string(s)); ok {
		return b[:]
	}
	return []byte(s)
}
