package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// session is one connection with the statements prepared on it. Statements are
// constants of the program, so there are as many as the program has.
type session struct {
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
}

func (s *session) close() error {
	var errs []error
	for _, st := range s.stmts {
		errs = append(errs, st.Close())
	}
	return errors.Join(append(errs, s.conn.Close())...)
}

func (s *session) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	if st, ok := s.stmts[query]; ok {
		return st, nil
	}
	st, err := s.conn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	s.stmts[query] = st
	return st, nil
}

// transact runs fn between begin and COMMIT, or ROLLBACK when it fails.
func (s *session) transact(ctx context.Context, begin string, fn func(*Tx) error) (err error) {
	tx := &Tx{ctx: ctx, s: s}
	if _, err := tx.Exec(begin); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	done := false
	defer func() {
		if done {
			return
		}
		tx.ctx = context.WithoutCancel(ctx)
		if _, undo := tx.Exec("ROLLBACK"); undo != nil && err != nil {
			err = errors.Join(err, fmt.Errorf("rollback: %w", undo))
		}
	}()
	if err := fn(tx); err != nil {
		return err
	}
	if _, err := tx.Exec("COMMIT"); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	done = true
	return nil
}

// Tx is a running transaction. It is valid until the function it was given to
// returns, and belongs to one goroutine. Statements are prepared once for each
// connection and used again, so their text must be constant.
type Tx struct {
	ctx context.Context
	s   *session
}

// Context is the context of the call that began the transaction.
func (t *Tx) Context() context.Context { return t.ctx }

// Exec runs a statement that returns no rows.
func (t *Tx) Exec(query string, args ...any) (sql.Result, error) {
	st, err := t.s.prepare(t.ctx, query) //nolint:sqlclosecheck // kept prepared, closed with its connection
	if err != nil {
		return nil, err
	}
	return st.ExecContext(t.ctx, args...)
}

// Query runs a statement and calls each for every row. Scan belongs to the row
// of that call.
func (t *Tx) Query(each func(scan func(dest ...any) error) error, query string, args ...any) error {
	st, err := t.s.prepare(t.ctx, query) //nolint:sqlclosecheck // kept prepared, closed with its connection
	if err != nil {
		return err
	}
	rows, err := st.QueryContext(t.ctx, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // its error is that of rows.Err
	for rows.Next() {
		if err := each(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Row is the first row of a result.
type Row struct {
	row *sql.Row
	err error
}

// ErrNoRow is returned by Row.Scan when there is none.
var ErrNoRow = sql.ErrNoRows

// Row runs a statement that returns one row at most.
func (t *Tx) Row(query string, args ...any) Row {
	st, err := t.s.prepare(t.ctx, query) //nolint:sqlclosecheck // kept prepared, closed with its connection
	if err != nil {
		return Row{err: err}
	}
	return Row{row: st.QueryRowContext(t.ctx, args...)}
}

// Scan copies the columns into dest; ErrNoRow when there is no row.
func (r Row) Scan(dest ...any) error {
	if r.err != nil {
		return r.err
	}
	return r.row.Scan(dest...)
}

// Find is Scan that says with a boolean whether there was a row.
func (r Row) Find(dest ...any) (bool, error) {
	err := r.Scan(dest...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}
