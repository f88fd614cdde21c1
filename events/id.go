package events

import (
	"encoding/hex"
	"fmt"

	"github.com/google/uuid"
)

// UUID is the 16-byte identifier of an event (RFC 9562). An event id is either
// version 7 (new, time-ordered) or version 5 (derived, so that a repeated
// command or a redelivered mail names the same event again).
type UUID [16]byte

// NewUUID returns a fresh version 7 UUID (RFC 9562 section 5.7).
func NewUUID() UUID { return UUID(uuid.Must(uuid.NewV7())) }

// namespace is the version 5 name space of every derived id of the hub. It
// never changes: the ids of stored events depend on it.
var namespace = uuid.MustParse("8d6c6bf4-6f0b-5c53-9d3f-2c1a7e0b9a41")

// DeriveUUID returns the version 5 UUID of the given parts (RFC 9562 section
// 5.5). Parts are length-prefixed, so ("a","bc") and ("ab","c") differ.
func DeriveUUID(parts ...string) UUID {
	var b []byte
	for _, p := range parts {
		b = fmt.Appendf(b, "%d:%s", len(p), p)
	}
	return UUID(uuid.NewSHA1(namespace, b))
}

// String prints the id as 32 lower-case hexadecimal digits, without dashes.
func (u UUID) String() string { return hex.EncodeToString(u[:]) }

// IsZero reports whether the id was never set.
func (u UUID) IsZero() bool { return u == UUID{} }

// ParseUUID reads 32 hexadecimal digits, or the dashed form.
func ParseUUID(s string) (UUID, error) {
	u, err := uuid.Parse(s)
	if err != nil {
		return UUID{}, fmt.Errorf("parse id: %w", err)
	}
	return UUID(u), nil
}

// MarshalText prints the id for JSON.
func (u UUID) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// UnmarshalText reads what MarshalText printed.
func (u *UUID) UnmarshalText(b []byte) error {
	v, err := ParseUUID(string(b))
	*u = v
	return err
}

// The identifiers of the house: 32 hexadecimal digits unless said otherwise.
// Each is a type of its own, so that a ticket id never goes where a customer
// id belongs.
type (
	// InquiryID names one inquiry: one mail or one form submission.
	InquiryID string
	// TicketID names one ticket.
	TicketID string
	// SubjectID names one person, at random: it says nothing about who it is.
	// The map from an address to it lives in the vault alone (PRIVACY 4).
	SubjectID string
	// AgentID names one agent of the desk.
	AgentID string
	// OutboundID names one message to one recipient.
	OutboundID string
	// MessageID names one entry of a ticket's conversation.
	MessageID string
	// MailboxID is the configured, human-chosen name of a mailbox ("support").
	MailboxID string
	// FormID is the configured, human-chosen name of a web form ("contact").
	FormID string
	// Hash is a keyed hash, in hexadecimal digits.
	Hash string
)
