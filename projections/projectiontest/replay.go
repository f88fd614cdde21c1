package projectiontest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sort"
	"strings"
	"testing"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/projections"
	"github.com/westshore/hub/projections/sqldb"
)

// Replay applies everything in the log to a view whose file is empty, in batches
// of the given size.
func Replay(t testing.TB, l *Log, p projections.Projection, batch int) {
	t.Helper()
	Feed(t, p, l.Events(), batch)
}

// Feed applies events to a view, each batch in a transaction of its own.
func Feed(t testing.TB, p projections.Projection, all []events.Recorded, batch int) {
	t.Helper()
	var wanted []events.Recorded
	for _, r := range all {
		for _, want := range p.Types() {
			if r.Type == events.TypePrefix+want {
				wanted = append(wanted, r)
			}
		}
	}
	for len(wanted) > 0 {
		n := min(batch, len(wanted))
		err := p.DB().Write(context.Background(), func(tx *sqldb.Tx) error {
			_, err := p.Apply(tx.Context(), tx, wanted[:n])
			return err
		})
		if err != nil {
			t.Fatalf("apply to %s: %v", p.Name(), err)
		}
		wanted = wanted[n:]
	}
}

// Dump prints every row of every table, sorted, for comparing two views. Rows of
// the checkpoint and of FTS5's own tables are left out.
func Dump(t testing.TB, db *sqldb.DB) string {
	t.Helper()
	var b strings.Builder
	err := db.Read(context.Background(), func(tx *sqldb.Tx) error {
		var names []string
		err := tx.Query(func(scan func(...any) error) error {
			var n string
			err := scan(&n)
			names = append(names, n)
			return err
		}, `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'words%'
			AND name NOT IN ('checkpoint', 'schema_files') ORDER BY name`)
		if err != nil {
			return err
		}
		for _, n := range names {
			if err := dumpTable(tx, n, &b); err != nil {
				return fmt.Errorf("dump %s: %w", n, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func dumpTable(tx *sqldb.Tx, name string, b *strings.Builder) error {
	var columns []string
	err := tx.Query(func(scan func(...any) error) error {
		var c string
		err := scan(&c)
		columns = append(columns, c)
		return err
	}, `SELECT name FROM pragma_table_info(?)`, name)
	if err != nil {
		return err
	}
	var rows []string
	err = tx.Query(func(scan func(...any) error) error {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := scan(into...); err != nil {
			return err
		}
		line := name
		for i, c := range columns {
			if blob, ok := values[i].([]byte); ok {
				values[i] = fmt.Sprintf("%x", blob)
			}
			line += fmt.Sprintf(" %s=%q", c, fmt.Sprint(values[i]))
		}
		rows = append(rows, line)
		return nil
	}, `SELECT * FROM `+name)
	sort.Strings(rows)
	for _, r := range rows {
		b.WriteString(r + "\n")
	}
	return err
}

// Scan reports which of the files hold any of the needles, in either letter
// case.
func Scan(t testing.TB, files []string, needles ...string) []string {
	t.Helper()
	var out []string
	for _, f := range files {
		b, err := os.ReadFile(f)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		b = bytes.ToLower(b)
		for _, n := range needles {
			if bytes.Contains(b, []byte(strings.ToLower(n))) {
				out = append(out, f+": "+n)
			}
		}
	}
	return out
}
