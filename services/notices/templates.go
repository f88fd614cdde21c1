package notices

import (
	"context"

	"github.com/westshore/hub/events"
)

// Template is text to draft notices from. Names that are not of the house are
// values that a notice brings.
type Template struct {
	Name  string
	Kind  events.OutboundKind
	Topic string
	Texts []events.NoticeText
}

// WriteTemplate begins a template; an empty id is a new one, another replaces it.
func (n *Notices) WriteTemplate(ctx context.Context, c Command, id events.TemplateID, t Template) (Done, error) {
	fresh := id == ""
	if fresh {
		id = events.TemplateID(events.DeriveUUID("template", c.ID.String()).String())
	}
	bad := complaints{}
	checkHead(bad, t.Kind, t.Topic, "name", t.Name)
	checkTexts(bad, t.Kind, t.Texts, func(name string) (known, link bool) { return true, houseValues[name] })
	if err := bad.err(); err != nil {
		return Done{}, err
	}
	return n.template(ctx, c, id, func(there, _ bool) ([]events.Event, error) {
		if !there && !fresh {
			return nil, &NotFoundError{}
		}
		return []events.Event{events.TemplateWritten{Template: id, Name: t.Name, Kind: t.Kind, Topic: t.Topic, Agent: c.Agent, Texts: t.Texts}}, nil
	})
}

// RetireTemplate takes a template out of use. Writing it again brings it back.
func (n *Notices) RetireTemplate(ctx context.Context, c Command, id events.TemplateID) (Done, error) {
	return n.template(ctx, c, id, func(there, retired bool) ([]events.Event, error) {
		switch {
		case !there:
			return nil, &NotFoundError{}
		case retired:
			return nil, nil
		}
		return []events.Event{events.TemplateRetired{Template: id, Agent: c.Agent}}, nil
	})
}

func (n *Notices) template(ctx context.Context, c Command, id events.TemplateID, decide func(there, retired bool) ([]events.Event, error)) (Done, error) {
	w, err := n.j.Execute(ctx, events.TemplateStream(id), c.by(), func(history []events.Recorded) ([]events.Event, error) {
		retired := false
		for _, r := range history {
			_, retired = r.Event.(events.TemplateRetired)
		}
		return decide(len(history) > 0, retired)
	})
	if err != nil {
		return Done{}, err
	}
	return Done{Template: id, Revision: w.Revision, Position: w.Position}, nil
}
