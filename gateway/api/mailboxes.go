package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/projections/tickets"
	"github.com/westshore/hub/services/desk"
)

// MailRoom is what the API needs of the mailboxes. A mailbox that is not there
// gives tickets.ErrNotFound.
type MailRoom struct {
	// Reconciliations lists comparisons with the mail server, newest first;
	// Reconcile makes one now and fetches what is missing.
	Reconciliations func(ctx context.Context, mailbox string) ([]Reconciliation, error)
	Reconcile       func(ctx context.Context, mailbox string) (Reconciliation, error)
	// Connect gives the address where an administrator agrees that the hub may use
	// a mailbox (OAuth 2); Connected is told what the browser brought back.
	Connect   func(ctx context.Context, mailbox string, agent events.AgentID) (string, error)
	Connected func(ctx context.Context, agent events.AgentID, state, code string) (mailbox string, err error)
	// Retry reads a quarantined mail once more.
	Retry func(ctx context.Context, as events.Principal, c desk.Command, id events.InquiryID) (desk.Done, error)
}

// Reconciliation is one comparison of what a mail server holds with what the hub
// holds, mail by mail.
type Reconciliation struct {
	At          time.Time         `json:"at"`
	UIDValidity uint32            `json:"uidvalidity"`
	Server      int               `json:"server" doc:"Mails on the server"`
	Held        int               `json:"held" doc:"Mails taken from it"`
	Gone        int               `json:"gone" doc:"Mails taken that the server no longer has: moved or deleted there"`
	Quarantined []ReconcileReason `json:"quarantined" nullable:"false"`
	Missing     int               `json:"missing" doc:"Mails on the server that were not held"`
	Fetched     int               `json:"fetched" doc:"Of these, fetched then: the gap that was closed"`
	UIDs        []uint32          `json:"uids" nullable:"false" doc:"The first missing numbers"`
}

// ReconcileReason counts what waits in quarantine for one reason.
type ReconcileReason struct {
	Reason string `json:"reason"`
	Count  int    `json:"count"`
}

type reconciliationsOutput struct {
	Body struct {
		Items []Reconciliation `json:"items" nullable:"false"`
	}
}

type reconciliationOutput struct{ Body Reconciliation }

type mailboxInput struct {
	Mailbox string `path:"id" maxLength:"64"`
}

type connectOutput struct {
	Body struct {
		URL string `json:"url" doc:"Open it in the browser"`
	}
}

type connectedInput struct {
	Body struct {
		State string `json:"state" maxLength:"200"`
		Code  string `json:"code" maxLength:"4096"`
	}
}

type connectedOutput struct {
	Body struct {
		Mailbox string `json:"mailbox"`
	}
}

// noMail is a house without mailboxes.
var noMail = MailRoom{
	Reconciliations: func(context.Context, string) ([]Reconciliation, error) { return nil, tickets.ErrNotFound },
	Reconcile: func(context.Context, string) (Reconciliation, error) {
		return Reconciliation{}, tickets.ErrNotFound
	},
	Connect:   func(context.Context, string, events.AgentID) (string, error) { return "", tickets.ErrNotFound },
	Connected: func(context.Context, events.AgentID, string, string) (string, error) { return "", tickets.ErrNotFound },
	Retry: func(context.Context, events.Principal, desk.Command, events.InquiryID) (desk.Done, error) {
		return desk.Done{}, tickets.ErrNotFound
	},
}

func (a *API) mailboxes() {
	room := a.rooms.Mail
	if room == nil {
		room = &noMail
	}
	problems := func(o huma.Operation) huma.Operation {
		o.Errors = append(o.Errors, http.StatusNotFound, http.StatusForbidden, http.StatusConflict)
		return o
	}
	add(a, problems(get("list-reconciliations", "/mailboxes/{id}/reconciliation", "What the mail server held and what the hub held, newest first")), func(ctx context.Context, in *mailboxInput) (*reconciliationsOutput, error) {
		list, err := room.Reconciliations(ctx, in.Mailbox)
		out := reconciliationsOutput{}
		out.Body.Items = append([]Reconciliation{}, list...)
		return &out, err
	})
	add(a, problems(post("reconcile", "/mailboxes/{id}/reconciliation", "Compare now, and fetch what is missing")), func(ctx context.Context, in *mailboxInput) (*reconciliationOutput, error) {
		if _, err := admin(ctx); err != nil {
			return nil, err
		}
		r, err := room.Reconcile(ctx, in.Mailbox)
		return &reconciliationOutput{r}, err
	})
	add(a, problems(post("connect-mailbox", "/mailboxes/{id}/connect", "Begin to let the hub use a mailbox (OAuth 2)")), func(ctx context.Context, in *mailboxInput) (*connectOutput, error) {
		by, err := admin(ctx)
		if err != nil {
			return nil, err
		}
		out := connectOutput{}
		out.Body.URL, err = room.Connect(ctx, in.Mailbox, by.ID)
		return &out, err
	})
	add(a, problems(post("finish-connecting", "/mailboxes/connect", "Finish it with what the browser brought back")), func(ctx context.Context, in *connectedInput) (*connectedOutput, error) {
		by, err := admin(ctx)
		if err != nil {
			return nil, err
		}
		out := connectedOutput{}
		out.Body.Mailbox, err = room.Connected(ctx, by.ID, in.Body.State, in.Body.Code)
		return &out, err
	})
	add(a, problems(post("retry-quarantined", "/quarantine/{id}/retry", "Read the mail once more, from the server where it can be had there")), func(ctx context.Context, in *bareInput) (*judgedOutput, error) {
		if err := identifier(in.ID); err != nil {
			return nil, err
		}
		done, err := room.Retry(ctx, CallerOf(ctx).Agent.Principal(), in.of(ctx, a.cfg.Now), events.InquiryID(in.ID))
		if err != nil {
			return nil, err
		}
		return &judgedOutput{a.wrote(ctx, done.Position), Judged{in.ID, done.Revision, done.Event.String()}}, nil
	})
}
