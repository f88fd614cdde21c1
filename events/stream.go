package events

import (
	"fmt"
	"strconv"
	"strings"
)

// Revision counts the events of one stream from 0.
type Revision = int64

const (
	// NoStream expects the stream not to exist.
	NoStream Revision = -1
	// AnyRevision expects nothing. Only for write-once streams keyed by the
	// event's id (NODE 7.3).
	AnyRevision Revision = -2
)

// Position is a place in the log of one event store: opaque, ordered, never
// calculated with and never carried to another store.
type Position struct {
	Commit  uint64 `json:"c"`
	Prepare uint64 `json:"p"`
}

// Start is the position before the first event.
var Start = Position{}

// Before reports whether p comes before q in the log.
func (p Position) Before(q Position) bool {
	return p.Commit < q.Commit || p.Commit == q.Commit && p.Prepare < q.Prepare
}

// String prints the position for headers and event ids of a live feed. A
// position whose two halves agree, as all that the hub writes do, is one number.
func (p Position) String() string {
	if p.Commit == p.Prepare {
		return strconv.FormatUint(p.Commit, 10)
	}
	return fmt.Sprintf("%d.%d", p.Commit, p.Prepare)
}

// ParsePosition reads what String printed.
func ParsePosition(s string) (Position, error) {
	commit, prepare, two := strings.Cut(s, ".")
	c, err := strconv.ParseUint(commit, 10, 64)
	if err != nil {
		return Position{}, fmt.Errorf("parse position: %w", err)
	}
	p := c
	if two {
		if p, err = strconv.ParseUint(prepare, 10, 64); err != nil {
			return Position{}, fmt.Errorf("parse position: %w", err)
		}
	}
	return Position{Commit: c, Prepare: p}, nil
}

// Stream is the name of a stream in the event store, such as "ticket-01…". It
// never holds personal data, and is only made by the functions below.
type Stream string

// TypePrefix stands before every event type on the wire, so that `$all` can be
// filtered on the server.
const TypePrefix = "hub."

// InquiryStream holds what happened to one inquiry before it became a ticket.
func InquiryStream(id InquiryID) Stream { return Stream("inquiry-" + string(id)) }

// TicketStream holds one ticket.
func TicketStream(id TicketID) Stream { return Stream("ticket-" + string(id)) }

// ThreadStream binds the keyed hash of one Message-ID to a ticket.
func ThreadStream(h Hash) Stream { return Stream("thread-" + string(h)) }

// CustomerStream holds what is known of one person.
func CustomerStream(id SubjectID) Stream { return Stream("customer-" + string(id)) }

// OutboundStream holds the way of one message to one recipient.
func OutboundStream(id OutboundID) Stream { return Stream("outbound-" + string(id)) }

// MailboxStream holds what happened to one mailbox.
func MailboxStream(id MailboxID) Stream { return Stream("mailbox-" + string(id)) }

// AgentStream holds one agent's account.
func AgentStream(id AgentID) Stream { return Stream("agent-" + string(id)) }

// FormStream holds one web form's configuration.
func FormStream(id FormID) Stream { return Stream("form-" + string(id)) }

// CheckpointStream remembers how far a reactor has read. One event is kept.
func CheckpointStream(reactor string) Stream { return Stream("checkpoint-" + reactor) }

// RegistryStream holds the privacy policy's versions, the retention schedules and
// the register of processors.
const RegistryStream Stream = "registry"

// SweepsStream holds what the retention engine previewed, was allowed and did.
const SweepsStream Stream = "sweeps"

// SweepStream holds the list of keys behind a preview that waits for approval.
func SweepStream(id UUID) Stream { return Stream("sweep-" + id.String()) }

// NumberStream counts tickets: the revision of an event in it, plus one, is the
// human number of a ticket.
const NumberStream Stream = "number-1"

// Family is the part of the name before the first dash.
func (s Stream) Family() string {
	family, _, _ := strings.Cut(string(s), "-")
	return family
}

// Key is the part of the name after the first dash.
func (s Stream) Key() string {
	_, key, _ := strings.Cut(string(s), "-")
	return key
}
