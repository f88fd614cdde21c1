package notifier

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/westshore/hub/events"
)

// Digest is what folding the way of a message gives, as JSON: equal states give equal
// bytes, in every house. Nil is a stream that holds no message.
func Digest(history []events.Recorded) []byte {
	w := foldWay(history)
	if w.queued.Outbound == "" {
		return nil
	}
	b, err := json.Marshal(struct {
		Outbound                                         events.OutboundID
		Message                                          events.MessageID
		Customer                                         events.SubjectID
		Attempts, Tries                                  int
		Started, Archived, Open, Unknown, Final, Delayed bool
		Class                                            string
		Until                                            time.Time
	}{
		w.queued.Outbound, w.queued.Message, w.queued.Customer, w.attempts, w.tries, w.started, w.archived, w.open, w.unknown, w.final, w.delayed, w.class, w.until.UTC(),
	})
	if err != nil {
		panic(fmt.Sprintf("encode way of a message: %v", err)) // strings, numbers and times
	}
	return b
}
