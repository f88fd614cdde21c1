package vault

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Backup writes a copy of vault.db to path, for the owner alone, while the vault
// goes on working. It is of one moment, compact and durable when Backup returns,
// and it opens only with the root key, which it does not hold.
//
// A copy holds the keys that lived when it was made. Destroy every copy that is
// older than the horizon promised for erasures, and after restoring one, repeat
// the orders of destruction given since: Destroy is idempotent.
func (v *Vault) Backup(ctx context.Context, path string) error {
	if exists(path) {
		return fmt.Errorf("back up vault: %s: %w", path, os.ErrExist)
	}
	if err := v.access.write(ctx); err != nil {
		return fmt.Errorf("back up vault: %w", err)
	}
	// SQLite fills an empty file that is there already, and keeps its mode.
	if err := touch(path); err != nil {
		return fmt.Errorf("back up vault: %w", err)
	}
	err := v.copyTo(ctx, path)
	if err == nil {
		err = syncFile(path)
	}
	if err != nil {
		return errors.Join(explain("back up vault", err), os.Remove(path))
	}
	return syncDir(filepath.Dir(path))
}

// copyTo uses a connection of its own: the pool's may not write anything.
func (v *Vault) copyTo(ctx context.Context, path string) error {
	db, err := openSQLite(v.path, []string{"busy_timeout(2000)", "temp_store(MEMORY)", "cache_size(-1024)"}, 1)
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, "VACUUM INTO ?", path)
	return errors.Join(err, db.Close())
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
