package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/projections"
	"github.com/westshore/hub/projections/sqldb"
	"github.com/westshore/hub/projections/tickets"
)

// List is how long a page of 50 takes at several sizes of the desk. What counts
// is the ratio to the smallest: lists cost the same whatever their length.
type List struct {
	Sizes []ListSize `json:"sizes"`
}

// ListSize is one size: milliseconds for a page, one reader.
type ListSize struct {
	Tickets int     `json:"tickets"`
	Fill    float64 `json:"fill_events_per_s"`
	First   Latency `json:"first_page_ms"`
	Deep    Latency `json:"deep_page_ms"` // after 40 pages of 100
	Ratio   float64 `json:"first_p50_to_smallest"`
}

const pagesPerSize = 1000

// RunList measures the ticket list with each number of tickets.
func RunList(ctx context.Context, sizes []int) (*List, error) {
	dir, err := os.MkdirTemp("", "hub-bench")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	out := &List{}
	for _, n := range sizes {
		fmt.Fprintf(os.Stderr, "filling a view with %d tickets\n", n)
		size, err := measureList(ctx, filepath.Join(dir, fmt.Sprint(n)), n)
		if err != nil {
			return nil, err
		}
		size.Ratio = 1
		if len(out.Sizes) > 0 {
			size.Ratio = size.First.P50 / out.Sizes[0].First.P50
		}
		out.Sizes = append(out.Sizes, size)
	}
	return out, nil
}

func measureList(ctx context.Context, dir string, n int) (s ListSize, err error) {
	s.Tickets = n
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return s, err
	}
	opener := func(context.Context, events.Principal, []events.Envelope) ([]events.Event, error) { return nil, nil }
	v, err := tickets.New(ctx, projections.Store{Dir: dir}, opener, slog.New(slog.DiscardHandler))
	if err != nil {
		return s, err
	}
	defer func() { _ = v.Close() }()
	began, written := time.Now(), 0
	for i := 0; i < n; {
		var batch []events.Recorded
		for ; i < n && len(batch) < projections.MaxBatch-2; i++ {
			batch = append(batch, ticket(i)...)
		}
		written += len(batch)
		err := v.DB().Write(ctx, func(tx *sqldb.Tx) error {
			_, err := v.Apply(ctx, tx, batch)
			return err
		})
		if err != nil {
			return s, err
		}
	}
	s.Fill = float64(written) / time.Since(began).Seconds()
	deep := ""
	for range 40 {
		page, err := v.List(ctx, tickets.ListQuery{View: tickets.ViewOpen, Limit: 100, After: deep})
		if err != nil {
			return s, err
		}
		deep = page.Next
	}
	if s.First, err = pages(ctx, v, ""); err != nil {
		return s, err
	}
	s.Deep, err = pages(ctx, v, deep)
	return s, err
}

func pages(ctx context.Context, v *tickets.View, after string) (Latency, error) {
	times := make([]float64, pagesPerSize)
	for i := range times {
		began := time.Now()
		if _, err := v.List(ctx, tickets.ListQuery{View: tickets.ViewOpen, After: after}); err != nil {
			return Latency{}, err
		}
		times[i] = ms(time.Since(began))
	}
	return latency(times), nil
}

// ticket is a mail and the ticket it opens, as the log would hold them.
func ticket(i int) []events.Recorded {
	id := func(kind string) string { return events.DeriveUUID(kind, fmt.Sprint(i)).String() }
	inquiry, t, who := events.InquiryID(id("inquiry")), events.TicketID(id("ticket")), events.SubjectID(id("customer"))
	at := time.Unix(1_700_000_000+int64(i), 0).UTC()
	var out []events.Recorded
	for k, e := range []events.Event{
		events.InquiryReceived{
			Inquiry: inquiry, Channel: events.Email, Mailbox: "support", UIDValidity: 1, UID: uint32(i + 1), ArrivedAt: at, Customer: who, Class: events.MailHuman,
			Contact: events.Seal(events.Address{Name: fmt.Sprintf("Customer %d", i), Address: fmt.Sprintf("c%d@customer.test", i)}),
			Letter:  events.Seal(events.Letter{Subject: fmt.Sprintf("Where is parcel %d", i), Text: "The parcel was announced for Tuesday and has not arrived.", QuoteFrom: -1}),
		},
		events.TicketOpened{Ticket: t, Number: int64(i + 1), Channel: events.Email, Mailbox: "support", Customer: who},
		events.MessageAttached{Ticket: t, Inquiry: inquiry, Customer: who, Class: events.MailHuman, Why: "new"},
	} {
		position := uint64(i*3+k+1) * 100
		stream := events.TicketStream(t)
		if k == 0 {
			stream = events.InquiryStream(inquiry)
		}
		out = append(out, events.Recorded{
			Envelope: events.Envelope{
				ID: events.DeriveUUID("event", fmt.Sprint(i, k)), Type: events.WireType(e), Stream: stream,
				Meta: events.Meta{Version: 1, At: at, Actor: "system:bench"}, Facts: []byte("{}"),
			},
			Revision: int64(max(0, k-1)), Position: events.Position{Commit: position, Prepare: position}, Event: e,
		})
	}
	return out
}

// Print writes the result as indented JSON.
func (l *List) Print(w *json.Encoder) error {
	w.SetIndent("", "  ")
	return w.Encode(l)
}
