package projections

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/westshore/hub/projections/sqldb"
)

// Store says where the rows of a view rest.
type Store struct {
	Dir     string // folder of the views' files
	Readers int    // how many may read at once; 2 when zero
	CacheKB int    // page cache of one connection in KiB; 1,024 when zero
	Memory  bool   // no files: the rows are gone with Close, and Dir is unused
}

// Rows is the open file of a view, and what is known of it. A view embeds it.
type Rows struct {
	name  string
	types []string
	db    *sqldb.DB
}

// OpenRows opens the file of a view, <Dir>/<name>.db. The view's folder has its
// schema/*.sql; own is raised whenever the same events give other rows; types are
// the events the rows are made of, without TypePrefix.
func OpenRows(ctx context.Context, at Store, name string, own int, types []string, schemas embed.FS) (*Rows, error) {
	schema, err := fs.Sub(schemas, "schema")
	if err != nil {
		return nil, fmt.Errorf("open view %s: %w", name, err)
	}
	db, err := sqldb.Open(ctx, sqldb.Config{
		Path: filepath.Join(at.Dir, name+".db"), Schema: layers{schema}, Version: version(own, types),
		Readers: at.Readers, CacheKB: at.CacheKB, Memory: at.Memory,
	})
	if err != nil {
		return nil, fmt.Errorf("open view %s: %w", name, err)
	}
	return &Rows{name: name, types: types, db: db}, nil
}

// Close closes the file.
func (r *Rows) Close() error { return r.db.Close() }

// Name is the view's, one lower-case word.
func (r *Rows) Name() string { return r.name }

// DB holds the rows.
func (r *Rows) DB() *sqldb.DB { return r.db }

// Types lists the events the view is made of.
func (r *Rows) Types() []string { return r.types }

// Inventory lists every path at which the view's rows may rest.
func (r *Rows) Inventory() []string { return r.db.Files() }
