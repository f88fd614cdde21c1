package desk

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
)

// Config gives the desk what it needs from other rooms, as functions: rooms do
// not import each other.
type Config struct {
	Journal *journal.Journal
	// MessageID makes the signed Message-ID of an outgoing message (MAIL I32).
	MessageID func(events.TicketID, events.MessageID, events.MailboxID) string
	// Own reports whether an address is one of ours, plus-addresses included:
	// we never write to ourselves (MAIL O19).
	Own func(address string) bool
	// Mailbox is answered from when an inquiry names none.
	Mailbox events.MailboxID
	Now     func() time.Time
	Logger  *slog.Logger
}

// Desk carries out commands. It is safe for concurrent use.
type Desk struct {
	cfg Config
	j   *journal.Journal
	now func() time.Time
	log *slog.Logger
}

// New returns a desk.
func New(cfg Config) *Desk {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Desk{cfg: cfg, j: cfg.Journal, now: cfg.Now, log: cfg.Logger.With("room", "desk")}
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

// Done is what a command answers: where the ticket is now.
type Done struct {
	Revision events.Revision
	Position events.Position
	Event    events.UUID      // the first event written; zero when nothing changed
	Message  events.MessageID // of a reply or a note
}

// ErrNotFound says that there is no such ticket, inquiry or message.
var ErrNotFound = errors.New("not found")

// Refusal is a business "no": a stable code and a sentence for the agent.
type Refusal struct {
	Code     string
	Sentence string
}

func (r *Refusal) Error() string { return r.Sentence }

// StaleError says that the conversation went on since the agent last saw it.
type StaleError struct {
	Revision events.Revision // of the ticket now
	Seen     events.Revision // what the agent saw
}

func (e *StaleError) Error() string {
	return "somebody wrote in this conversation since you last saw it"
}

// errKeyReused refuses a command that comes under the name of another one: doing
// nothing and saying that it is done would lose it.
var errKeyReused = &Refusal{"key_reused", "This Idempotency-Key was used for something else."}

// change runs one command on a ticket. A command that was done before is not done
// again; same says whether its first event is what this command asks for.
func (d *Desk) change(ctx context.Context, c Command, id events.TicketID, decide func(*ticket) ([]events.Event, error), same func(events.Event) bool) (Done, error) {
	w, err := d.j.Execute(ctx, events.TicketStream(id), c.by(), func(history []events.Recorded) ([]events.Event, error) {
		t := fold(history)
		if !t.exists {
			return nil, ErrNotFound
		}
		return decide(t)
	})
	if err == nil && w.Repeated {
		err = d.repeats(ctx, c, id, w.Events[0], same)
	}
	if err != nil {
		return Done{}, err
	}
	done := Done{Revision: w.Revision, Position: w.Position}
	if len(w.Events) > 0 {
		done.Event = w.Events[0]
	}
	return done, nil
}

// repeats refuses a command whose name another one has.
func (d *Desk) repeats(ctx context.Context, c Command, id events.TicketID, first events.UUID, same func(events.Event) bool) error {
	as := events.Principal{Actor: events.AgentActor(c.Agent), Role: events.RoleDesk, Purpose: events.PurposeSupport}
	history, err := d.j.Load(ctx, events.TicketStream(id), &as)
	if err != nil {
		return err
	}
	for _, r := range history {
		if r.ID == first && !same(r.Event) {
			return errKeyReused
		}
	}
	return nil
}
