package notifier

import (
	"context"

	"github.com/westshore/hub/events"
)

// Gate says whether a person may be written to, for a kind of message ("reply",
// "acknowledgement", "administrative", "promotional") or the code of a purpose,
// and, when not, the code of the rule that says so. It is asked when a message is
// queued and once more when it is claimed: whoever withdraws in between is not
// written to (policy clause 2.3).
type Gate func(ctx context.Context, customer events.SubjectID, purpose string) (ok bool, reason string, err error)

// ask lets everything through where there is no gate.
func (g Gate) ask(ctx context.Context, q events.MessageQueued) (ok bool, reason string, err error) {
	if g == nil {
		return true, "", nil
	}
	return g(ctx, q.Customer, string(q.Kind))
}
