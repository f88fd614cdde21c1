package notices

import (
	"context"
	"fmt"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/events/store"
)

// partSize is how many people one event of a list names.
const partSize = 500

// list freezes whom a started notice goes to. It may be interrupted anywhere: the
// list goes on after the last person it names. People whom the hub met after the
// notice was started are not on it.
func (n *Notices) list(ctx context.Context, id events.NoticeID, s *notice) error {
	if err := n.cfg.CaughtUp(ctx); err != nil {
		return err
	}
	stream := events.NoticeListStream(id)
	last, ok, err := n.j.Last(ctx, stream)
	if err != nil {
		return err
	}
	part, total, after := 0, 0, events.SubjectID("")
	if e, is := last.Event.(events.RecipientsListed); ok && is {
		part, total = e.Part+1, e.Part*partSize+len(e.Customers)
		after = e.Customers[len(e.Customers)-1]
	}
	for {
		people, err := n.next(ctx, s, after)
		if err != nil {
			return err
		}
		if len(people) == 0 {
			break
		}
		by := journal.By{Command: events.DeriveUUID("notice", string(id), "part", fmt.Sprint(part)), Actor: actor}
		e := events.RecipientsListed{Notice: id, Part: part, Customers: people}
		if _, err := n.j.Append(ctx, stream, events.Revision(part)-1, by, e); err != nil {
			return err
		}
		after, total, part = people[len(people)-1], total+len(people), part+1
		if len(people) < partSize {
			break
		}
	}
	e := events.NoticeListed{Notice: id, Recipients: total, Parts: part}
	by := journal.By{Command: events.DeriveUUID("notice", string(id), "listed"), Actor: actor}
	_, err = n.j.Execute(ctx, events.NoticeStream(id), by, func(history []events.Recorded) ([]events.Event, error) {
		if now := fold(history); now.listed != nil || now.stage == cancelled {
			return nil, nil
		}
		return []events.Event{e}, nil
	})
	s.listed = &e
	return err
}

// next are the people after one, by id.
func (n *Notices) next(ctx context.Context, s *notice, after events.SubjectID) ([]events.SubjectID, error) {
	rule := s.draft.Audience
	if len(rule.Customers) == 0 {
		return n.cfg.View.Audience(ctx, rule, s.started, after, partSize)
	}
	var out []events.SubjectID
	for _, id := range rule.Customers { // sorted, each once
		if id > after && len(out) < partSize {
			out = append(out, id)
		}
	}
	return out, nil
}

// bookmark is how many of the list have been looked at.
func (n *Notices) bookmark(ctx context.Context, id events.NoticeID) (int, error) {
	last, _, err := n.j.Last(ctx, bookmarkOf(id))
	e, _ := last.Event.(events.NoticeProgressed)
	return e.Done, err
}

func (n *Notices) keep(ctx context.Context, id events.NoticeID, done int) error {
	by := journal.By{Command: events.NewUUID(), Actor: actor}
	return n.j.Bookmark(ctx, bookmarkOf(id), by, events.NoticeProgressed{Notice: id, Done: done})
}

func bookmarkOf(id events.NoticeID) events.Stream {
	return events.CheckpointStream("notice-" + string(id))
}

// part reads one part of the list.
func (n *Notices) part(ctx context.Context, id events.NoticeID, i int) ([]events.SubjectID, error) {
	r, ok, err := n.j.At(ctx, events.NoticeListStream(id), events.Revision(i))
	if err != nil {
		return nil, err
	}
	e, is := r.Event.(events.RecipientsListed)
	if !ok || !is || e.Part != i {
		return nil, fmt.Errorf("read list of notice %s: part %d is missing", id, i)
	}
	return e.Customers, nil
}

// begun reports whether a person's message, or the reason for none, is in the log.
func (n *Notices) begun(ctx context.Context, out events.OutboundID) (bool, error) {
	_, ok, err := n.j.Last(ctx, events.OutboundStream(out))
	return ok, err
}

// skip writes why a person gets none.
func (n *Notices) skip(ctx context.Context, id events.NoticeID, who events.SubjectID, out events.OutboundID, reason string) error {
	by := journal.By{Command: events.DeriveUUID("notice", "skip", string(out)), Actor: actor}
	_, err := n.j.Append(ctx, events.OutboundStream(out), events.NoStream, by, events.MessageSkipped{
		Outbound: out, Notice: id, Customer: who, Reason: reason,
	})
	if _, there := store.IsConflict(err); there {
		return nil
	}
	return err
}
