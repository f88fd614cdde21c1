package projections

import (
	"embed"
	"io/fs"
	"slices"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/projections/sqldb"
)

//go:embed schema/*.sql
var own embed.FS

// layers is a view's schema with the checkpoint table of every view before it.
type layers struct{ view fs.FS }

func (l layers) Open(name string) (fs.File, error) {
	if f, err := own.Open("schema/" + name); err == nil {
		return f, nil
	}
	return l.view.Open(name)
}

func (l layers) ReadDir(name string) ([]fs.DirEntry, error) {
	mine, err := own.ReadDir("schema")
	if err != nil {
		return nil, err
	}
	view, err := fs.ReadDir(l.view, name)
	return slices.Concat(mine, view), err
}

// checkpoint is how far a view has come, and in which event store. The position
// is that of the last event whose rows it stands beside.
type checkpoint struct {
	store string
	at    events.Position
}

func (c *checkpoint) load(tx *sqldb.Tx) error {
	var commit, prepare int64
	ok, err := tx.Row(`SELECT store, commit_pos, prepare_pos FROM checkpoint`).Find(&c.store, &commit, &prepare)
	if ok {
		c.at = events.Position{Commit: uint64(commit), Prepare: uint64(prepare)}
	}
	return err
}

func (c checkpoint) save(tx *sqldb.Tx) error {
	_, err := tx.Exec(`INSERT INTO checkpoint (one, store, commit_pos, prepare_pos) VALUES (1, ?, ?, ?)
		ON CONFLICT (one) DO UPDATE SET store = excluded.store, commit_pos = excluded.commit_pos, prepare_pos = excluded.prepare_pos`,
		c.store, int64(c.at.Commit), int64(c.at.Prepare))
	return err
}
