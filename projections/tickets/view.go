package tickets

import (
	"context"
	"embed"
	"io/fs"
	"log/slog"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/projections"
	"github.com/westshore/hub/projections/sqldb"
)

//go:embed schema/*.sql
var schemas embed.FS

// version is raised whenever the same events give other rows.
const version = 6

var types = []string{
	"InquiryReceived", "InquiryQuarantined", "InquiryReleased", "InquiryDiscarded", "MailAdopted",
	"TicketOpened", "MessageAttached", "MessageDetached", "AcknowledgementWritten", "ReplyWritten", "NoteAdded",
	"MessageRedacted", "SegmentsErased",
	"TicketAssigned", "TicketUnassigned", "PriorityChanged", "TagAdded", "TagRemoved", "TicketResolved", "TicketReopened", "TicketArchived",
	"MessageQueued", "DeliveryAccepted", "DeliveryDeferred", "DeliveryFailed", "DeliveryUnknown",
	"DeliveryResolved", "DeliveryRetried", "MessageBounced", "MessageComplained", "MessageCancelled",
	"AgentAdded", "AgentDeactivated",
}

// View answers questions about tickets. It is safe for concurrent use.
type View struct {
	db   *sqldb.DB
	open projections.Opener
	log  *slog.Logger
}

// New opens the view's file and returns the view. open is asked for the text of
// messages when somebody reads them.
func New(ctx context.Context, at projections.Store, open projections.Opener, log *slog.Logger) (*View, error) {
	sub, err := fs.Sub(schemas, "schema")
	if err != nil {
		return nil, err
	}
	v := &View{open: open, log: log.With("room", "projections", "view", "tickets")}
	if v.db, err = projections.OpenView(ctx, at, v.Name(), version, types, sub); err != nil {
		return nil, err
	}
	return v, nil
}

// Close closes the view's file.
func (v *View) Close() error { return v.db.Close() }

// Name is "tickets".
func (v *View) Name() string { return "tickets" }

// DB holds the rows.
func (v *View) DB() *sqldb.DB { return v.db }

// Types lists the events the view is made of.
func (v *View) Types() []string { return types }

// Inventory lists every path at which the view's text may rest.
func (v *View) Inventory() []string { return v.db.Files() }

// Purge erases what is left of a person in a view that no runner writes to;
// otherwise use Runner.Purge.
func (v *View) Purge(ctx context.Context, subject events.SubjectID) (projections.Receipt, error) {
	return projections.Erase(ctx, v, subject, events.Start)
}
