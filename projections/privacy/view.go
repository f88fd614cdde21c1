package privacy

import (
	"context"
	"embed"
	"log/slog"
	"slices"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/projections"
)

//go:embed schema/*.sql
var schemas embed.FS

// version is raised whenever the same events give other rows.
const version = 4

// families are the streams whose every event is a step.
var families = []string{"dsr", "hold", "demand", "case", "transfer", "registry", "privacy"}

// others are the events of other streams that the view is made of.
var others = []string{
	"InquiryReceived", "ConsentRequested", "ConsentGranted", "ConsentWithdrawn", "ObjectionRaised", "ObjectionDecided",
	"ProcessingRestricted", "RestrictionLifted", "ContactRectified", "DataDisclosed", "DisclosureRefused",
	"NoticePresented", "NoticeAcknowledged",
}

// counted are those of them that have lists of their own, and are no steps.
var counted = []string{"InquiryReceived", "DataDisclosed", "DisclosureRefused"}

// View answers the privacy office's questions. It is safe for concurrent use.
type View struct {
	*projections.Rows
	log *slog.Logger
}

// New opens the view's file and returns the view.
func New(ctx context.Context, at projections.Store, log *slog.Logger) (*View, error) {
	types := slices.Clone(others)
	for _, k := range events.Catalogue() {
		if slices.Contains(families, k.Family) {
			types = append(types, k.Name)
		}
	}
	slices.Sort(types)
	rows, err := projections.OpenRows(ctx, at, "privacy", version, types, schemas)
	if err != nil {
		return nil, err
	}
	return &View{Rows: rows, log: log.With("room", "projections", "view", "privacy")}, nil
}
