package disclosure

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/services/privacy"
)

// Outgoing is something that is about to be given to a recipient.
type Outgoing struct {
	To         events.RecipientID
	Host       string // of the server that gets it; empty: by hand
	Purpose    events.Purpose
	Categories []events.Category
	Customers  []events.SubjectID
	KIDs       []events.KID
	Digest     string
	About      string
}

// Disclose is the one way out. What the register does not cover is refused, and the
// refusal is noted; what it covers is noted in the recipient's log, for each person,
// before the caller may send anything. The same command notes it once.
func (o *Office) Disclose(ctx context.Context, by journal.By, out Outgoing) error {
	denied := o.cfg.Covers(out.To, out.Host, out.Categories, out.Purpose)
	evs := make([]events.Event, 0, len(out.Customers))
	for _, c := range out.Customers {
		if denied != nil {
			evs = append(evs, events.DisclosureRefused{
				Recipient: out.To, Customer: c, Purpose: out.Purpose, Categories: out.Categories, Reason: reasonOf(denied),
			})
			continue
		}
		evs = append(evs, events.DataDisclosed{
			Recipient: out.To, Customer: c, Purpose: out.Purpose, Categories: out.Categories, KIDs: out.KIDs, Digest: out.Digest, About: out.About,
		})
	}
	n := 0
	for chunk := range slices.Chunk(evs, 100) {
		n++
		// At any revision: the log of a recipient grows with every message, and the ids
		// of a repeated command are the same.
		_, err := o.j.Append(ctx, events.RecipientStream(out.To), events.AnyRevision, step(by, "disclose", fmt.Sprint(n), out.About), chunk...)
		if err != nil {
			return errors.Join(fmt.Errorf("note disclosure: %w", err), denied)
		}
	}
	if denied != nil {
		return fmt.Errorf("disclose to %s: %w", out.To, denied)
	}
	return nil
}

// reasonOf is the code of a refusal of the register.
func reasonOf(err error) string {
	if r, ok := errors.AsType[*privacy.RefusedError](err); ok {
		return r.Reason
	}
	return "not_covered"
}

var goodRecipient = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)
