package vault

import (
	"context"
	"database/sql"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// writerCache is what the writing connection keeps of the database, in KiB.
const writerCache = 8192

// Every connection of the vault. secure_delete overwrites deleted cells with
// zeros, synchronous=FULL makes a commit durable, and the busy timeout is how
// long cutting the log waits for readers. Caches are small (KiB, negative).
var (
	pragmas       = []string{"busy_timeout(2000)", "journal_mode(WAL)", "secure_delete(1)", "synchronous(FULL)", "temp_store(MEMORY)", "cache_size(-" + strconv.Itoa(writerCache) + ")", "foreign_keys(0)"}
	readerPragmas = []string{"busy_timeout(2000)", "query_only(1)", "temp_store(MEMORY)", "cache_size(-1024)"}
)

const maxReaders = 4

func openSQLite(path string, pragmas []string, conns int) (*sql.DB, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	u := url.URL{Scheme: "file", Path: abs, RawQuery: url.Values{"_pragma": pragmas}.Encode()}
	db, err := sql.Open("sqlite", u.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(min(conns, 2))
	return db, nil
}

// querier reads: the pool, or the writer within its transaction.
type querier interface {
	query(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// readers is the pool of reading connections with their prepared statements.
type readers struct {
	db    *sql.DB
	mu    sync.Mutex
	stmts map[string]*sql.Stmt // nil once closed
}

func (r *readers) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	s, err := r.stmt(ctx, query) //nolint:sqlclosecheck // kept prepared, closed with its connection
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args...)
}

func (r *readers) stmt(ctx context.Context, query string) (*sql.Stmt, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stmts == nil {
		return nil, ErrClosed
	}
	if s, ok := r.stmts[query]; ok {
		return s, nil
	}
	s, err := r.db.PrepareContext(ctx, query) //nolint:sqlclosecheck // kept prepared, closed with its connection
	if err == nil {
		r.stmts[query] = s
	}
	return s, err
}

func (r *readers) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stmts = nil
	return r.db.Close() // and with it the statements
}

// Sizes of an IN list. A shorter list repeats its last key, so that few
// statements serve every length.
var listSizes = [...]int{1, 8, 64}

// listSize is the smallest length of a statement that has room for n, or the
// largest there is.
func listSize(n int) int {
	for _, s := range listSizes {
		if s >= n {
			return s
		}
	}
	return listSizes[len(listSizes)-1]
}

// selectIn runs "head IN (keys)" in as many statements as it takes.
func selectIn(ctx context.Context, q querier, head string, keys [][]byte, scan func(*sql.Rows) error) error {
	for len(keys) > 0 {
		size := listSize(len(keys))
		args := make([]any, size)
		for i := range args {
			args[i] = keys[min(i, len(keys)-1)]
		}
		keys = keys[min(size, len(keys)):]
		if err := selectEach(ctx, q, head+" IN (?"+strings.Repeat(",?", size-1)+")", args, scan); err != nil {
			return err
		}
	}
	return nil
}

func selectEach(ctx context.Context, q querier, query string, args []any, scan func(*sql.Rows) error) error {
	rows, err := q.query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// touch makes a file for the owner alone where there is none; SQLite gives the
// files beside a database the mode of the database.
func touch(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// exists reports whether there is a file at path.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
