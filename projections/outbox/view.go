package outbox

import (
	"context"
	"embed"
	"errors"
	"log/slog"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/projections"
)

//go:embed schema/*.sql
var schemas embed.FS

// version is raised whenever the same events give other rows.
const version = 3

var types = []string{
	"TicketOpened", "MessageQueued", "DeliveryAttempted", "DeliveryStarted", "DeliveryAccepted", "DeliveryDeferred",
	"DeliveryFailed", "DeliveryUnknown", "DeliveryResolved", "DeliveryRetried", "MessageBounced", "MessageCancelled",
	"MessageHeld", "MessageDelayed", "MessageRedirected", "AddressSuppressed", "AddressUnsuppressed",
}

// State of an outgoing message.
type State string

// The states.
const (
	Queued    State = "queued"
	Sending   State = "sending" // claimed by a worker
	Accepted  State = "accepted"
	Deferred  State = "deferred"
	Failed    State = "failed"
	Unknown   State = "unknown"
	Bounced   State = "bounced"
	Cancelled State = "cancelled"
	Held      State = "held" // kept back until a person says more
)

// States lists all of them in the order a page shows them.
var States = []State{Queued, Sending, Deferred, Unknown, Held, Failed, Bounced, Accepted, Cancelled}

// Item is one message to one recipient.
type Item struct {
	ID           events.OutboundID
	Kind         events.OutboundKind
	Channel      events.Channel
	To           events.Address
	Subject      string
	Erased       bool // To and Subject can no longer be read
	State        State
	Attempts     int
	LastCode     string // reply code of the mail server
	LastDetail   string // class of the outcome
	Ticket       events.TicketID
	TicketNumber int64
	Message      events.MessageID
	Mailbox      events.MailboxID
	Customer     events.SubjectID
	Domain       events.Hash // of the recipient's domain
	MessageID    string
	Worker       string    // who claimed it, while Sending
	CreatedAt    time.Time // when it was queued
	UpdatedAt    time.Time
	NextAttempt  time.Time // Queued and Deferred: when it may go; Sending: end of the lease; else zero
	Revision     events.Revision
	Address      events.Hash // of the recipient's address
	Base         time.Time   // when it could have gone at the earliest
	Delayed      bool        // it waits for longer than people expect
	Archived     bool        // the archive was among the recipients of the newest attempt
}

// ErrNotFound is returned when there is no such message, and ErrCursor for an
// After that no page gave out.
var (
	ErrNotFound = errors.New("not found")
	ErrCursor   = errors.New("not a cursor of this list")
)

// View answers questions about outgoing mail. It is safe for concurrent use.
type View struct {
	*projections.Rows
	reload projections.Reload
	log    *slog.Logger
}

// New opens the view's file and returns the view. reload is asked when a person
// is erased.
func New(ctx context.Context, at projections.Store, reload projections.Reload, log *slog.Logger) (*View, error) {
	rows, err := projections.OpenRows(ctx, at, "outbox", version, types, schemas)
	if err != nil {
		return nil, err
	}
	return &View{Rows: rows, reload: reload, log: log.With("room", "projections", "view", "outbox")}, nil
}
