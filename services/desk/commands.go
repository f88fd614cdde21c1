package desk

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/services/internal/cards"
)

// maxText bounds what an agent can write in one go, in bytes.
const maxText = 256 << 10

func checkText(s string) error {
	switch {
	case strings.TrimSpace(s) == "":
		return &Refusal{"empty_text", "There is nothing written yet."}
	case len(s) > maxText:
		return &Refusal{"text_too_long", "The text is longer than 256 KB."}
	case !utf8.ValidString(s):
		return &Refusal{"text_not_utf8", "The text is not valid UTF-8."}
	}
	return nil
}

// withoutCards masks the numbers of payment cards in what an agent wrote or pasted:
// they are not kept (policy clause 1.3).
func withoutCards(text string) string {
	text, _ = cards.Mask(text)
	return text
}

// Note adds a remark for colleagues.
func (d *Desk) Note(ctx context.Context, c Command, id events.TicketID, text string) (Done, error) {
	if err := checkText(text); err != nil {
		return Done{}, err
	}
	text = withoutCards(text)
	msg := messageID(c.ID, id)
	done, err := d.change(ctx, c, id, func(t *ticket) ([]events.Event, error) {
		return []events.Event{events.NoteAdded{
			Ticket: id, Message: msg, Agent: c.Agent, Customer: t.customer, Note: events.Seal(events.Answer{Text: text}),
		}}, nil
	}, func(e events.Event) bool { n, ok := e.(events.NoteAdded); return ok && said(n.Note, text, "") })
	done.Message = msg
	return done, err
}

// Assign gives a ticket to an agent; an empty agent takes it from whoever has it.
func (d *Desk) Assign(ctx context.Context, c Command, id events.TicketID, to events.AgentID) (Done, error) {
	return d.change(ctx, c, id, func(t *ticket) ([]events.Event, error) {
		switch {
		case t.assignee == to:
			return nil, nil
		case to == "":
			return []events.Event{events.TicketUnassigned{Ticket: id}}, nil
		}
		return []events.Event{events.TicketAssigned{Ticket: id, Agent: to}}, nil
	}, func(e events.Event) bool {
		if to == "" {
			return e == events.Event(events.TicketUnassigned{Ticket: id})
		}
		return e == events.Event(events.TicketAssigned{Ticket: id, Agent: to})
	})
}

// Resolve says that the inquiry is answered.
func (d *Desk) Resolve(ctx context.Context, c Command, id events.TicketID) (Done, error) {
	return d.change(ctx, c, id, func(t *ticket) ([]events.Event, error) {
		if t.resolved {
			return nil, &Refusal{"already_resolved", "This request is resolved already."}
		}
		return []events.Event{events.TicketResolved{Ticket: id}}, nil
	}, func(e events.Event) bool { _, ok := e.(events.TicketResolved); return ok })
}

// Reopen says that it is not.
func (d *Desk) Reopen(ctx context.Context, c Command, id events.TicketID) (Done, error) {
	return d.change(ctx, c, id, func(t *ticket) ([]events.Event, error) {
		if !t.resolved {
			return nil, &Refusal{"not_resolved", "This request is open already."}
		}
		return []events.Event{events.TicketReopened{Ticket: id, Cause: "agent"}}, nil
	}, func(e events.Event) bool { _, ok := e.(events.TicketReopened); return ok })
}

// SetPriority says how urgent a ticket is.
func (d *Desk) SetPriority(ctx context.Context, c Command, id events.TicketID, p events.Priority) (Done, error) {
	if !slices.Contains([]events.Priority{events.Low, events.Normal, events.High, events.Urgent}, p) {
		return Done{}, &Refusal{"unknown_priority", "The priority is low, normal, high or urgent."}
	}
	return d.change(ctx, c, id, func(t *ticket) ([]events.Event, error) {
		if t.priority == p {
			return nil, nil
		}
		return []events.Event{events.PriorityChanged{Ticket: id, Priority: p}}, nil
	}, func(e events.Event) bool { return e == events.Event(events.PriorityChanged{Ticket: id, Priority: p}) })
}

// Tag puts tags on a ticket and takes others off.
func (d *Desk) Tag(ctx context.Context, c Command, id events.TicketID, add, remove []string) (Done, error) {
	for _, tag := range slices.Concat(add, remove) {
		if !validTag(tag) {
			return Done{}, &Refusal{"bad_tag", "A tag is 1 to 40 letters, digits, dashes, dots or underscores."}
		}
	}
	return d.change(ctx, c, id, func(t *ticket) ([]events.Event, error) {
		var evs []events.Event
		for _, tag := range add {
			if !slices.Contains(t.tags, tag) {
				evs = append(evs, events.TagAdded{Ticket: id, Tag: tag})
			}
		}
		for _, tag := range remove {
			if slices.Contains(t.tags, tag) {
				evs = append(evs, events.TagRemoved{Ticket: id, Tag: tag})
			}
		}
		if len(t.tags)+len(evs) > 100 {
			return nil, &Refusal{"too_many_tags", "A request has at most 100 tags."}
		}
		return evs, nil
	}, func(e events.Event) bool {
		switch e := e.(type) {
		case events.TagAdded:
			return slices.Contains(add, e.Tag)
		case events.TagRemoved:
			return slices.Contains(remove, e.Tag)
		}
		return false
	})
}

// validTag keeps free text about people out of a clear field.
func validTag(s string) bool {
	if s == "" || utf8.RuneCountInString(s) > 40 {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r > 0x7f || strings.ContainsRune("-_.", r))
	})
}

// messageID names what a command writes. The ticket is part of it: the ids of the
// mails that go out come from it, and one key used on two tickets is two answers.
func messageID(command events.UUID, of events.TicketID) events.MessageID {
	return events.MessageID(events.DeriveUUID("message", command.String(), string(of)).String())
}

// said reports whether a text is what was written; of one that is erased nobody can
// tell that it is not.
func said(was events.Sealed[events.Answer], text, html string) bool {
	a, state := was.Open()
	return state != events.Plain || a.Text == text && a.HTML == html
}
