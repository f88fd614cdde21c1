package notices

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
const version = 1

var types = []string{
	"TicketOpened", "MessageAttached",
	"NoticeDrafted", "NoticeApproved", "NoticeStarted", "NoticeListed", "NoticePaused", "NoticeResumed", "NoticeCancelled", "NoticeFinished",
	"TemplateWritten", "TemplateRetired",
	"MessageQueued", "MessageSkipped", "DeliveryAttempted", "DeliveryAccepted", "DeliveryDeferred", "DeliveryFailed",
	"DeliveryUnknown", "DeliveryResolved", "DeliveryRetried", "MessageHeld", "MessageBounced", "MessageCancelled",
}

// State of a notice.
type State string

// The states of a notice.
const (
	Draft     State = "draft"
	Approved  State = "approved"
	Listing   State = "listing" // started; its recipients are being listed
	Sending   State = "sending"
	Paused    State = "paused"
	Cancelled State = "cancelled"
	Finished  State = "finished" // everybody has a message or a reason for none
)

// Notice is one message to many.
type Notice struct {
	ID         events.NoticeID       `json:"id"`
	State      State                 `json:"state"`
	Kind       events.OutboundKind   `json:"kind"`
	Topic      string                `json:"topic"`
	Title      string                `json:"title"`
	Mailbox    events.MailboxID      `json:"mailbox"`
	Template   events.TemplateID     `json:"template"`
	Texts      []events.NoticeText   `json:"texts"`
	Values     []events.NoticeValue  `json:"values"`
	Audience   events.NoticeAudience `json:"audience"`
	Rate       int                   `json:"rate"`     // messages a minute
	Drafters   []events.AgentID      `json:"drafters"` // all who ever wrote it, first one first
	Approver   events.AgentID        `json:"approver"`
	Starter    events.AgentID        `json:"starter"`
	Cause      string                `json:"cause"`  // of a pause
	Listed     bool                  `json:"listed"` // Recipients is final
	Recipients int                   `json:"recipients"`
	Revision   events.Revision       `json:"revision"`
	CreatedAt  time.Time             `json:"created_at"`
	UpdatedAt  time.Time             `json:"updated_at"`
	ApprovedAt time.Time             `json:"approved_at"`
	StartedAt  time.Time             `json:"started_at"`
	FinishedAt time.Time             `json:"finished_at"`

	// Counts of its messages by state; and of the skipped, and of those that a rule
	// cancelled later, by reason.
	Counts  map[string]int64 `json:"-"`
	Skipped map[string]int64 `json:"-"`
}

// Skipped is the state of a person on the list who gets no message. The other
// states of a recipient are those of an outgoing message.
const Skipped = "skipped"

// Recipient is one person on the list of a notice.
type Recipient struct {
	Outbound  events.OutboundID
	Customer  events.SubjectID
	State     string
	Detail    string
	UpdatedAt time.Time
}

// Template is text to draft notices from.
type Template struct {
	ID        events.TemplateID   `json:"id"`
	Name      string              `json:"name"`
	Kind      events.OutboundKind `json:"kind"`
	Topic     string              `json:"topic"`
	Texts     []events.NoticeText `json:"texts"`
	Retired   bool                `json:"retired"`
	Agent     events.AgentID      `json:"agent"` // who wrote it last
	Revision  events.Revision     `json:"revision"`
	CreatedAt time.Time           `json:"created_at"`
	UpdatedAt time.Time           `json:"updated_at"`
}

// ErrNotFound is returned when there is no such notice or template, and ErrCursor
// for an after that no page gave out.
var (
	ErrNotFound = errors.New("not found")
	ErrCursor   = errors.New("not a cursor of this list")
)

// View answers questions about notices. It is safe for concurrent use.
type View struct {
	*projections.Rows
	log *slog.Logger
}

// New opens the view's file and returns the view.
func New(ctx context.Context, at projections.Store, log *slog.Logger) (*View, error) {
	rows, err := projections.OpenRows(ctx, at, "notices", version, types, schemas)
	if err != nil {
		return nil, err
	}
	return &View{Rows: rows, log: log.With("room", "projections", "view", "notices")}, nil
}
