package privacy

import (
	"context"
	"embed"
	"io/fs"
	"log/slog"
	"slices"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/projections"
	"github.com/westshore/hub/projections/sqldb"
)

//go:embed schema/*.sql
var schemas embed.FS

// version is raised whenever the same events give other rows.
const version = 3

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
	db    *sqldb.DB
	types []string
	log   *slog.Logger
}

// New opens the view's file and returns the view.
func New(ctx context.Context, at projections.Store, log *slog.Logger) (*View, error) {
	sub, err := fs.Sub(schemas, "schema")
	if err != nil {
		return nil, err
	}
	v := &View{types: slices.Clone(others), log: log.With("room", "projections", "view", "privacy")}
	for _, k := range events.Catalogue() {
		if slices.Contains(families, k.Family) {
			v.types = append(v.types, k.Name)
		}
	}
	slices.Sort(v.types)
	if v.db, err = projections.OpenView(ctx, at, v.Name(), version, v.types, sub); err != nil {
		return nil, err
	}
	return v, nil
}

// Close closes the view's file.
func (v *View) Close() error { return v.db.Close() }

// Name is "privacy".
func (v *View) Name() string { return "privacy" }

// DB holds the rows.
func (v *View) DB() *sqldb.DB { return v.db }

// Types lists the events the view is made of.
func (v *View) Types() []string { return v.types }

// Inventory lists every path at which the view rests.
func (v *View) Inventory() []string { return v.db.Files() }
