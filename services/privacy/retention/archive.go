package retention

import (
	"context"
	"fmt"
	"slices"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
)

// Reclaim frees what archived tickets took.
type Reclaim struct {
	// Cut hides the events of a stream before a revision, from readers at once and
	// from the disk with the next Scavenge.
	Cut func(ctx context.Context, stream events.Stream, before events.Revision) error
	// Files deletes sealed files whose key is gone; those that are not there are
	// passed over.
	Files func(ctx context.Context, digests []events.Hash) error
	// Scavenge has the event store reclaim what was cut. nil: the operators of a
	// cluster do.
	Scavenge func(ctx context.Context) error
}

// archive ends the tickets behind some streams of which nothing is left: their
// last event says what lists and statistics need, what came before is cut off.
func (e *Engine) archive(ctx context.Context, touched []events.Stream) (n int64, err error) {
	if e.cfg.Reclaim == nil {
		return 0, nil
	}
	tickets, err := e.ticketsOf(ctx, touched)
	if err != nil {
		return 0, fmt.Errorf("archive tickets: %w", err)
	}
	for _, id := range tickets {
		done, err := e.archiveTicket(ctx, id)
		if err != nil {
			return n, fmt.Errorf("archive ticket: %w", err)
		}
		if done {
			n++
		}
	}
	if n == 0 || e.cfg.Reclaim.Scavenge == nil {
		return n, nil
	}
	if err := e.cfg.Reclaim.Scavenge(ctx); err != nil {
		return n, fmt.Errorf("archive tickets: %w", err)
	}
	return n, nil
}

// ticketsOf finds the tickets that streams belong to.
func (e *Engine) ticketsOf(ctx context.Context, touched []events.Stream) ([]events.TicketID, error) {
	var out []events.TicketID
	for _, s := range touched {
		id := events.TicketID("")
		switch s.Family() {
		case "ticket":
			id = events.TicketID(s.Key())
		case "inquiry":
			history, err := e.j.Load(ctx, s, nil)
			if err != nil {
				return nil, err
			}
			for _, r := range history {
				switch ev := r.Event.(type) {
				case events.InquiryRouted:
					id = ev.Ticket
				case events.InquiryRerouted:
					id = ev.Ticket
				}
			}
		}
		if id != "" && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out, nil
}

// remains is a ticket as its archive keeps it.
type remains struct {
	events.TicketArchived
	exists, resolved, archived bool
	inquiries                  []events.InquiryID
}

// foldRemains reads a ticket's clear facts.
func foldRemains(history []events.Recorded) remains {
	t := remains{TicketArchived: events.TicketArchived{Priority: events.Normal}}
	message := func(r events.Recorded, id, kind string, agent events.AgentID) {
		t.Messages = append(t.Messages, events.ArchivedMessage{ID: id, Kind: kind, At: r.Meta.At, Agent: agent})
	}
	for _, r := range history {
		switch ev := r.Event.(type) {
		case events.TicketOpened:
			t.exists, t.Ticket, t.Number, t.Channel, t.Mailbox, t.Form, t.Customer = true, ev.Ticket, ev.Number, ev.Channel, ev.Mailbox, ev.Form, ev.Customer
			t.OpenedAt = r.Meta.At
		case events.MessageAttached:
			t.inquiries = append(t.inquiries, ev.Inquiry)
			message(r, string(ev.Inquiry), "inbound", "")
		case events.MessageDetached:
			t.inquiries = slices.DeleteFunc(t.inquiries, func(id events.InquiryID) bool { return id == ev.Inquiry })
			t.Messages = slices.DeleteFunc(t.Messages, func(m events.ArchivedMessage) bool { return m.ID == string(ev.Inquiry) })
		case events.ReplyWritten:
			message(r, string(ev.Message), "reply", ev.Agent)
		case events.NoteAdded:
			message(r, string(ev.Message), "note", ev.Agent)
		case events.AcknowledgementWritten:
			message(r, string(ev.Message), "auto", "")
		case events.TicketAssigned:
			t.Assignee = ev.Agent
		case events.TicketUnassigned:
			t.Assignee = ""
		case events.PriorityChanged:
			t.Priority = ev.Priority
		case events.TagAdded:
			if !slices.Contains(t.Tags, ev.Tag) {
				t.Tags = append(t.Tags, ev.Tag)
			}
		case events.TagRemoved:
			t.Tags = slices.DeleteFunc(t.Tags, func(s string) bool { return s == ev.Tag })
		case events.TicketResolved:
			t.resolved, t.ResolvedAt = true, r.Meta.At
		case events.TicketReopened:
			t.resolved, t.archived, t.Reopened = false, false, t.Reopened+1
		case events.TicketArchived:
			t.TicketArchived, t.exists, t.resolved, t.archived = ev, true, true, true
		}
	}
	return t
}

// archiveTicket archives one ticket, when it is resolved and no key is left of
// it. It may be repeated: what is cut is cut, what is gone is gone.
func (e *Engine) archiveTicket(ctx context.Context, id events.TicketID) (bool, error) {
	stream := events.TicketStream(id)
	history, err := e.j.Load(ctx, stream, nil)
	if err != nil {
		return false, err
	}
	t := foldRemains(history)
	if !t.exists || !t.resolved || t.archived {
		return false, nil
	}
	streams := []events.Stream{stream}
	for _, in := range t.inquiries {
		streams = append(streams, events.InquiryStream(in))
	}
	for _, s := range streams {
		keys, err := e.cfg.Vault.StreamKeys(ctx, s)
		if err != nil || len(keys) > 0 {
			return false, err
		}
	}
	files, err := e.inquiryFacts(ctx, &t)
	if err != nil {
		return false, err
	}
	by := e.system("archived", string(id), fmt.Sprint(history[len(history)-1].Revision))
	w, err := e.j.Execute(ctx, stream, by, func(now []events.Recorded) ([]events.Event, error) {
		if len(now) != len(history) {
			return nil, nil // somebody did something: the next sweep looks again
		}
		return []events.Event{t.TicketArchived}, nil
	})
	if err != nil || len(w.Events) == 0 {
		return false, err
	}
	if err := e.cfg.Reclaim.Files(ctx, files); err != nil {
		return false, err
	}
	if err := e.cfg.Reclaim.Cut(ctx, stream, w.Revision); err != nil {
		return false, err
	}
	for _, s := range streams[1:] {
		if err := e.cut(ctx, s); err != nil {
			return false, err
		}
	}
	return true, nil
}

// inquiryFacts puts what the log must not forget of each inquiry into the
// archive: which number of which mailbox it was, so that `hub reconcile` still
// accounts for it. It returns the files of the inquiries.
func (e *Engine) inquiryFacts(ctx context.Context, t *remains) (files []events.Hash, err error) {
	for i := range t.Messages {
		m := &t.Messages[i]
		if m.Kind != "inbound" {
			continue
		}
		history, err := e.j.Load(ctx, events.InquiryStream(events.InquiryID(m.ID)), nil)
		if err != nil {
			return nil, err
		}
		for _, r := range history {
			in, ok := r.Event.(events.InquiryReceived)
			if !ok {
				continue
			}
			m.At, m.Mailbox, m.UIDValidity, m.UID = in.ArrivedAt, in.Mailbox, in.UIDValidity, in.UID
			for _, b := range append([]events.Blob{in.Raw}, in.Files...) {
				if b.Digest != "" && b.Inline == nil {
					files = append(files, b.Digest)
				}
			}
		}
	}
	return files, nil
}

// cut hides all but the last event of an inquiry's stream, which is a tombstone
// without personal data.
func (e *Engine) cut(ctx context.Context, s events.Stream) error {
	last, ok, err := e.j.Last(ctx, s)
	if err != nil || !ok {
		return err
	}
	if _, tomb := last.Event.(events.SegmentsErased); !tomb {
		by := journal.By{Command: events.DeriveUUID("retention", "archived", string(s)), Actor: "system:retention", At: e.now()}
		closing := events.SegmentsErased{Order: by.Command, Cause: "retention", At: e.now().UTC()}
		w, err := e.j.Execute(ctx, s, by, func([]events.Recorded) ([]events.Event, error) { return []events.Event{closing}, nil })
		if err != nil {
			return err
		}
		last.Revision = w.Revision
	}
	return e.cfg.Reclaim.Cut(ctx, s, last.Revision)
}
