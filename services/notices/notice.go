package notices

import (
	"slices"
	"time"

	"github.com/westshore/hub/events"
)

// stage is how far a notice has come.
type stage int

const (
	drafted stage = iota
	approved
	running // listing or sending
	paused
	cancelled
	finished
)

// notice is one, folded from its stream.
type notice struct {
	exists   bool
	stage    stage
	draft    events.NoticeDrafted
	draftRev events.Revision
	drafters []events.AgentID
	started  time.Time
	resumed  events.Revision // of what set it running last
	listed   *events.NoticeListed
	revision events.Revision
}

func fold(history []events.Recorded) *notice {
	n := &notice{revision: events.NoStream}
	for _, r := range history {
		n.evolve(r)
	}
	return n
}

func (n *notice) evolve(r events.Recorded) {
	n.revision = r.Revision
	switch e := r.Event.(type) {
	case events.NoticeDrafted:
		n.exists, n.stage, n.draft, n.draftRev = true, drafted, e, r.Revision
		if !slices.Contains(n.drafters, e.Agent) {
			n.drafters = append(n.drafters, e.Agent)
		}
	case events.NoticeApproved:
		n.stage = approved
	case events.NoticeStarted:
		n.stage, n.started, n.resumed = running, r.Meta.At, r.Revision
	case events.NoticeListed:
		n.listed = &e
	case events.NoticePaused:
		n.stage = paused
	case events.NoticeResumed:
		n.stage, n.resumed = running, r.Revision
	case events.NoticeCancelled:
		n.stage = cancelled
	case events.NoticeFinished:
		n.stage = finished
	}
}

// content is the draft as it was given.
func (n *notice) content() Draft {
	d := n.draft
	return Draft{
		Kind: d.Kind, Topic: d.Topic, Title: d.Title, Mailbox: d.Mailbox, Template: d.Template,
		Texts: d.Texts, Values: d.Values, Audience: d.Audience, Rate: d.Rate,
	}
}
