package vault

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"sync/atomic"
)

// maxBatch bounds how many callers share one transaction, and the queue in
// front of the writer.
const maxBatch = 256

// writer owns the one connection that writes. Callers that queue up while a
// commit is on its way share the next one: there is no timer, so a lone caller
// waits for exactly one fsync.
type writer struct {
	conn       *sql.Conn
	stmts      map[string]*sql.Stmt
	jobs       chan *job
	commits    atomic.Int64
	generation uint64                // of erasures, as far as the transaction under way has it (drain.go)
	undone     func(context.Context) // called after a rollback, when set: what jobs changed in memory is wrong

	mu     sync.RWMutex // guards closed and the closing of jobs
	closed bool
	done   chan struct{}
}

// job is one caller's part of a transaction.
type job struct {
	run   func(context.Context, *writer) error // may run twice: the first attempt rolled back
	after func()                               // runs once the job is durable, before its caller returns
	alone bool                                 // run outside of a transaction
	done  chan error
}

func startWriter(ctx context.Context, conn *sql.Conn) *writer {
	w := &writer{conn: conn, stmts: map[string]*sql.Stmt{}, jobs: make(chan *job, maxBatch), done: make(chan struct{})}
	go func() {
		defer close(w.done)
		w.loop(ctx)
	}()
	return w
}

// do runs a job and waits until it is durable. When ctx ends first, the job may
// or may not happen.
func (w *writer) do(ctx context.Context, j *job) error {
	j.done = make(chan error, 1)
	if err := w.enqueue(ctx, j); err != nil {
		return err
	}
	select {
	case err := <-j.done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (w *writer) enqueue(ctx context.Context, j *job) error {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.closed {
		return ErrClosed
	}
	select {
	case w.jobs <- j:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// close lets the queue run empty and waits for it.
func (w *writer) close() error {
	w.mu.Lock()
	if !w.closed {
		w.closed = true
		close(w.jobs)
	}
	w.mu.Unlock()
	<-w.done
	var errs []error
	for _, s := range w.stmts {
		errs = append(errs, s.Close())
	}
	w.stmts = nil
	return errors.Join(append(errs, w.conn.Close())...)
}

func (w *writer) loop(ctx context.Context) {
	batch := make([]*job, 0, maxBatch)
	for j := range w.jobs {
		batch = batch[:0]
		for j != nil && !j.alone {
			batch = append(batch, j)
			j = w.next(len(batch))
		}
		w.commit(ctx, batch)
		if j != nil {
			j.done <- j.run(ctx, w)
		}
	}
}

// next takes a job that waits already; nil when there is none or no room.
func (w *writer) next(have int) *job {
	if have >= maxBatch {
		return nil
	}
	select {
	case j := <-w.jobs: // nil when closed
		return j
	default:
		return nil
	}
}

// commit makes the batch durable as one transaction. When one of the jobs
// fails, nothing of the batch stands, and each job gets a transaction of its
// own, so that nobody fails for a neighbour's sake.
func (w *writer) commit(ctx context.Context, batch []*job) {
	if len(batch) == 0 {
		return
	}
	err := w.transact(ctx, batch)
	for _, j := range batch {
		jerr := err
		if err != nil && len(batch) > 1 {
			jerr = w.transact(ctx, []*job{j})
		}
		if jerr == nil && j.after != nil {
			j.after()
		}
		j.done <- jerr
	}
}

func (w *writer) transact(ctx context.Context, batch []*job) error {
	if _, err := w.exec(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	for _, j := range batch {
		if err := j.run(ctx, w); err != nil {
			_ = w.rollback(ctx) // fails where SQLite rolled back by itself
			return err
		}
	}
	if _, err := w.exec(ctx, "COMMIT"); err != nil {
		_ = w.rollback(ctx)
		return err
	}
	w.commits.Add(1)
	return nil
}

func (w *writer) rollback(ctx context.Context) error {
	_, err := w.exec(ctx, "ROLLBACK")
	if w.undone != nil {
		w.undone(ctx)
	}
	return err
}

// stmt prepares a query once.
func (w *writer) stmt(ctx context.Context, query string) (*sql.Stmt, error) {
	if s, ok := w.stmts[query]; ok {
		return s, nil
	}
	s, err := w.conn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	w.stmts[query] = s
	return s, nil
}

func (w *writer) exec(ctx context.Context, query string, args ...any) (int64, error) {
	s, err := w.stmt(ctx, query) //nolint:sqlclosecheck // kept prepared, closed with its connection
	if err != nil {
		return 0, err
	}
	r, err := s.ExecContext(ctx, args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// query makes the writer's connection readable like the pool (querier).
func (w *writer) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	s, err := w.stmt(ctx, query) //nolint:sqlclosecheck // kept prepared, closed with its connection
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args...)
}
