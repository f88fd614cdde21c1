package projections

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"

	"github.com/westshore/hub/projections/sqldb"
)

func itoa(n int) string { return strconv.Itoa(n) }

// Store says where the rows of a view rest.
type Store struct {
	Dir     string // folder of the views' files
	Readers int    // how many may read at once; 2 when zero
	CacheKB int    // page cache of one connection in KiB; 1,024 when zero
}

// OpenView opens the database of a view, <Dir>/<name>.db. Schema holds the
// view's *.sql files; own is raised whenever the same events give other rows;
// types are the events the rows are made of.
func OpenView(ctx context.Context, at Store, name string, own int, types []string, schema fs.FS) (*sqldb.DB, error) {
	db, err := sqldb.Open(ctx, sqldb.Config{
		Path: filepath.Join(at.Dir, name+".db"), Schema: layers{schema}, Version: version(own, types),
		Readers: at.Readers, CacheKB: at.CacheKB,
	})
	if err != nil {
		return nil, fmt.Errorf("open view %s: %w", name, err)
	}
	return db, nil
}
