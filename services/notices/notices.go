package notices

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	view "github.com/westshore/hub/projections/notices"
	"github.com/westshore/hub/services/internal/mail"
)

// Sender is in whose name a notice goes out: a mailbox with its brand.
type Sender struct {
	ID      events.MailboxID
	Address string // "support@example.com"
	Brand   string // "Northwind"
	Postal  string // one line
	Website string // https://…
	Colour  string // "#0a5c8a"; empty: none
}

// Recipient is a person as the mail needs them, at the moment of writing.
type Recipient struct {
	State    events.State // of what is known of them: Plain, or why it is not
	To       events.Address
	Language string           // empty: nobody knows
	Mailbox  events.MailboxID // they wrote to last; empty: nobody knows
}

// Config gives the room what it stands on. Functions come from other rooms.
type Config struct {
	Journal *journal.Journal
	View    *view.View
	Senders []Sender // the first writes where nothing else decides
	// TokenKey is the key of the marks in our mail.
	TokenKey []byte
	// Hash is the vault's keyed hash.
	Hash func(domain string, parts ...string) events.Hash
	// AddressHash is that of the suppression list.
	AddressHash func(address string) events.Hash
	// Sign signs a rendered mail for the domain of its From (DKIM). Nil signs nothing.
	Sign func(from string, raw []byte) ([]byte, error)
	// CopyField is the header field that tells one recipient's copy, for those who
	// look for evidence of a delivery. Empty: none.
	CopyField string
	// Own reports whether an address is one of ours (MAIL O19).
	Own func(address string) bool
	// Recipient opens what is known of a person.
	Recipient func(context.Context, events.SubjectID) (Recipient, error)
	// Allowed says whether a person may be written to now, or the rule against it:
	// consent, objection, suppression. Nil allows everybody.
	Allowed func(ctx context.Context, who events.SubjectID, address string, kind events.OutboundKind) (ok bool, rule string, err error)
	// Unsubscribe makes the link that ends promotional notices to a person. Nil:
	// there are no promotional notices.
	Unsubscribe func(who events.SubjectID, out events.OutboundID) string
	// Independent refuses the word of one agent beside that of the one who proposed
	// when both accounts are in one hand.
	Independent func(ctx context.Context, proposed, agrees events.AgentID) error
	// Privacy is the address of the privacy centre.
	Privacy string
	// CaughtUp returns when the view has read the log up to where it ends now.
	CaughtUp func(context.Context) error
	// Rate is the pace of a notice that names none, MaxRate the highest, in
	// messages a minute. Zeros are 60 and 6,000.
	Rate, MaxRate int
	Now           func() time.Time
	Logger        *slog.Logger
}

// Notices carries out commands on notices and templates, and sends what is
// started. It is safe for concurrent use.
type Notices struct {
	cfg     Config
	j       *journal.Journal
	tokens  mail.Tokens
	senders map[events.MailboxID]Sender
	now     func() time.Time
	log     *slog.Logger
}

// New returns the room.
func New(cfg Config) *Notices {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Rate == 0 {
		cfg.Rate = 60
	}
	if cfg.MaxRate == 0 {
		cfg.MaxRate = 6000
	}
	n := &Notices{
		cfg: cfg, j: cfg.Journal, tokens: mail.Tokens{Key: cfg.TokenKey}, senders: map[events.MailboxID]Sender{},
		now: cfg.Now, log: cfg.Logger.With("room", "notices"),
	}
	for _, s := range cfg.Senders {
		n.senders[s.ID] = s
	}
	return n
}

// Command is what every command has: an id made by the client, so that sending
// it again does nothing more, the agent, and the time.
type Command struct {
	ID    events.UUID
	Agent events.AgentID
	At    time.Time
}

func (c Command) by() journal.By {
	return journal.By{Command: c.ID, Actor: events.AgentActor(c.Agent), At: c.At}
}

// Done is where a command left the stream.
type Done struct {
	Notice   events.NoticeID
	Template events.TemplateID
	Outbound events.OutboundID // of a preview
	Revision events.Revision
	Position events.Position
}

// Draft begins a notice. A draft that could not be sent as it stands is refused.
func (n *Notices) Draft(ctx context.Context, c Command, d Draft) (Done, error) {
	id := events.NoticeID(events.DeriveUUID("notice", c.ID.String()).String())
	return n.write(ctx, c, id, d, false)
}

// Revise replaces a draft that has not been started; an approval ends.
func (n *Notices) Revise(ctx context.Context, c Command, id events.NoticeID, d Draft) (Done, error) {
	return n.write(ctx, c, id, d, true)
}

func (n *Notices) write(ctx context.Context, c Command, id events.NoticeID, d Draft, there bool) (Done, error) {
	if d.Rate == 0 {
		d.Rate = n.cfg.Rate
	}
	slices.Sort(d.Audience.Customers)
	d.Audience.Customers = slices.Compact(d.Audience.Customers)
	if err := n.check(d); err != nil {
		return Done{}, err
	}
	return n.do(ctx, c, id, func(s *notice) ([]events.Event, error) {
		switch {
		case there && !s.exists:
			return nil, &NotFoundError{}
		case s.exists && s.stage != drafted && s.stage != approved:
			return nil, &Refusal{"started", "The notice has been started and cannot be changed any more."}
		}
		return []events.Event{events.NoticeDrafted{
			Notice: id, Kind: d.Kind, Topic: d.Topic, Title: d.Title, Mailbox: d.Mailbox, Agent: c.Agent, Template: d.Template,
			Texts: d.Texts, Values: d.Values, Audience: d.Audience, Rate: d.Rate,
		}}, nil
	})
}

// Approve is the yes of a second person: of nobody who wrote on it (FIELD 39).
// seen is the revision of the notice that was looked at.
func (n *Notices) Approve(ctx context.Context, c Command, id events.NoticeID, seen events.Revision) (Done, error) {
	return n.command(ctx, c, id, func(s *notice) ([]events.Event, error) {
		switch {
		case s.stage != drafted:
			return nil, &Refusal{"not_draft", "Only a draft can be approved."}
		case s.draftRev != seen:
			return nil, &Refusal{"stale", "The draft was changed since you saw it. Look at it again."}
		case slices.Contains(s.drafters, c.Agent):
			return nil, &Refusal{"second_person", "Somebody who did not write on the notice has to approve it."}
		}
		for _, drafter := range s.drafters {
			if err := n.cfg.Independent(ctx, drafter, c.Agent); err != nil {
				return nil, err
			}
		}
		if err := n.check(s.content()); err != nil {
			return nil, err
		}
		return []events.Event{events.NoticeApproved{Notice: id, Agent: c.Agent, Draft: seen}}, nil
	})
}

// Start sends an approved notice off.
func (n *Notices) Start(ctx context.Context, c Command, id events.NoticeID) (Done, error) {
	return n.command(ctx, c, id, func(s *notice) ([]events.Event, error) {
		if s.stage != approved {
			return nil, &Refusal{"not_approved", "Only an approved notice can be started."}
		}
		if err := n.check(s.content()); err != nil { // the configuration may have changed
			return nil, err
		}
		return []events.Event{events.NoticeStarted{Notice: id, Agent: c.Agent}}, nil
	})
}

// Pause holds a notice that is under way.
func (n *Notices) Pause(ctx context.Context, c Command, id events.NoticeID) (Done, error) {
	return n.command(ctx, c, id, func(s *notice) ([]events.Event, error) {
		if s.stage != running {
			return nil, &Refusal{"not_running", "The notice is not under way."}
		}
		return []events.Event{events.NoticePaused{Notice: id, Agent: c.Agent, Cause: "agent"}}, nil
	})
}

// Resume lets a paused notice go on where it was.
func (n *Notices) Resume(ctx context.Context, c Command, id events.NoticeID) (Done, error) {
	return n.command(ctx, c, id, func(s *notice) ([]events.Event, error) {
		if s.stage != paused {
			return nil, &Refusal{"not_paused", "The notice is not paused."}
		}
		return []events.Event{events.NoticeResumed{Notice: id, Agent: c.Agent}}, nil
	})
}

// Cancel ends a notice: what is not on its way yet does not go out.
func (n *Notices) Cancel(ctx context.Context, c Command, id events.NoticeID) (Done, error) {
	return n.command(ctx, c, id, func(s *notice) ([]events.Event, error) {
		if s.stage == cancelled || s.stage == finished {
			return nil, &Refusal{"over", "The notice is over."}
		}
		return []events.Event{events.NoticeCancelled{Notice: id, Agent: c.Agent}}, nil
	})
}

// command is do for a notice that exists.
func (n *Notices) command(ctx context.Context, c Command, id events.NoticeID, decide func(*notice) ([]events.Event, error)) (Done, error) {
	return n.do(ctx, c, id, func(s *notice) ([]events.Event, error) {
		if !s.exists {
			return nil, &NotFoundError{}
		}
		return decide(s)
	})
}

func (n *Notices) do(ctx context.Context, c Command, id events.NoticeID, decide func(*notice) ([]events.Event, error)) (Done, error) {
	w, err := n.j.Execute(ctx, events.NoticeStream(id), c.by(), func(history []events.Recorded) ([]events.Event, error) {
		return decide(fold(history))
	})
	if err != nil {
		return Done{}, err
	}
	return Done{Notice: id, Revision: w.Revision, Position: w.Position}, nil
}

// load reads a notice.
func (n *Notices) load(ctx context.Context, id events.NoticeID) (*notice, error) {
	history, err := n.j.Load(ctx, events.NoticeStream(id), nil)
	if err != nil {
		return nil, err
	}
	s := fold(history)
	if !s.exists {
		return nil, &NotFoundError{}
	}
	return s, nil
}

// sender decides in whose name a person is written to.
func (n *Notices) sender(wanted, theirs events.MailboxID) Sender {
	for _, id := range []events.MailboxID{wanted, theirs} {
		if s, ok := n.senders[id]; ok && id != "" {
			return s
		}
	}
	return n.cfg.Senders[0]
}

// sendersOf are those a notice may go out from.
func (n *Notices) sendersOf(wanted events.MailboxID) []Sender {
	if s, ok := n.senders[wanted]; ok && wanted != "" {
		return []Sender{s}
	}
	return n.cfg.Senders
}
