package projectiontest

import (
	"fmt"
	"strings"
	"time"

	"github.com/westshore/hub/events"
)

// The helpers below write what the desk writes when something happens. Ids are
// derived from a number, so that stories can be told twice alike.

// TicketID is the id of the n-th ticket.
func TicketID(n int) events.TicketID {
	return events.TicketID(events.DeriveUUID("ticket", fmt.Sprint(n)).String())
}

// InquiryID is the id of the n-th inquiry.
func InquiryID(n int) events.InquiryID {
	return events.InquiryID(events.DeriveUUID("inquiry", fmt.Sprint(n)).String())
}

// MessageID is the id of the n-th message.
func MessageID(n int) events.MessageID {
	return events.MessageID(events.DeriveUUID("message", fmt.Sprint(n)).String())
}

// OutboundID is the id of the n-th outgoing message.
func OutboundID(n int) events.OutboundID {
	return events.OutboundID(events.DeriveUUID("outbound", fmt.Sprint(n)).String())
}

// CustomerID is the id of the n-th person.
func CustomerID(n int) events.SubjectID {
	return events.SubjectID(events.DeriveUUID("customer", fmt.Sprint(n)).String())
}

// AgentID is the id of the n-th agent.
func AgentID(n int) events.AgentID {
	return events.AgentID(events.DeriveUUID("agent", fmt.Sprint(n)).String())
}

// Receive records the n-th inquiry, a mail of a person.
func (l *Log) Receive(n, customer int, from events.Address, letter events.Letter) events.Position {
	l.t.Helper()
	id := InquiryID(n)
	return l.Add(events.InquiryStream(id), "door:mailbox", events.InquiryReceived{
		Inquiry: id, Channel: events.Email, Mailbox: "support", UIDValidity: 7, UID: uint32(n + 1), ArrivedAt: l.Now().Add(-time.Second),
		Customer: CustomerID(customer), Class: events.MailHuman, Size: int64(len(letter.Text)),
		Raw: events.Blob{
			KID: events.KID(events.DeriveUUID("raw", fmt.Sprint(n)).String()), Size: 9, Digest: "d",
			Inline: mask("raw", []byte(strings.Repeat("raw mail ", 8))),
		},
		Contact: events.Seal(from), Letter: events.Seal(letter),
	})
}

// OpenTicket opens the n-th ticket for an inquiry.
func (l *Log) OpenTicket(n, inquiry, customer int) events.Position {
	l.t.Helper()
	id := TicketID(n)
	return l.Add(events.TicketStream(id), "system:desk",
		events.TicketOpened{Ticket: id, Number: int64(n + 1), Channel: events.Email, Mailbox: "support", Customer: CustomerID(customer)},
		attach(n, inquiry, customer))
}

// Attach adds an inquiry to the n-th ticket.
func (l *Log) Attach(n, inquiry, customer int) events.Position {
	l.t.Helper()
	return l.Add(events.TicketStream(TicketID(n)), "system:desk", attach(n, inquiry, customer))
}

func attach(n, inquiry, customer int) events.MessageAttached {
	return events.MessageAttached{Ticket: TicketID(n), Inquiry: InquiryID(inquiry), Customer: CustomerID(customer), Class: events.MailHuman, Why: "new"}
}

// Reply writes the m-th message as an answer on the n-th ticket.
func (l *Log) Reply(n, m, agent, customer int, to events.Address, text string) events.Position {
	l.t.Helper()
	return l.Add(events.TicketStream(TicketID(n)), events.AgentActor(AgentID(agent)), events.ReplyWritten{
		Ticket: TicketID(n), Message: MessageID(m), Number: int64(n + 1), Agent: AgentID(agent), Customer: CustomerID(customer), MessageID: "m@hub",
		Envelope: events.Seal(events.ReplyEnvelope{To: []events.Address{to}, Subject: "Re: it"}),
		Answer:   events.Seal(events.Answer{Text: text}),
	})
}

// Queue puts the m-th message of the n-th ticket in the outbox as the o-th.
func (l *Log) Queue(o, n, m, customer int, domain events.Hash, to events.Address, notBefore time.Time) events.Position {
	l.t.Helper()
	return l.Add(events.OutboundStream(OutboundID(o)), "system:notifier", events.MessageQueued{
		Outbound: OutboundID(o), Kind: events.OutboundReply, Channel: events.Email, Ticket: TicketID(n), Message: MessageID(m), Mailbox: "support",
		Customer: CustomerID(customer), Domain: domain, MessageID: "m@hub", NotBefore: notBefore,
		Parcel: events.Seal(events.Parcel{MailFrom: "b@hub", RcptTo: to.Address, To: to, Subject: "Re: it"}),
	})
}

// AddAgent adds the n-th agent.
func (l *Log) AddAgent(n int, name string) events.Position {
	l.t.Helper()
	return l.Add(events.AgentStream(AgentID(n)), "system:admin", events.AgentAdded{
		Agent: AgentID(n), Role: events.RoleAgent, Profile: events.Seal(events.Profile{Name: name, Email: strings.ToLower(name) + "@desk.example"}),
	})
}
