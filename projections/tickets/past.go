package tickets

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/projections"
	"github.com/westshore/hub/projections/sqldb"
)

// ErrCut says that a ticket stood at that moment and that what it was then has been
// destroyed since: of an archived ticket the log keeps facts alone.
var ErrCut = errors.New("that far back the ticket is not kept")

// ReadAt returns a ticket (by id or number) as Read would have returned it at a
// moment: what had happened by then, in the order of the log, applied to rows in
// memory that are thrown away. The keys of today decide what is readable, so what
// was erased since is gone from every moment before, and a redaction since counts
// as if it had always been. ErrNotFound before the ticket was opened.
//
// It reads every stream of the ticket, one after the other; few at once are let in.
func (v *View) ReadAt(ctx context.Context, as events.Principal, idOrNumber string, at time.Time, reload projections.Reload) (c Conversation, err error) {
	select {
	case v.past <- struct{}{}:
		defer func() { <-v.past }()
	case <-ctx.Done():
		return c, fmt.Errorf("read ticket as it stood: %w", ctx.Err())
	}
	id, queued, err := v.streams(ctx, idOrNumber)
	if err != nil {
		return c, fmt.Errorf("read ticket as it stood: %w", err)
	}
	story, err := until(ctx, id, queued, at, reload)
	if err != nil {
		return c, fmt.Errorf("read ticket as it stood: %w", err)
	}
	then, err := New(ctx, projections.Store{Memory: true, Readers: 1}, v.open, v.log)
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, then.Close()) }()
	err = then.DB().Write(ctx, func(tx *sqldb.Tx) error {
		_, err := then.Apply(ctx, tx, story)
		return err
	})
	if err != nil {
		return c, fmt.Errorf("read ticket as it stood: %w", err)
	}
	return then.Read(ctx, as, string(id))
}

// streams finds a ticket and the streams of what was queued for it.
func (v *View) streams(ctx context.Context, idOrNumber string) (id events.TicketID, queued []events.Stream, err error) {
	err = v.DB().Read(ctx, func(tx *sqldb.Tx) error {
		t, n, err := find(tx, idOrNumber)
		if err != nil {
			return err
		}
		id = t.ID
		return tx.Query(func(scan func(...any) error) error {
			var outbound events.OutboundID
			err := scan(&outbound)
			queued = append(queued, events.OutboundStream(outbound))
			return err
		}, `SELECT outbound FROM deliveries WHERE ticket = ? ORDER BY outbound`, n)
	})
	return id, queued, err
}

// until collects what had happened to a ticket by a moment, in the order of the log.
func until(ctx context.Context, id events.TicketID, queued []events.Stream, at time.Time, reload projections.Reload) ([]events.Recorded, error) {
	all, err := reload(ctx, events.TicketStream(id))
	if err != nil {
		return nil, err
	}
	var story, redactions []events.Recorded
	for _, r := range all {
		_, redaction := r.Event.(events.MessageRedacted)
		switch {
		case happened(r, at):
			story = append(story, r)
		case redaction:
			redactions = append(redactions, r)
		case len(story) == 0:
			if e, ok := r.Event.(events.TicketArchived); ok && !e.OpenedAt.After(at) {
				return nil, ErrCut
			}
		}
	}
	if len(story) == 0 {
		return nil, ErrNotFound
	}
	last := story[len(story)-1]
	seen := map[events.Stream]bool{}
	for _, s := range append(queued, named(story)...) {
		if seen[s] {
			continue
		}
		seen[s] = true
		more, err := reload(ctx, s)
		if err != nil {
			return nil, err
		}
		for _, r := range more {
			if happened(r, at) {
				story = append(story, r)
			}
		}
	}
	slices.SortStableFunc(story, func(a, b events.Recorded) int {
		if a.Position.Before(b.Position) {
			return -1
		}
		if b.Position.Before(a.Position) {
			return 1
		}
		return 0
	})
	for _, r := range redactions {
		r.Revision = last.Revision // the ticket's, as it stood
		story = append(story, r)
	}
	return story, nil
}

// happened compares in microseconds, as precise as the view tells times.
func happened(r events.Recorded, at time.Time) bool {
	return r.Meta.At.UnixMicro() <= at.UnixMicro()
}

// named lists the streams of the inquiries and agents that a ticket's events name.
func named(story []events.Recorded) (out []events.Stream) {
	agent := func(id events.AgentID) {
		if id != "" {
			out = append(out, events.AgentStream(id))
		}
	}
	for _, r := range story {
		switch e := r.Event.(type) {
		case events.MessageAttached:
			out = append(out, events.InquiryStream(e.Inquiry))
			agent(e.Agent)
		case events.ReplyWritten:
			agent(e.Agent)
		case events.NoteAdded:
			agent(e.Agent)
		case events.TicketAssigned:
			agent(e.Agent)
		case events.TicketArchived:
			agent(e.Assignee)
			for _, m := range e.Messages {
				agent(m.Agent)
			}
		}
	}
	return out
}
