package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/westshore/hub/events"
	noticeviews "github.com/westshore/hub/projections/notices"
	"github.com/westshore/hub/services/notices"
)

// NoticeText is what a notice says in one language.
type NoticeText struct {
	Language string `json:"language" maxLength:"12" doc:"A tag such as en or pt-br, lower case" example:"en"`
	Subject  string `json:"subject" maxLength:"200"`
	Text     string `json:"text" maxLength:"65536" doc:"Values stand as {{name}} or {{name|what to say instead}}"`
	HTML     string `json:"html,omitempty" maxLength:"65536" doc:"Optional: what mail programs show instead of the text"`
}

// NoticeValue is a value that is the same for every reader.
type NoticeValue struct {
	Name  string `json:"name" maxLength:"40" doc:"Lower-case letters, digits and underscores" example:"effective_date"`
	Value string `json:"value" maxLength:"500"`
}

// Audience says who gets a notice.
type Audience struct {
	Mailbox   string     `json:"mailbox,omitempty" maxLength:"64" doc:"Who wrote to it; empty: to any"`
	Since     *time.Time `json:"since,omitempty" doc:"Who wrote since"`
	Customers []string   `json:"customers,omitempty" maxItems:"20000" doc:"Only these people"`
}

// NoticeDraft is what a notice will be.
type NoticeDraft struct {
	Kind     string        `json:"kind" enum:"administrative,promotional" doc:"Promotional ones go to those who agreed"`
	Topic    string        `json:"topic" enum:"policy,transfer,incident,service,other"`
	Title    string        `json:"title" minLength:"1" maxLength:"120" doc:"What agents call it"`
	Mailbox  string        `json:"mailbox,omitempty" maxLength:"64" doc:"In whose name; empty: the mailbox each reader wrote to last"`
	Template string        `json:"template,omitempty" maxLength:"32" doc:"It was made from; for the record"`
	Texts    []NoticeText  `json:"texts" nullable:"false" minItems:"1" maxItems:"20" doc:"The first language is the one for everybody else"`
	Values   []NoticeValue `json:"values,omitempty" maxItems:"30"`
	Audience Audience      `json:"audience,omitempty"`
	Rate     int           `json:"rate,omitempty" minimum:"0" doc:"Messages a minute; 0 is the default"`
}

func (d NoticeDraft) draft() notices.Draft {
	out := notices.Draft{
		Kind: events.OutboundKind(d.Kind), Topic: d.Topic, Title: d.Title, Mailbox: events.MailboxID(d.Mailbox),
		Template: events.TemplateID(d.Template), Texts: noticeTexts(d.Texts), Rate: d.Rate,
		Audience: events.NoticeAudience{Mailbox: events.MailboxID(d.Audience.Mailbox)},
	}
	if d.Audience.Since != nil {
		out.Audience.Since = d.Audience.Since.UTC()
	}
	for _, c := range d.Audience.Customers {
		out.Audience.Customers = append(out.Audience.Customers, events.SubjectID(c))
	}
	for _, v := range d.Values {
		out.Values = append(out.Values, events.NoticeValue(v))
	}
	return out
}

func noticeTexts(list []NoticeText) []events.NoticeText {
	out := make([]events.NoticeText, len(list))
	for i, t := range list {
		out[i] = events.NoticeText(t)
	}
	return out
}

// NoticeToMany is one message to many, with live counts.
type NoticeToMany struct {
	ID          string           `json:"id"`
	State       string           `json:"state" enum:"draft,approved,listing,sending,paused,cancelled,finished"`
	Draft       NoticeDraft      `json:"draft"`
	Drafters    []Ref            `json:"drafters" nullable:"false" doc:"All who wrote on it: none of them can approve it"`
	Approver    MaybeRef         `json:"approver"`
	StartedBy   MaybeRef         `json:"started_by"`
	PauseCause  string           `json:"pause_cause" enum:"agent,failures," doc:"failures: too many messages failed"`
	Recipients  int              `json:"recipients" doc:"Length of the frozen list; before the start, how many the audience names now"`
	Listed      bool             `json:"listed" doc:"The list is complete"`
	Counts      map[string]int64 `json:"counts" doc:"Messages by state, and skipped"`
	Skipped     map[string]int64 `json:"skipped" doc:"People without a message, by reason"`
	Outstanding int64            `json:"outstanding" doc:"People without an outcome yet"`
	SecondsLeft int64            `json:"seconds_left" doc:"Until the last message is queued, at this pace"`
	Revision    int64            `json:"revision"`
	CreatedAt   time.Time        `json:"created_at"`
	UpdatedAt   time.Time        `json:"updated_at"`
	ApprovedAt  *time.Time       `json:"approved_at" nullable:"true"`
	StartedAt   *time.Time       `json:"started_at" nullable:"true"`
	FinishedAt  *time.Time       `json:"finished_at" nullable:"true"`
}

type noticesOutput struct {
	Positioned
	Body struct {
		Items []NoticeToMany `json:"items" nullable:"false"`
		Next  string         `json:"next"`
	}
}

type noticeOutput struct {
	Positioned
	Body NoticeToMany
}

// NoticeDone is what a command on a notice answers.
type NoticeDone struct {
	Notice   string `json:"notice"`
	Revision int64  `json:"revision"`
	Outbound string `json:"outbound,omitempty" doc:"Of a preview that was sent"`
}

type noticeDoneOutput struct {
	Positioned
	Body NoticeDone
}

type draftNoticeInput struct {
	Command
	Body NoticeDraft
}

type reviseNoticeInput struct {
	Target
	Body NoticeDraft
}

type approveNoticeInput struct {
	Target
	Body struct {
		Revision int64 `json:"revision" doc:"Of the notice that was looked at"`
	}
}

func (a *API) notices() {
	if a.rooms.Notices == nil {
		return
	}
	add(a, get("list-notices", "/notices", "Messages to many, newest first"), a.listNotices)
	add(a, get("get-notice", "/notices/{id}", "One of them, with live counts"), a.getNotice)
	add(a, get("list-notice-recipients", "/notices/{id}/recipients", "Who got it, and who did not and why"), a.noticeRecipients)
	draft := post("draft-notice", "/notices", "Begin a message to many")
	draft.DefaultStatus = http.StatusCreated
	add(a, draft, func(ctx context.Context, in *draftNoticeInput) (*noticeDoneOutput, error) {
		return a.noticeDone(ctx)(a.rooms.Notices.Draft(ctx, a.noticeCommand(ctx, in.Command), in.Body.draft()))
	})
	add(a, noticeOp("revise-notice", "revise", "Write it anew; an approval ends"), func(ctx context.Context, in *reviseNoticeInput) (*noticeDoneOutput, error) {
		return a.noticeDone(ctx)(a.rooms.Notices.Revise(ctx, a.noticeCommand(ctx, in.Command), events.NoticeID(in.ID), in.Body.draft()))
	})
	add(a, noticeOp("approve-notice", "approve", "Say yes to it as a second person; administrators only"), func(ctx context.Context, in *approveNoticeInput) (*noticeDoneOutput, error) {
		if _, err := admin(ctx); err != nil {
			return nil, err
		}
		return a.noticeDone(ctx)(a.rooms.Notices.Approve(ctx, a.noticeCommand(ctx, in.Command), events.NoticeID(in.ID), in.Body.Revision))
	})
	for _, c := range []struct {
		path, summary string
		admin         bool
		run           func(context.Context, notices.Command, events.NoticeID) (notices.Done, error)
	}{
		{"start", "Send it off; administrators only", true, a.rooms.Notices.Start},
		{"pause", "Hold it", false, a.rooms.Notices.Pause},
		{"resume", "Let it go on; administrators only", true, a.rooms.Notices.Resume},
		{"cancel", "End it: who has not got it does not get it", false, a.rooms.Notices.Cancel},
	} {
		add(a, noticeOp(c.path+"-notice", c.path, c.summary), func(ctx context.Context, in *bareInput) (*noticeDoneOutput, error) {
			if _, err := admin(ctx); err != nil && c.admin {
				return nil, err
			}
			return a.noticeDone(ctx)(c.run(ctx, a.noticeCommand(ctx, in.Command), events.NoticeID(in.ID)))
		})
	}
	a.noticePreviews()
	a.templates()
}

func noticeOp(id, path, summary string) huma.Operation {
	o := post(id, "/notices/{id}/"+path, summary)
	o.Errors = []int{http.StatusNotFound, http.StatusConflict, http.StatusForbidden}
	return o
}

func (a *API) noticeCommand(ctx context.Context, c Command) notices.Command {
	return notices.Command(c.of(ctx, a.cfg.Now))
}

// noticeDone answers a command.
func (a *API) noticeDone(ctx context.Context) func(notices.Done, error) (*noticeDoneOutput, error) {
	return func(d notices.Done, err error) (*noticeDoneOutput, error) {
		if err != nil {
			return nil, err
		}
		return &noticeDoneOutput{a.wrote(ctx, d.Position), NoticeDone{string(d.Notice), d.Revision, string(d.Outbound)}}, nil
	}
}

func (a *API) listNotices(ctx context.Context, in *struct {
	Reading
	Paging
},
) (*noticesOutput, error) {
	var out noticesOutput
	var err error
	if out.Positioned, err = a.view(ctx, "notices", in.Reading); err != nil {
		return nil, err
	}
	page, err := a.rooms.NoticeView.List(ctx, in.Limit, in.After)
	if err != nil {
		return nil, cursorError(err)
	}
	out.Body.Items, out.Body.Next = make([]NoticeToMany, len(page.Items)), page.Next
	for i, n := range page.Items {
		if out.Body.Items[i], err = a.wireNotice(ctx, n); err != nil {
			return nil, err
		}
	}
	return &out, nil
}

func (a *API) getNotice(ctx context.Context, in *struct {
	Reading
	ID string `path:"id" maxLength:"32"`
},
) (*noticeOutput, error) {
	var out noticeOutput
	var err error
	if out.Positioned, err = a.view(ctx, "notices", in.Reading); err != nil {
		return nil, err
	}
	n, err := a.rooms.NoticeView.Get(ctx, events.NoticeID(in.ID))
	if err != nil {
		return nil, noticeError(err)
	}
	out.Body, err = a.wireNotice(ctx, n)
	return &out, err
}

func noticeError(err error) error {
	if errors.Is(err, noticeviews.ErrNotFound) {
		return &notices.NotFoundError{}
	}
	return err
}

func (a *API) wireNotice(ctx context.Context, n noticeviews.Notice) (NoticeToMany, error) {
	w := NoticeToMany{
		ID: string(n.ID), State: string(n.State), Draft: wireDraft(n), Drafters: []Ref{}, PauseCause: n.Cause, Recipients: n.Recipients, Listed: n.Listed,
		Counts: n.Counts, Skipped: n.Skipped, Revision: n.Revision, CreatedAt: n.CreatedAt.UTC(), UpdatedAt: n.UpdatedAt.UTC(),
		ApprovedAt: maybe(n.ApprovedAt), StartedAt: maybe(n.StartedAt), FinishedAt: maybe(n.FinishedAt),
		Approver: a.agent(ctx, n.Approver), StartedBy: a.agent(ctx, n.Starter),
	}
	for _, id := range n.Drafters {
		w.Drafters = append(w.Drafters, *a.agent(ctx, id).Ref)
	}
	if n.State == noticeviews.Draft || n.State == noticeviews.Approved {
		w.Recipients = len(n.Audience.Customers)
		if w.Recipients == 0 {
			var err error
			if w.Recipients, err = a.rooms.NoticeView.CountAudience(ctx, n.Audience, a.cfg.Now()); err != nil {
				return w, err
			}
		}
		return w, nil
	}
	var looked int64
	for _, count := range n.Counts {
		looked += count
	}
	w.Outstanding = n.Counts["queued"] + n.Counts["sending"] + n.Counts["deferred"]
	if left := int64(n.Recipients) - looked; left > 0 && n.State != noticeviews.Cancelled {
		w.Outstanding += left
		if n.Rate > 0 {
			w.SecondsLeft = left * 60 / int64(n.Rate)
		}
	}
	return w, nil
}

func wireDraft(n noticeviews.Notice) NoticeDraft {
	d := NoticeDraft{
		Kind: string(n.Kind), Topic: n.Topic, Title: n.Title, Mailbox: string(n.Mailbox), Template: string(n.Template), Rate: n.Rate,
		Texts: wireTexts(n.Texts), Audience: Audience{Mailbox: string(n.Audience.Mailbox), Since: maybe(n.Audience.Since)},
	}
	for _, v := range n.Values {
		d.Values = append(d.Values, NoticeValue(v))
	}
	for _, c := range n.Audience.Customers {
		d.Audience.Customers = append(d.Audience.Customers, string(c))
	}
	return d
}

func wireTexts(list []events.NoticeText) []NoticeText {
	out := make([]NoticeText, len(list))
	for i, t := range list {
		out[i] = NoticeText(t)
	}
	return out
}

func maybe(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// agent names an agent; one who is not known any more keeps the id.
func (a *API) agent(ctx context.Context, id events.AgentID) MaybeRef {
	if id == "" {
		return MaybeRef{}
	}
	ref := Ref{ID: string(id)}
	if ag, err := a.rooms.Accounts.Get(ctx, id); err == nil {
		ref.Name = ag.Name
	}
	return MaybeRef{&ref}
}

// NoticeRecipient is one person on the list of a notice.
type NoticeRecipient struct {
	Outbound  string    `json:"outbound" doc:"Id of the message; of one that was skipped there is none in the outbox"`
	Customer  string    `json:"customer"`
	State     string    `json:"state" doc:"State of the message, or skipped"`
	Detail    string    `json:"detail" doc:"Why it was skipped, or the code or class of the last outcome"`
	UpdatedAt time.Time `json:"updated_at"`
}

type noticeRecipientsOutput struct {
	Positioned
	Body struct {
		Items []NoticeRecipient `json:"items" nullable:"false"`
		Next  string            `json:"next"`
	}
}

func (a *API) noticeRecipients(ctx context.Context, in *struct {
	Reading
	Paging
	ID    string `path:"id" maxLength:"32"`
	State string `query:"state" maxLength:"20"`
},
) (*noticeRecipientsOutput, error) {
	var out noticeRecipientsOutput
	var err error
	if out.Positioned, err = a.view(ctx, "notices", in.Reading); err != nil {
		return nil, err
	}
	page, err := a.rooms.NoticeView.Recipients(ctx, events.NoticeID(in.ID), in.State, in.Limit, in.After)
	if err != nil {
		return nil, err
	}
	out.Body.Items, out.Body.Next = make([]NoticeRecipient, len(page.Items)), page.Next
	for i, r := range page.Items {
		out.Body.Items[i] = NoticeRecipient{string(r.Outbound), string(r.Customer), r.State, r.Detail, r.UpdatedAt}
	}
	return &out, nil
}
