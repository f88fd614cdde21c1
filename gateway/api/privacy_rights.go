package api

import (
	"context"
	"net/http"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/projections/privacy"
	"github.com/westshore/hub/services/privacy/rights"
)

// Made names what a command began or changed.
type Made struct {
	ID string `json:"id"`
}

type madeOutput struct{ Body Made }

type newRequestInput struct {
	Command
	Body struct {
		Kind     string `json:"kind" enum:"access,erasure,rectification,restriction,objection,portability"`
		Customer string `json:"customer" maxLength:"40"`
		Channel  string `json:"channel,omitempty" enum:"mail,agent" default:"agent"`
		Ground   string `json:"ground,omitempty" maxLength:"20" doc:"Letter of GDPR article 17(1) or 18(1); marketing for an objection to it"`
		Ticket   string `json:"ticket,omitempty" maxLength:"40"`
		Text     string `json:"text,omitempty" maxLength:"4000" doc:"What the person asks, in their words"`
		Name     string `json:"name,omitempty" maxLength:"200" doc:"Of a rectification: the right name"`
		Address  string `json:"address,omitempty" maxLength:"320" doc:"Of a rectification: the right address"`
		Verified bool   `json:"verified,omitempty" doc:"The officer has made sure who asks"`
	}
}

// requestAction is what may be said about a request; each action reads its own part.
type requestAction struct {
	Command
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Method  string `json:"method,omitempty" enum:"desk,reply" doc:"verify: how"`
		Reason  string `json:"reason,omitempty" maxLength:"60" doc:"doubt: code"`
		Ground  string `json:"ground,omitempty" maxLength:"60" doc:"extend, refuse, decide: ground; restrict, object: letter of the article, or marketing"`
		Article string `json:"article,omitempty" maxLength:"60" doc:"refuse: article that allows it"`
		Name    string `json:"name,omitempty" maxLength:"200" doc:"rectify"`
		Address string `json:"address,omitempty" maxLength:"320" doc:"rectify"`
		Upheld  bool   `json:"upheld,omitempty" doc:"decide: the objection stands"`

		Recipient string `json:"recipient,omitempty" maxLength:"64" doc:"confirm: who did what they were told"`
	}
}

func (a *API) privacyRights() {
	r := a.rooms.Privacy.Rights
	add(a, privacyDescribe(post("add-privacy-request", "/privacy/requests", "Take a request of a person about their data")), func(ctx context.Context, in *newRequestInput) (*madeOutput, error) {
		if _, err := officer(ctx); err != nil {
			return nil, err
		}
		if err := identifier(in.Body.Customer); err != nil {
			return nil, err
		}
		b := in.Body
		n := rights.Intake{
			Kind: events.RequestKind(b.Kind), Customer: events.SubjectID(b.Customer), Channel: b.Channel, Ground: b.Ground, Ticket: events.TicketID(b.Ticket),
			Wish: events.Wish{Text: b.Text, Name: b.Name, Address: b.Address},
		}
		if b.Verified {
			n.Verified = "desk"
		}
		id, err := r.Receive(ctx, in.by(ctx, a.cfg.Now), n)
		return &madeOutput{Made{string(id)}}, err
	})
	for _, x := range []struct {
		name, does string
		do         func(ctx context.Context, by rights.By, id events.RequestID, in *requestAction) error
	}{
		{"verify", "The requester is the person", func(ctx context.Context, by rights.By, id events.RequestID, in *requestAction) error {
			return r.Verify(ctx, by, id, in.Body.Method)
		}},
		{"doubt", "Stop the clock until the requester proves who they are", func(ctx context.Context, by rights.By, id events.RequestID, in *requestAction) error {
			return r.Doubt(ctx, by, id, in.Body.Reason)
		}},
		{"extend", "Use the longer time, and tell the requester", func(ctx context.Context, by rights.By, id events.RequestID, in *requestAction) error {
			return r.Extend(ctx, by, id, events.Ground(in.Body.Ground))
		}},
		{"refuse", "Say no, with the ground, and tell the requester", func(ctx context.Context, by rights.By, id events.RequestID, in *requestAction) error {
			return r.Refuse(ctx, by, id, events.Ground(in.Body.Ground), in.Body.Article)
		}},
		{"withdraw", "The requester does not want it any more", func(ctx context.Context, by rights.By, id events.RequestID, _ *requestAction) error {
			return r.WithdrawRequest(ctx, by, id)
		}},
		{"export", "Make the copy of the person's data and send a link to it", func(ctx context.Context, by rights.By, id events.RequestID, _ *requestAction) error {
			return r.Export(ctx, by, id)
		}},
		{"rectify", "Put the person's contact right; the old entry is destroyed", func(ctx context.Context, by rights.By, id events.RequestID, in *requestAction) error {
			return r.Rectify(ctx, by, id, events.Address{Name: in.Body.Name, Address: in.Body.Address})
		}},
		{"restrict", "Restrict the use of the person's data", func(ctx context.Context, by rights.By, id events.RequestID, in *requestAction) error {
			q, err := r.Get(ctx, id)
			if err != nil {
				return err
			}
			return r.Restrain(ctx, by, q.Customer, id, in.Body.Ground, in.Body.Ground == "b" || in.Body.Ground == "c")
		}},
		{"lift", "Tell the person, then lift the restriction", func(ctx context.Context, by rights.By, id events.RequestID, _ *requestAction) error {
			return r.Lift(ctx, by, id)
		}},
		{"object", "Note an objection; the use rests until it is decided", func(ctx context.Context, by rights.By, id events.RequestID, in *requestAction) error {
			return r.Object(ctx, by, id, in.Body.Ground)
		}},
		{"decide", "Decide an objection", func(ctx context.Context, by rights.By, id events.RequestID, in *requestAction) error {
			return r.DecideObjection(ctx, by, id, in.Body.Upheld, events.Ground(in.Body.Ground))
		}},
		{"confirm", "A recipient confirmed the change it was told of", func(ctx context.Context, by rights.By, id events.RequestID, in *requestAction) error {
			return r.RecipientDone(ctx, by, id, in.Body.Recipient)
		}},
	} {
		add(a, privacyDescribe(post("privacy-request-"+x.name, "/privacy/requests/{id}/"+x.name, x.does)), func(ctx context.Context, in *requestAction) (*madeOutput, error) {
			if _, err := officer(ctx); err != nil {
				return nil, err
			}
			if err := identifier(in.ID); err != nil {
				return nil, err
			}
			return &madeOutput{Made{in.ID}}, x.do(ctx, in.by(ctx, a.cfg.Now), events.RequestID(in.ID), in)
		})
	}
	a.privacyConsents()
}

type consentAction struct {
	Command
	ID   string `path:"customer" maxLength:"40"`
	Body struct {
		Purpose string `json:"purpose" maxLength:"40"`
	}
}

// ConsentPurpose is something that consent can be given to.
type ConsentPurpose struct {
	Code  string `json:"code"`
	Title string `json:"title"`
}

func (a *API) privacyConsents() {
	type consentsOutput struct {
		Positioned
		Body struct {
			Items    []privacy.Consent `json:"items" nullable:"false"`
			Ledger   []Step            `json:"ledger" nullable:"false" doc:"Of one customer: everything that was asked, given, taken back and told, oldest first"`
			Purposes []ConsentPurpose  `json:"purposes" nullable:"false" doc:"What consent can be given to"`
		}
	}
	add(a, privacyDescribe(get("list-privacy-consents", "/privacy/consents", "Where consents stand")), func(ctx context.Context, in *struct {
		Reading
		Customer string `query:"customer" maxLength:"40"`
		Limit    int    `query:"limit" minimum:"1" maximum:"500" default:"200"`
	},
	) (*consentsOutput, error) {
		// An agent may see whom they may write to; everybody's consents are the office's.
		if in.Customer == "" {
			if _, err := officer(ctx); err != nil {
				return nil, err
			}
		}
		var out consentsOutput
		var err error
		if out.Positioned, err = a.view(ctx, "privacy", in.Reading); err != nil {
			return nil, err
		}
		out.Body.Items, err = a.rooms.Privacy.View.Consents(ctx, events.SubjectID(in.Customer), in.Limit)
		if err != nil {
			return nil, err
		}
		out.Body.Items, out.Body.Ledger, out.Body.Purposes = filled(out.Body.Items), []Step{}, []ConsentPurpose{}
		for _, p := range a.rooms.Privacy.Rights.Purposes() {
			out.Body.Purposes = append(out.Body.Purposes, ConsentPurpose{p.Code, p.Title})
		}
		if in.Customer != "" {
			steps, err := a.rooms.Privacy.View.Steps(ctx, events.CustomerStream(events.SubjectID(in.Customer)))
			if err != nil {
				return nil, err
			}
			out.Body.Ledger = wireSteps(steps)
		}
		return &out, nil
	})
	for _, x := range []struct {
		name, does string
		do         func(ctx context.Context, by rights.By, customer events.SubjectID, purpose string) error
	}{
		{"ask", "Ask a person for consent, by a letter with a link", func(ctx context.Context, by rights.By, c events.SubjectID, p string) error {
			return a.rooms.Privacy.Rights.AskConsent(ctx, by, c, p)
		}},
		{"withdraw", "Note that a person takes consent back", func(ctx context.Context, by rights.By, c events.SubjectID, p string) error {
			return a.rooms.Privacy.Rights.Withdraw(ctx, by, c, p, "agent")
		}},
	} {
		o := privacyDescribe(post("privacy-consent-"+x.name, "/privacy/consents/{customer}/"+x.name, x.does))
		o.DefaultStatus = http.StatusNoContent
		add(a, o, func(ctx context.Context, in *consentAction) (*struct{}, error) {
			if err := identifier(in.ID); err != nil {
				return nil, err
			}
			return nil, x.do(ctx, in.by(ctx, a.cfg.Now), events.SubjectID(in.ID), in.Body.Purpose)
		})
	}
}
