package sqldb_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/westshore/hub/projections/sqldb"
)

func schema(files ...string) fstest.MapFS {
	out := fstest.MapFS{}
	for i, f := range files {
		out[string(rune('a'+i))+".sql"] = &fstest.MapFile{Data: []byte(f)}
	}
	return out
}

func open(t *testing.T, cfg sqldb.Config) *sqldb.DB {
	t.Helper()
	db, err := sqldb.Open(context.Background(), cfg)
	check(t, err)
	t.Cleanup(func() { check(t, db.Close()) })
	return db
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, db *sqldb.DB, v string) {
	t.Helper()
	check(t, db.Write(context.Background(), func(tx *sqldb.Tx) error {
		_, err := tx.Exec(`INSERT INTO things (v) VALUES (?)`, v)
		return err
	}))
}

func values(t *testing.T, db *sqldb.DB) string {
	t.Helper()
	var out []string
	check(t, db.Read(context.Background(), func(tx *sqldb.Tx) error {
		return tx.Query(func(scan func(...any) error) error {
			var v string
			err := scan(&v)
			out = append(out, v)
			return err
		}, `SELECT v FROM things ORDER BY v`)
	}))
	return strings.Join(out, ",")
}

const things = `CREATE TABLE things (v TEXT NOT NULL)`

func TestViewOfAnotherVersionBeginsAnew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sub", "v.db")
	db := open(t, sqldb.Config{Path: path, Schema: schema(things), Version: "1"})
	put(t, db, "a")
	check(t, db.Close())
	db = open(t, sqldb.Config{Path: path, Schema: schema(things), Version: "1"})
	if got := values(t, db); got != "a" {
		t.Errorf("same version: rows %q", got)
	}
	check(t, db.Close())
	db = open(t, sqldb.Config{Path: path, Schema: schema(things), Version: "2"})
	if got := values(t, db); got != "" {
		t.Errorf("other version: rows %q", got)
	}
}

func TestMigrationsRunOnceAndKeepTheRows(t *testing.T) {
	path := filepath.Join(t.TempDir(), "v.db")
	db := open(t, sqldb.Config{Path: path, Schema: schema(things), Durable: true})
	put(t, db, "a")
	check(t, db.Close())
	for range 2 {
		db = open(t, sqldb.Config{Path: path, Schema: schema(things, `INSERT INTO things (v) VALUES ('b')`), Durable: true})
		if got := values(t, db); got != "a,b" {
			t.Errorf("rows %q, want a,b", got)
		}
		check(t, db.Close())
	}
}

func TestFailedWriteLeavesNothing(t *testing.T) {
	db := open(t, sqldb.Config{Path: filepath.Join(t.TempDir(), "v.db"), Schema: schema(things)})
	no := errors.New("no")
	err := db.Write(context.Background(), func(tx *sqldb.Tx) error {
		if _, err := tx.Exec(`INSERT INTO things (v) VALUES ('a')`); err != nil {
			return err
		}
		return no
	})
	if !errors.Is(err, no) {
		t.Fatal(err)
	}
	put(t, db, "b")
	if got := values(t, db); got != "b" {
		t.Errorf("rows %q, want b", got)
	}
}

func TestReadersMayNotWriteAndSeeOneMoment(t *testing.T) {
	db := open(t, sqldb.Config{Path: filepath.Join(t.TempDir(), "v.db"), Schema: schema(things)})
	put(t, db, "a")
	check(t, db.Read(context.Background(), func(tx *sqldb.Tx) error {
		var before, after int
		if err := tx.Row(`SELECT count(*) FROM things`).Scan(&before); err != nil {
			return err
		}
		put(t, db, "b")
		if err := tx.Row(`SELECT count(*) FROM things`).Scan(&after); err != nil {
			return err
		}
		if before != 1 || after != 1 {
			t.Errorf("a reader saw %d, then %d rows", before, after)
		}
		if _, err := tx.Exec(`INSERT INTO things (v) VALUES ('c')`); err == nil {
			t.Error("a reader wrote")
		}
		return nil
	}))
	if got := values(t, db); got != "a,b" {
		t.Errorf("rows %q", got)
	}
}

func TestSwapPutsTheNewFileInPlace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "v.db")
	db := open(t, sqldb.Config{Path: path, Schema: schema(things), Version: "1"})
	put(t, db, "old")
	built, err := db.Beside(context.Background())
	check(t, err)
	put(t, built, "new")
	check(t, db.Swap(context.Background(), built))
	if got := values(t, db); got != "new" {
		t.Errorf("rows %q", got)
	}
	put(t, db, "newer")
	check(t, db.Close())
	db = open(t, sqldb.Config{Path: path, Schema: schema(things), Version: "1"})
	if got := values(t, db); got != "new,newer" {
		t.Errorf("rows after reopening %q", got)
	}
}

func TestClosedDatabaseSaysSo(t *testing.T) {
	db := open(t, sqldb.Config{Path: filepath.Join(t.TempDir(), "v.db"), Schema: schema(things)})
	check(t, db.Close())
	if err := db.Read(context.Background(), func(*sqldb.Tx) error { return nil }); !errors.Is(err, sqldb.ErrClosed) {
		t.Errorf("read: %v", err)
	}
	if err := db.Write(context.Background(), func(*sqldb.Tx) error { return nil }); !errors.Is(err, sqldb.ErrClosed) {
		t.Errorf("write: %v", err)
	}
}

func TestCancelledReadLeavesTheReaderUsable(t *testing.T) {
	db := open(t, sqldb.Config{Path: filepath.Join(t.TempDir(), "v.db"), Schema: schema(things), Readers: 1})
	put(t, db, "a")
	ctx, cancel := context.WithCancel(context.Background())
	err := db.Read(ctx, func(tx *sqldb.Tx) error {
		cancel()
		var n int
		return tx.Row(`SELECT count(*) FROM things`).Scan(&n)
	})
	if err == nil {
		t.Error("a cancelled read went through")
	}
	if got := values(t, db); got != "a" {
		t.Errorf("rows %q", got)
	}
}

// Views and accounts hold names and addresses in the clear (SECURITY): whatever the
// umask, and whoever may enter the folder, only the owner reads the files.
func TestFilesAreTheOwnersAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "things.db")
	for range 2 { // made, and found open to others
		db := open(t, sqldb.Config{Path: path, Schema: schema(things)})
		put(t, db, "x")
		for _, p := range []string{path, path + "-wal", path + "-shm"} {
			info, err := os.Stat(p)
			check(t, err)
			if info.Mode().Perm() != 0o600 {
				t.Errorf("%s: %s", filepath.Base(p), info.Mode())
			}
		}
		check(t, db.Close())
		check(t, os.Chmod(path, 0o644))
	}
}

func TestMemoryRestsInNoFile(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	cfg := sqldb.Config{Memory: true, Schema: schema(things), Version: "1"}
	one, two := open(t, cfg), open(t, cfg)
	put(t, one, "a")
	if values(t, one) != "a" || values(t, two) != "" {
		t.Errorf("%q and %q: want a reader that sees its own writer, and nobody else's", values(t, one), values(t, two))
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 || one.Files() != nil {
		t.Errorf("files %v, %v, %v", left, one.Files(), err)
	}
}
