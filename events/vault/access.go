package vault

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"time"

	"github.com/westshore/hub/events"
)

const (
	// maxLines bounds the access log's buffer. A caller that finds it full
	// writes it down itself; when that fails, nothing is opened.
	maxLines = 4096
	// linger is how long a line may wait for others before it is written.
	linger = 500 * time.Millisecond
	// keepLines is how long the access log is kept: class R-AUDIT, 13 months.
	keepLines  = 396 * 24 * time.Hour
	pruneEvery = 24 * time.Hour
)

// line is one call of Keys.
type line struct {
	who       events.Principal
	at        time.Time
	n, denied int
	kids      []byte // 16 bytes each, nil for a view
}

// accessLog writes down who opened what, many lines at a time.
type accessLog struct {
	v      *Vault
	wake   chan struct{}
	stop   chan struct{}
	done   chan struct{}
	mu     sync.Mutex
	lines  []line
	closed bool
	flush  sync.Mutex // one flush at a time, so that lines stay in order
	pruned time.Time  // guarded by flush
}

func startAccessLog(ctx context.Context, v *Vault) *accessLog {
	a := &accessLog{v: v, wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(a.done)
		a.run(ctx)
	}()
	return a
}

// record counts results and notes the call.
func (v *Vault) record(ctx context.Context, p events.Principal, now time.Time, kids []events.KID, out []Result) error {
	l := line{who: p, at: now}
	view := p.Role == events.RoleView
	for i := range out {
		switch out[i].State {
		case events.Plain, events.Masked:
			l.n++
		case events.Denied:
			l.denied++
		case events.Erased:
			v.counts.erased.Add(1)
		case events.Restricted:
			v.counts.restricted.Add(1)
		case events.Unopened:
		}
		if s := out[i].State; !view && (s == events.Plain || s == events.Masked || s == events.Denied) {
			b, _ := parseHex(string(kids[i]))
			l.kids = append(l.kids, b[:]...)
		}
	}
	v.counts.opened.Add(int64(l.n))
	v.counts.denied.Add(int64(l.denied))
	if l.n+l.denied == 0 {
		return nil
	}
	return v.access.add(ctx, l)
}

func (a *accessLog) add(ctx context.Context, l line) error {
	for {
		a.mu.Lock()
		if a.closed {
			a.mu.Unlock()
			return ErrClosed
		}
		if len(a.lines) < maxLines {
			a.lines = append(a.lines, l)
			first := len(a.lines) == 1
			a.mu.Unlock()
			if first {
				select {
				case a.wake <- struct{}{}:
				default:
				}
			}
			return nil
		}
		a.mu.Unlock()
		if err := a.write(ctx); err != nil {
			return err
		}
	}
}

// run writes lines down soon after the first came; it sleeps when none come.
func (a *accessLog) run(ctx context.Context) {
	failed, said := 0, time.Time{}
	for {
		select {
		case <-a.stop:
			return
		case <-a.wake:
		}
		t := time.NewTimer(linger)
		select {
		case <-a.stop:
			t.Stop()
			return
		case <-t.C:
		}
		if err := a.write(ctx); err != nil {
			// Once, then every minute: a full disk stays full for a while.
			if failed++; failed == 1 || time.Since(said) > time.Minute {
				a.v.log.Error("access log not written, lines wait", "failures", failed, "error", err)
				said = time.Now()
			}
			a.again()
			continue
		}
		failed = 0
	}
}

// again makes run try once more.
func (a *accessLog) again() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// close writes the last lines down.
func (a *accessLog) close() error {
	close(a.stop)
	<-a.done
	a.mu.Lock()
	a.closed = true // nothing is opened from here on, so no line is lost
	a.mu.Unlock()
	return a.write(context.Background())
}

// write makes the buffered lines durable.
func (a *accessLog) write(ctx context.Context) error {
	a.flush.Lock()
	defer a.flush.Unlock()
	a.mu.Lock()
	lines := a.lines
	a.mu.Unlock()
	if len(lines) == 0 {
		return nil
	}
	err := a.v.w.do(context.WithoutCancel(ctx), &job{run: func(ctx context.Context, w *writer) error { return a.insert(ctx, w, lines) }})
	if err != nil {
		return explain("write access log", err)
	}
	a.mu.Lock()
	rest := a.lines[len(lines):]
	a.lines = append(make([]line, 0, len(rest)), rest...)
	a.mu.Unlock()
	return nil
}

func (a *accessLog) insert(ctx context.Context, w *writer, lines []line) error {
	for i := range lines {
		l := &lines[i]
		who := []any{string(l.who.Actor), string(l.who.Role), string(l.who.Purpose)}
		if _, err := w.exec(ctx, "INSERT OR IGNORE INTO opener (actor, role, purpose) VALUES (?, ?, ?)", who...); err != nil {
			return err
		}
		_, err := w.exec(ctx, "INSERT INTO opened (at, opener, n, denied, kids, matter, second) VALUES (?, (SELECT id FROM opener WHERE actor = ? AND role = ? AND purpose = ?), ?, ?, ?, ?, ?)",
			millis(l.at), who[0], who[1], who[2], l.n, l.denied, l.kids, optionalText(l.who.Matter), optionalText(string(l.who.Second)))
		if err != nil {
			return err
		}
	}
	now := a.v.now()
	if now.Sub(a.pruned) < pruneEvery {
		return nil
	}
	a.pruned = now
	_, err := w.exec(ctx, "DELETE FROM opened WHERE id IN (SELECT id FROM opened WHERE at < ? ORDER BY id LIMIT 10000)", millis(now.Add(-keepLines)))
	return err
}

func optionalText(s string) sql.NullString { return sql.NullString{String: s, Valid: s != ""} }

// Access is one line of the access log.
type Access struct {
	At     time.Time
	Who    events.Principal
	Opened int // keys given in this call
	Denied int // keys refused by the matrix in this call
}

// Accesses lists, oldest first, the calls that asked for a key by name within
// the 13 months the log is kept. Views read everything they keep and are noted
// without names, so they do not appear.
func (v *Vault) Accesses(ctx context.Context, kid events.KID) ([]Access, error) {
	raw, err := parseKIDs([]events.KID{kid})
	if err != nil {
		return nil, err
	}
	if err := v.access.write(ctx); err != nil {
		return nil, err
	}
	var out []Access
	err = selectEach(ctx, v.r, `SELECT at, actor, role, purpose, coalesce(matter, ''), coalesce(second, ''), n, denied FROM opened JOIN opener ON opener.id = opener
		WHERE instr(kids, ?) > 0 ORDER BY opened.id`, []any{raw[0]}, func(r *sql.Rows) error {
		var a Access
		var at int64
		err := r.Scan(&at, &a.Who.Actor, &a.Who.Role, &a.Who.Purpose, &a.Who.Matter, &a.Who.Second, &a.Opened, &a.Denied)
		a.At = time.UnixMilli(at).UTC()
		out = append(out, a)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read access log: %w", err)
	}
	return out, nil
}
