package search

import (
	"context"
	"embed"
	"log/slog"

	"github.com/westshore/hub/projections"
)

//go:embed schema/*.sql
var schemas embed.FS

// version is raised whenever the same events give other rows, and whenever words
// are cut differently.
const version = 2

var types = []string{"InquiryReceived", "TicketOpened", "MessageAttached", "MessageDetached", "ReplyWritten", "NoteAdded", "MessageRedacted"}

// View answers searches. It is safe for concurrent use.
type View struct {
	*projections.Rows
	reload projections.Reload
	log    *slog.Logger
}

// New opens the view's file and returns the view. reload is asked when a person
// is erased.
func New(ctx context.Context, at projections.Store, reload projections.Reload, log *slog.Logger) (*View, error) {
	rows, err := projections.OpenRows(ctx, at, "search", version, types, schemas)
	if err != nil {
		return nil, err
	}
	return &View{Rows: rows, reload: reload, log: log.With("room", "projections", "view", "search")}, nil
}
