package projections

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/projections/sqldb"
)

// Projection makes the rows of one view.
type Projection interface {
	// Name is one lower-case word, also the name of the view's file.
	Name() string
	// DB holds the rows. It was opened with Version of the projection.
	DB() *sqldb.DB
	// Types are the wire types that Apply wants to see, without TypePrefix.
	Types() []string
	// Apply turns events into rows. It is pure: same events, same rows; no clock,
	// no network. It works on tx alone, which may belong to another database than
	// DB while the view is rebuilt.
	Apply(ctx context.Context, tx *sqldb.Tx, batch []events.Recorded) ([]Change, error)
}

// Purger is a projection that keeps readable text (PRIVACY 4.6).
type Purger interface {
	Projection
	// Erase brings every row that was made of this person's segments to what a
	// rebuild with today's keys would give, and returns how many rows it looked at.
	Erase(ctx context.Context, tx *sqldb.Tx, subject events.SubjectID) (int, error)
}

// Prober is a Purger that can tell what it still shows of a person.
type Prober interface {
	Purger
	// Left counts the rows of the person that hold readable text.
	Left(tx *sqldb.Tx, subject events.SubjectID) (int, error)
}

// Change says that something a person may be looking at is different now. It
// holds ids, never text.
type Change struct {
	Kind     string // ticket, outbox, quarantine, customer, agent
	ID       string
	Revision events.Revision // of the stream, where the view keeps it
	Fields   []string        // what changed, where that is known
	Position events.Position
}

// Viewer is the principal that events are opened for on their way into a view.
var Viewer = events.Principal{Actor: "system:view", Role: events.RoleView, Purpose: events.PurposeSupport}

// Opener opens sealed segments for a reader: seal.Sealer.Open. Beside the report
// of a damaged segment it returns all events; otherwise an error comes alone.
type Opener func(ctx context.Context, as events.Principal, envs []events.Envelope) ([]events.Event, error)

// Reload reads a stream again with the keys of today, for Viewer: journal.Load.
type Reload func(ctx context.Context, stream events.Stream) ([]events.Recorded, error)

// Receipt says what a purge did, for the erasure's record. It holds no ids.
type Receipt struct {
	Store    string // name of the view
	Rows     int    // rows brought to today's keys
	Position events.Position
}

// MaxBatch is the most events that are applied in one transaction.
const MaxBatch = 2048

// version makes the mark under which a view's rows are kept: its own version and
// the schema versions of the events it is made of. When either changes the view
// is read anew.
func version(own int, types []string) string {
	known := map[string]int{}
	for _, k := range events.Catalogue() {
		known[k.Name] = k.Version
	}
	var b strings.Builder
	b.WriteString(strconv.Itoa(own))
	for _, t := range types {
		b.WriteString("," + t + "." + strconv.Itoa(known[t]))
	}
	return b.String()
}

// clock returns now, or the wall clock.
func clock(now func() time.Time) func() time.Time {
	if now == nil {
		return time.Now
	}
	return now
}
