package notifier

import (
	"strings"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/services/internal/mail"
)

// Sender is a mailbox we write from.
type Sender struct {
	ID      events.MailboxID
	Address string // "support@example.com"
	Name    string // "Northwind Support"
}

// Marks makes the unforgeable marks of outgoing mail and knows our own addresses
// (MAIL I32).
type Marks struct {
	tokens  mail.Tokens
	own     mail.OwnAddresses
	senders map[events.MailboxID]Sender
	first   events.MailboxID
}

// NewMarks returns the marks of an instance. The first sender writes where a
// message names none.
func NewMarks(key []byte, senders []Sender) *Marks {
	m := &Marks{tokens: mail.Tokens{Key: key}, senders: map[events.MailboxID]Sender{}}
	for i, s := range senders {
		m.senders[s.ID] = s
		m.own.Addresses = append(m.own.Addresses, s.Address)
		if i == 0 {
			m.first = s.ID
		}
	}
	m.own.Tokens = m.tokens
	return m
}

// Own reports whether an address is one of ours, with or without a token.
func (m *Marks) Own(address string) bool { return m.own.Has(address) }

// MessageID is the signed, bare Message-ID of a message of a ticket.
func (m *Marks) MessageID(t events.TicketID, msg events.MessageID, mb events.MailboxID) string {
	_, domain := split(m.sender(mb).Address)
	id, err := m.tokens.MessageID(string(t), string(msg), domain)
	if err != nil { // an id of the house that is none of 32 digits: plain, and so not believed later
		return string(msg) + "@" + domain
	}
	return id
}

func (m *Marks) sender(id events.MailboxID) Sender {
	if s, ok := m.senders[id]; ok {
		return s
	}
	return m.senders[m.first]
}

// replyTo is the address that brings an answer back to the ticket; the plain
// address where a token does not fit.
func (m *Marks) replyTo(s Sender, t events.TicketID, recipient string) string {
	local, domain := split(s.Address)
	address, err := m.tokens.ReplyAddress(local, domain, string(t), recipient)
	if err != nil {
		return s.Address
	}
	return address
}

// bounceTo is the envelope sender of one message (VERP).
func (m *Marks) bounceTo(s Sender, id events.OutboundID) string {
	local, domain := split(s.Address)
	address, err := m.tokens.BounceAddress(local, domain, string(id))
	if err != nil {
		return s.Address
	}
	return address
}

// envelope is the frozen SMTP envelope of a message to one recipient. A message
// from the null sender is reported to nobody, so it needs no id there.
func (m *Marks) envelope(s Sender, id events.OutboundID, to events.Address, subject string, null bool) events.Parcel {
	p := events.Parcel{RcptTo: to.Address, To: to, Subject: subject}
	if null {
		return p
	}
	p.MailFrom = m.bounceTo(s, id)
	if envid, err := m.tokens.EnvelopeID(string(id)); err == nil {
		p.EnvID = envid
	}
	return p
}

// body is the mark that people quote (MAIL I33), empty where a ticket's id takes
// none.
func (m *Marks) body(t events.TicketID) string {
	mark, err := m.tokens.BodyMark(string(t))
	if err != nil {
		return ""
	}
	return mark
}

func (m *Marks) loop(id events.MessageID) string {
	mark, err := m.tokens.LoopMark(string(id))
	if err != nil {
		return ""
	}
	return mark
}

func split(address string) (local, domain string) {
	i := strings.LastIndexByte(address, '@')
	if i < 0 {
		return address, ""
	}
	return address[:i], address[i+1:]
}
