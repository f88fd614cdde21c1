package accounts

import "context"

// Backup writes a copy of accounts, sessions and tokens to path, which must not
// exist yet, while the room goes on working.
func (a *Accounts) Backup(ctx context.Context, path string) error {
	return a.db.Backup(ctx, path)
}
