package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/services/desk"
)

// Done is what a command on a ticket answers.
type Done struct {
	Ticket   string `json:"ticket"`
	Revision int64  `json:"revision"`
	Event    string `json:"event" doc:"Empty when nothing had to change"`
	Message  string `json:"message,omitempty" doc:"Of a reply or a note"`
}

type doneOutput struct {
	Positioned
	Body Done
}

// Target is the header of a command and the ticket it is for.
type Target struct {
	Command
	ID string `path:"id" maxLength:"40" doc:"Id or number"`
}

type replyInput struct {
	Target
	IfMatch string `header:"If-Match" maxLength:"40" doc:"Revision that was seen; 412 with what is new when somebody wrote since"`
	Body    struct {
		Text    string    `json:"text" maxLength:"262144"`
		HTML    string    `json:"html,omitempty" maxLength:"262144"`
		Resolve bool      `json:"resolve,omitempty"`
		SendAt  time.Time `json:"send_at,omitzero" doc:"When it goes out, at most 90 days from now; without it, now"`
		Files   []NewFile `json:"files,omitempty" maxItems:"20" doc:"What goes with it, 25 MB together; what is too large for a mail goes as a link that ends"`
	}
}

// NewFile is a file that goes with an answer.
type NewFile struct {
	Name    string `json:"name" maxLength:"400"`
	Type    string `json:"type,omitempty" maxLength:"200" doc:"Media type"`
	Content []byte `json:"content" doc:"In base64"`
}

// MaxReply is the most bytes of a reply's request: its files in base64.
const MaxReply = desk.MaxFileBytes/3*4 + maxBody

type noteInput struct {
	Target
	Body struct {
		Text string `json:"text" maxLength:"262144"`
	}
}

type assignInput struct {
	Target
	Body struct {
		Agent string `json:"agent" maxLength:"32" doc:"Id of an agent, me, or empty for nobody"`
	}
}

type priorityInput struct {
	Target
	Body struct {
		Priority string `json:"priority" enum:"low,normal,high,urgent"`
	}
}

type tagInput struct {
	Target
	Body struct {
		Add    []string `json:"add,omitempty" maxItems:"50"`
		Remove []string `json:"remove,omitempty" maxItems:"50"`
	}
}

// bare takes a body that says nothing, or none.
type bareInput struct {
	Target
	Body *struct{} `required:"false"`
}

func (a *API) commands() {
	describe := func(id, path, summary string) huma.Operation {
		o := post(id, "/tickets/{id}/"+path, summary)
		o.Errors = []int{http.StatusNotFound, http.StatusConflict}
		return o
	}
	reply := describe("reply", "reply", "Answer the customer")
	reply.Errors = append(reply.Errors, http.StatusPreconditionFailed)
	reply.MaxBodyBytes = MaxReply
	add(a, reply, a.reply)
	add(a, describe("note", "note", "Leave a note for colleagues"), func(ctx context.Context, in *noteInput) (*doneOutput, error) {
		return a.do(ctx, in.Target, func(c desk.Command, id events.TicketID) (desk.Done, error) {
			return a.rooms.Desk.Note(ctx, c, id, in.Body.Text)
		})
	})
	add(a, describe("assign", "assign", "Give a ticket to an agent, or to nobody"), a.assign)
	add(a, describe("resolve", "resolve", "Say that it is answered"), func(ctx context.Context, in *bareInput) (*doneOutput, error) {
		return a.do(ctx, in.Target, func(c desk.Command, id events.TicketID) (desk.Done, error) { return a.rooms.Desk.Resolve(ctx, c, id) })
	})
	add(a, describe("reopen", "reopen", "Say that it is not"), func(ctx context.Context, in *bareInput) (*doneOutput, error) {
		return a.do(ctx, in.Target, func(c desk.Command, id events.TicketID) (desk.Done, error) { return a.rooms.Desk.Reopen(ctx, c, id) })
	})
	add(a, describe("set-priority", "priority", "Say how urgent it is"), func(ctx context.Context, in *priorityInput) (*doneOutput, error) {
		return a.do(ctx, in.Target, func(c desk.Command, id events.TicketID) (desk.Done, error) {
			return a.rooms.Desk.SetPriority(ctx, c, id, events.Priority(in.Body.Priority))
		})
	})
	add(a, describe("tag", "tag", "Put tags on and take tags off"), func(ctx context.Context, in *tagInput) (*doneOutput, error) {
		return a.do(ctx, in.Target, func(c desk.Command, id events.TicketID) (desk.Done, error) {
			return a.rooms.Desk.Tag(ctx, c, id, in.Body.Add, in.Body.Remove)
		})
	})
}

// do carries out one command on a ticket.
func (a *API) do(ctx context.Context, t Target, run func(desk.Command, events.TicketID) (desk.Done, error)) (*doneOutput, error) {
	id, err := a.ticketID(ctx, t.ID)
	if err != nil {
		return nil, err
	}
	done, err := run(t.of(ctx, a.cfg.Now), id)
	if err != nil {
		return nil, err
	}
	out := &doneOutput{Body: Done{Ticket: string(id), Revision: done.Revision, Message: string(done.Message)}}
	if !done.Event.IsZero() {
		out.Body.Event = done.Event.String()
	}
	out.Positioned = a.wrote(ctx, done.Position)
	return out, nil
}

// wrote is the position after a command. A command that changed nothing has
// none: then whatever it agrees with is in the log already.
func (a *API) wrote(ctx context.Context, p events.Position) Positioned {
	if p == events.Start && a.rooms.Head != nil {
		if head, err := a.rooms.Head(ctx); err == nil {
			p = head
		}
	}
	return Positioned{p.String()}
}

func (a *API) reply(ctx context.Context, in *replyInput) (*doneOutput, error) {
	seen, err := ifMatch(in.IfMatch)
	if err != nil {
		return nil, err
	}
	files := make([]desk.File, len(in.Body.Files))
	for i, f := range in.Body.Files {
		files[i] = desk.File(f)
	}
	out, err := a.do(ctx, in.Target, func(c desk.Command, id events.TicketID) (desk.Done, error) {
		return a.rooms.Desk.Reply(ctx, c, desk.Reply{
			Ticket: id, Text: in.Body.Text, HTML: in.Body.HTML, Seen: seen, Resolve: in.Body.Resolve, SendAt: in.Body.SendAt, Files: files,
		})
	})
	if stale, ok := errors.AsType[*desk.StaleError](err); ok {
		p := a.cfg.Problem(ctx, err)
		p.New = a.since(ctx, in.ID, stale)
		return nil, p
	}
	return out, err
}

// assign checks that the agent exists and is active before the desk is asked:
// the desk decides from the ticket alone.
func (a *API) assign(ctx context.Context, in *assignInput) (*doneOutput, error) {
	to := events.AgentID(in.Body.Agent)
	if in.Body.Agent == "me" {
		to = CallerOf(ctx).Agent.ID
	}
	if to != "" {
		agent, err := a.rooms.Accounts.Get(ctx, to)
		if err != nil || !agent.Active {
			return nil, invalid("body.agent", "There is no active agent with this id.")
		}
	}
	return a.do(ctx, in.Target, func(c desk.Command, id events.TicketID) (desk.Done, error) {
		return a.rooms.Desk.Assign(ctx, c, id, to)
	})
}

// since lists the messages that came after the revision an agent saw. It is a
// courtesy: when it cannot be told, the answer is stale all the same.
func (a *API) since(ctx context.Context, idOrNumber string, stale *desk.StaleError) []Message {
	lines, err := a.rooms.Tickets.History(ctx, idOrNumber)
	if err != nil {
		return nil
	}
	seen, revision := events.Start, events.Revision(-1)
	for _, l := range lines {
		if !ticketEvents[l.Type] {
			continue
		}
		if revision++; revision > stale.Seen {
			break
		}
		seen = l.Position
	}
	c, err := a.rooms.Tickets.Read(ctx, CallerOf(ctx).Agent.Principal(), idOrNumber)
	if err != nil {
		return nil
	}
	var out []Message
	for _, m := range c.Messages {
		if seen.Before(m.Position) {
			out = append(out, a.wireMessage(c.Ticket.ID, m))
		}
	}
	return out
}

// ticketEvents are those that count in a ticket's revision.
var ticketEvents = func() map[string]bool {
	m := map[string]bool{}
	for _, k := range events.Catalogue() {
		m[k.Name] = k.Family == "ticket"
	}
	return m
}()

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
