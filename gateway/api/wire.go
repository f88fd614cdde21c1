package api

import (
	"encoding/json"
	"reflect"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/gateway/mailview"
	"github.com/westshore/hub/projections/tickets"
)

// Ref names something that has a page of its own.
type Ref struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// MaybeRef is a Ref or null.
type MaybeRef struct{ *Ref }

// MarshalJSON writes the Ref or null.
func (m MaybeRef) MarshalJSON() ([]byte, error) { return json.Marshal(m.Ref) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (m *MaybeRef) UnmarshalJSON(b []byte) error { return json.Unmarshal(b, &m.Ref) }

// Schema describes both.
func (MaybeRef) Schema(r huma.Registry) *huma.Schema {
	return &huma.Schema{OneOf: []*huma.Schema{r.Schema(reflect.TypeFor[Ref](), true, "Ref"), {Type: "null"}}}
}

// Address is a mail address with the name shown beside it.
type Address struct {
	Name    string `json:"name"`
	Address string `json:"address"`
}

// CustomerRef is a customer as a ticket shows it.
type CustomerRef struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Address string `json:"address"`
}

// Ticket is one line of a list.
type Ticket struct {
	ID         string      `json:"id"`
	Number     int64       `json:"number"`
	Subject    string      `json:"subject"`
	Snippet    string      `json:"snippet"`
	Status     string      `json:"status" enum:"open,pending,resolved,closed"`
	Priority   string      `json:"priority" enum:"low,normal,high,urgent"`
	Channel    string      `json:"channel" enum:"email,form"`
	Customer   CustomerRef `json:"customer"`
	Assignee   MaybeRef    `json:"assignee"`
	Tags       []string    `json:"tags" nullable:"false"`
	CreatedAt  time.Time   `json:"created_at"`
	UpdatedAt  time.Time   `json:"updated_at"`
	Revision   int64       `json:"revision"`
	Unverified bool        `json:"unverified" doc:"A message came from somebody who is no participant"`
	LastKind   string      `json:"last_kind" enum:"inbound,reply,note,auto,"`
	Erased     bool        `json:"erased"`
	Related    string      `json:"related,omitempty" doc:"Id of a ticket that this one may belong to"`
}

// Attachment is one file of a message.
type Attachment struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Type string `json:"type"`
	Size int64  `json:"size"`
}

// TextLink is an address as it stands in a text, and where its link leads.
type TextLink struct {
	Text string `json:"text"`
	Href string `json:"href"`
}

// Message is one entry of a conversation.
type Message struct {
	ID             string            `json:"id"`
	Kind           string            `json:"kind" enum:"inbound,reply,note,auto"`
	From           Address           `json:"from"`
	To             []Address         `json:"to" nullable:"false"`
	Cc             []Address         `json:"cc" nullable:"false"`
	At             time.Time         `json:"at"`
	Subject        string            `json:"subject"`
	Text           string            `json:"text"`
	HTML           string            `json:"html" doc:"A safe document, as GET …/body answers it; empty when the message has none"`
	HasHTML        bool              `json:"has_html"`
	QuoteFrom      int               `json:"quote_from" doc:"Byte offset in text of the folded quote, -1 none"`
	Links          []TextLink        `json:"links" nullable:"false" doc:"Addresses of the web in text; those of strangers lead over the page that says so"`
	Fields         map[string]string `json:"fields,omitempty" doc:"Further answers of a form, by label; they also stand in text"`
	Attachments    []Attachment      `json:"attachments" nullable:"false"`
	State          string            `json:"state" enum:"plain,erased,restricted,denied"`
	Redacted       bool              `json:"redacted" doc:"Words of it, or all, were taken out for good"`
	Unverified     bool              `json:"unverified"`
	KeepUntil      *time.Time        `json:"keep_until" nullable:"true" doc:"When its text is destroyed, by the retention schedule; null when there is no date, or it is gone"`
	Delivery       string            `json:"delivery" enum:"queued,sending,accepted,deferred,failed,unknown,bounced,cancelled,held,"`
	DeliveryDetail string            `json:"delivery_detail"`
	SendAt         *time.Time        `json:"send_at" nullable:"true" doc:"When a queued answer goes out at the earliest: until then it can be taken back; null for everything else"`
	Class          string            `json:"class"`
	Warnings       []string          `json:"warnings" nullable:"false"`
	Why            string            `json:"why"`
	Agent          MaybeRef          `json:"agent"`
	RemoteImages   int               `json:"remote_images" doc:"Remote images that were not loaded"`
	Cut            bool              `json:"cut,omitempty" doc:"The text was cut to fit; the raw mail has all"`
	Raw            bool              `json:"raw" doc:"The mail as it came can be downloaded"`
	Position       string            `json:"position"`
}

func agentRef(a *tickets.Agent) MaybeRef {
	if a == nil {
		return MaybeRef{}
	}
	return MaybeRef{&Ref{string(a.ID), a.Name}}
}

func wireTicket(t tickets.Ticket) Ticket {
	return Ticket{
		ID: string(t.ID), Number: t.Number, Subject: t.Subject, Snippet: t.Snippet, Status: string(t.Status), Priority: string(t.Priority),
		Channel: string(t.Channel), Customer: CustomerRef{string(t.Customer.ID), t.Customer.Name, t.Customer.Address},
		Assignee: agentRef(t.Assignee), Tags: filled(t.Tags), CreatedAt: t.CreatedAt.UTC(), UpdatedAt: t.UpdatedAt.UTC(), Revision: t.Revision,
		Unverified: t.Unverified, LastKind: string(t.LastKind), Erased: t.Erased, Related: string(t.Related),
	}
}

func wireTickets(list []tickets.Ticket) []Ticket {
	out := make([]Ticket, len(list))
	for i, t := range list {
		out[i] = wireTicket(t)
	}
	return out
}

func (a *API) wireMessage(ticket events.TicketID, m tickets.Message) Message {
	w := Message{
		ID: m.ID, Kind: string(m.Kind), From: Address(m.From), To: addresses(m.To), Cc: addresses(m.Cc), At: m.At.UTC(), Subject: m.Subject,
		Text: m.Text, HasHTML: m.HTML != "", QuoteFrom: m.QuoteFrom, Fields: m.Fields, Attachments: []Attachment{}, State: m.State.String(),
		Unverified: m.Unverified, Redacted: m.Redacted, Delivery: m.Delivery, DeliveryDetail: m.DeliveryDetail, Class: string(m.Class),
		Warnings: filled(m.Warnings), Why: m.Why, Agent: agentRef(m.Agent), Cut: m.Cut, Raw: m.Raw, Position: m.Position.String(), Links: []TextLink{},
	}
	for _, l := range a.cfg.Leave.Links(m.Text) {
		w.Links = append(w.Links, TextLink(l))
	}
	if !m.SendAt.IsZero() {
		at := m.SendAt.UTC()
		w.SendAt = &at
	}
	if m.HTML != "" {
		w.HTML, w.RemoteImages = mailview.Document(m.HTML, mailview.Options{Inline: inline(ticket, m), Leave: a.cfg.Leave})
	}
	for _, f := range m.Attachments {
		w.Attachments = append(w.Attachments, Attachment{f.ID, f.Name, f.Type, f.Size})
	}
	return w
}

func (a *API) wireMessages(c tickets.Conversation) []Message {
	out := make([]Message, len(c.Messages))
	for i, m := range c.Messages {
		out[i] = a.wireMessage(c.Ticket.ID, m)
	}
	return out
}

func addresses(list []events.Address) []Address {
	out := make([]Address, len(list))
	for i, a := range list {
		out[i] = Address(a)
	}
	return out
}

// filled is never null on the wire.
func filled[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return slices.Clone(list)
}
