package accounts

import (
	"context"
	"fmt"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/projections/sqldb"
)

// reader is what the room opens profiles as: it keeps what agents see.
var reader = events.Principal{Actor: "system:accounts", Role: events.RoleView, Purpose: events.PurposeSupport}

// Run follows the journal until ctx ends, so that agents added elsewhere are
// known here, and sweeps sessions that ended.
func (a *Accounts) Run(ctx context.Context) error {
	from, err := a.resume(ctx)
	if err != nil {
		return fmt.Errorf("follow agents: %w", err)
	}
	id, err := a.journal.Identity(ctx)
	if err != nil {
		return fmt.Errorf("follow agents: %w", err)
	}
	swept := make(chan struct{})
	go func() {
		defer close(swept)
		a.sweep(ctx)
	}()
	err = a.journal.Subscribe(ctx, journal.Reading{From: from, Types: []string{"hub.Agent"}, Principal: &reader}, func(ctx context.Context, b journal.Batch) error {
		return a.apply(ctx, id, b)
	})
	<-swept
	if ctx.Err() != nil {
		return nil //nolint:nilerr // told to end
	}
	return fmt.Errorf("follow agents: %w", err)
}

// resume returns where reading goes on. A position of another store means
// nothing: then the view of agents begins anew.
func (a *Accounts) resume(ctx context.Context) (from events.Position, err error) {
	id, err := a.journal.Identity(ctx)
	if err != nil {
		return from, err
	}
	err = a.db.Write(ctx, func(tx *sqldb.Tx) error {
		var store, position string
		ok, err := tx.Row(`SELECT store, position FROM checkpoint WHERE one = 1`).Find(&store, &position)
		if err != nil || !ok {
			return err
		}
		if store == id {
			from, err = events.ParsePosition(position)
			return err
		}
		_, err = tx.Exec(`DELETE FROM agents`)
		return err
	})
	return from, err
}

func (a *Accounts) apply(ctx context.Context, store string, b journal.Batch) error {
	err := a.db.Write(ctx, func(tx *sqldb.Tx) error {
		for _, r := range b.Events {
			if err := a.applyOne(tx, r); err != nil {
				return err
			}
		}
		_, err := tx.Exec(`INSERT INTO checkpoint (one, store, position) VALUES (1, ?, ?)
			ON CONFLICT (one) DO UPDATE SET store = excluded.store, position = excluded.position`, store, b.Position.String())
		return err
	})
	if err != nil {
		return fmt.Errorf("apply agents: %w", err)
	}
	if len(b.Events) > 0 {
		a.known.DeleteAll()
	}
	return nil
}

func (a *Accounts) applyOne(tx *sqldb.Tx, r events.Recorded) error {
	switch e := r.Event.(type) {
	case events.AgentAdded:
		return a.insert(tx, e, r.Meta.At)
	case events.AgentDeactivated:
		return deactivate(tx, e.Agent)
	}
	return nil
}

// insert adds an agent once. When two processes added the same address at the
// same time the later one is kept inactive: nobody can log in as it.
func (a *Accounts) insert(tx *sqldb.Tx, e events.AgentAdded, at time.Time) error {
	p := e.Profile.Value()
	var taken int
	if err := tx.Row(`SELECT count(*) FROM agents WHERE email = ? AND email <> '' AND active = 1 AND id <> ?`, normal(p.Email), string(e.Agent)).Scan(&taken); err != nil {
		return err
	}
	if taken > 0 {
		a.log.Error("two agents with one address, the later is kept inactive", "agent", e.Agent)
	}
	_, err := tx.Exec(`INSERT INTO agents (id, email, name, role, active, added_at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
		string(e.Agent), normal(p.Email), p.Name, string(e.Role), taken == 0, at.UnixMilli())
	return err
}

func deactivate(tx *sqldb.Tx, id events.AgentID) error {
	for _, q := range []string{
		`UPDATE agents SET active = 0 WHERE id = ?`,
		`DELETE FROM passwords WHERE agent = ?`,
		`DELETE FROM sessions WHERE agent = ?`,
		`DELETE FROM tokens WHERE agent = ?`,
	} {
		if _, err := tx.Exec(q, string(id)); err != nil {
			return err
		}
	}
	return nil
}

func setHash(tx *sqldb.Tx, id events.AgentID, hash string, at int64) error {
	_, err := tx.Exec(`INSERT INTO passwords (agent, hash, changed_at) VALUES (?, ?, ?)
		ON CONFLICT (agent) DO UPDATE SET hash = excluded.hash, changed_at = excluded.changed_at`, string(id), hash, at)
	return err
}

// sweep removes sessions that ended, once an hour.
func (a *Accounts) sweep(ctx context.Context) {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		err := a.db.Write(ctx, func(tx *sqldb.Tx) error {
			_, err := tx.Exec(`DELETE FROM sessions WHERE seen_at < ? OR created_at < ?`, a.now().Add(-a.cfg.Idle).UnixMilli(), a.now().Add(-a.cfg.Lifetime).UnixMilli())
			return err
		})
		if err != nil && ctx.Err() == nil {
			a.log.WarnContext(ctx, "sessions not swept", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
