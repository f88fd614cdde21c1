package tickets

import (
	"context"
	"embed"
	"log/slog"

	"github.com/westshore/hub/projections"
)

//go:embed schema/*.sql
var schemas embed.FS

// version is raised whenever the same events give other rows.
const version = 7

var types = []string{
	"InquiryReceived", "InquiryQuarantined", "InquiryReleased", "InquiryDiscarded", "MailAdopted",
	"TicketOpened", "MessageAttached", "MessageDetached", "AcknowledgementWritten", "ReplyWritten", "NoteAdded",
	"MessageRedacted", "SegmentsErased",
	"TicketAssigned", "TicketUnassigned", "PriorityChanged", "TagAdded", "TagRemoved", "TicketResolved", "TicketReopened", "TicketArchived",
	"MessageQueued", "DeliveryAccepted", "DeliveryDeferred", "DeliveryFailed", "DeliveryUnknown",
	"DeliveryResolved", "DeliveryRetried", "MessageBounced", "MessageComplained", "MessageCancelled", "MessageHeld", "MessageRedirected",
	"AgentAdded", "AgentDeactivated",
}

// View answers questions about tickets. It is safe for concurrent use.
type View struct {
	*projections.Rows
	open projections.Opener
	log  *slog.Logger
	past chan struct{} // ReadAt holds a place while it replays
}

// New opens the view's file and returns the view. open is asked for the text of
// messages when somebody reads them.
func New(ctx context.Context, at projections.Store, open projections.Opener, log *slog.Logger) (*View, error) {
	rows, err := projections.OpenRows(ctx, at, "tickets", version, types, schemas)
	if err != nil {
		return nil, err
	}
	return &View{Rows: rows, open: open, log: log.With("room", "projections", "view", "tickets"), past: make(chan struct{}, 2)}, nil
}
