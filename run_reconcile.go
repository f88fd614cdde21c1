package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/gateway/api"
)

// errDiffer makes `hub reconcile` end with a failure that scripts can see.
var errDiffer = errors.New("the mail server and the hub differ")

const (
	reconcileHour = 3          // of the night, local time
	maxFetched    = 10_000     // missing mails fetched in one comparison
	maxListedUIDs = 100        // missing numbers kept in a report
	keptReports   = 90         // reports shown
	reportSuffix  = ".reports" // of the stream that holds them
)

// reconcileNightly compares every mailbox with its server once a night, fetches
// what is missing, and writes the result down (MAIL I5, FIELD 2.1). A mailbox
// that cannot be compared now is compared the next night; its silence is a metric
// of its own.
func (h *house) reconcileNightly(ctx context.Context) error {
	for {
		now := time.Now()
		next := time.Date(now.Year(), now.Month(), now.Day(), reconcileHour, 0, 0, 0, now.Location())
		if !next.After(now) {
			next = next.AddDate(0, 0, 1)
		}
		t := time.NewTimer(time.Until(next) + rand.N(time.Hour))
		select {
		case <-ctx.Done():
			t.Stop()
			return nil
		case <-t.C:
		}
		for _, d := range h.mailboxes {
			e, err := h.compare(ctx, d, true)
			switch {
			case ctx.Err() != nil:
				return nil //nolint:nilerr // told to end
			case err != nil:
				h.log.Warn("mailbox not compared with its server", "mailbox", d.cfg.ID, "error", err)
			case e.Missing > 0:
				h.log.Warn("mails were on the server and not here; they were fetched", "mailbox", d.cfg.ID, "missing", e.Missing, "fetched", e.Fetched)
			}
		}
	}
}

// compare asks the server what it holds and compares it with the log, UID by UID.
// With fetch, what is missing is taken as if it had just arrived, and the result
// stands in the log.
func (h *house) compare(ctx context.Context, d *mailDoor, fetch bool) (e events.MailboxReconciled, err error) {
	server, err := d.Reconcile(ctx)
	if err != nil {
		return e, err
	}
	// What the server listed may be on its way through the house.
	if err := h.settled(ctx, d, server.UIDValidity, server.UIDs); err != nil {
		return e, err
	}
	held, err := h.tickets.Held(ctx, d.id(), server.UIDValidity)
	if err != nil {
		return e, err
	}
	e = events.MailboxReconciled{Mailbox: d.id(), UIDValidity: server.UIDValidity, Server: server.Count}
	have, there := map[uint32]bool{}, map[uint32]bool{}
	for _, uid := range held.UIDs {
		have[uid] = true
	}
	e.Held = len(have)
	var missing []uint32
	for _, uid := range server.UIDs {
		there[uid] = true
		if !have[uid] {
			missing = append(missing, uid)
		}
	}
	for uid := range have {
		if !there[uid] {
			e.Gone++
		}
	}
	reasons := map[string]int{}
	for _, why := range held.Quarantined {
		reasons[why]++
	}
	for why, n := range reasons {
		e.Quarantined = append(e.Quarantined, events.ReasonCount{Reason: why, N: n})
	}
	slices.SortFunc(e.Quarantined, func(a, b events.ReasonCount) int { return strings.Compare(a.Reason, b.Reason) })
	e.Missing, e.UIDs = len(missing), missing[:min(len(missing), maxListedUIDs)]
	if !fetch {
		return e, nil
	}
	if again := missing[:min(len(missing), maxFetched)]; len(again) > 0 {
		if err := d.Retrieve(ctx, server.UIDValidity, again); err != nil {
			h.log.Warn("missing mails not fetched", "mailbox", d.cfg.ID, "missing", len(missing), "error", err)
		} else {
			e.Fetched = len(again)
		}
	}
	by := journal.By{Command: events.NewUUID(), Actor: "system:reconcile"}
	_, err = h.journal.Execute(ctx, reports(d), by, func([]events.Recorded) ([]events.Event, error) { return []events.Event{e}, nil })
	return e, err
}

// settled waits, a little, until the hub has what the mailbox has taken: what
// arrives in this moment is not missing.
func (h *house) settled(ctx context.Context, d *mailDoor, validity uint32, uids []uint32) error {
	deadline := time.Now().Add(5 * time.Second)
	for {
		if err := h.caughtUp(ctx); err != nil {
			return err
		}
		held, err := h.tickets.Held(ctx, d.id(), validity)
		if err != nil {
			return err
		}
		missing := false
		for _, uid := range uids {
			if _, found := slices.BinarySearch(held.UIDs, uid); !found {
				missing = true
				break
			}
		}
		if !missing || time.Now().After(deadline) {
			return nil
		}
		t := time.NewTimer(200 * time.Millisecond)
		select {
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		case <-t.C:
		}
	}
}

// reports is the stream of a mailbox's comparisons.
func reports(d *mailDoor) events.Stream {
	return events.MailboxStream(events.MailboxID(d.cfg.ID + reportSuffix))
}

// reconciliations lists what was compared, newest first.
func (h *house) reconciliations(ctx context.Context, d *mailDoor) ([]api.Reconciliation, error) {
	history, err := h.journal.Load(ctx, reports(d), nil)
	if err != nil {
		return nil, err
	}
	var out []api.Reconciliation
	for _, rec := range slices.Backward(history) {
		if e, ok := rec.Event.(events.MailboxReconciled); ok && len(out) < keptReports {
			out = append(out, reconciliation(rec.Meta.At, e))
		}
	}
	return out, nil
}

func reconciliation(at time.Time, e events.MailboxReconciled) api.Reconciliation {
	r := api.Reconciliation{
		At: at.UTC(), UIDValidity: e.UIDValidity, Server: e.Server, Held: e.Held, Gone: e.Gone, Missing: e.Missing, Fetched: e.Fetched,
		UIDs: append([]uint32{}, e.UIDs...), Quarantined: []api.ReconcileReason{},
	}
	for _, q := range e.Quarantined {
		r.Quarantined = append(r.Quarantined, api.ReconcileReason{Reason: q.Reason, Count: q.N})
	}
	return r
}

// reconcile compares from the shell; with the word fetch it also takes what is
// missing.
func (h *house) reconcile(ctx context.Context, args []string, out io.Writer) error {
	if err := h.caughtUp(ctx); err != nil {
		return err
	}
	fetch := slices.Contains(args, "fetch")
	args = slices.DeleteFunc(slices.Clone(args), func(s string) bool { return s == "fetch" })
	differ, found := false, len(args) == 0
	for _, d := range h.mailboxes {
		if len(args) > 0 && args[0] != d.cfg.ID {
			continue
		}
		found = true
		e, err := h.compare(ctx, d, fetch)
		if err != nil {
			return fmt.Errorf("mailbox %s: %w", d.cfg.ID, err)
		}
		if err := printReport(out, d.cfg.ID, e); err != nil {
			return err
		}
		differ = differ || e.Missing > e.Fetched
	}
	if !found {
		return misuse("there is no mailbox %q", args[0])
	}
	if differ {
		return errDiffer
	}
	return nil
}

func printReport(out io.Writer, id string, e events.MailboxReconciled) error {
	var b strings.Builder
	held := 0
	for _, q := range e.Quarantined {
		held += q.N
	}
	fmt.Fprintf(&b, "%s: server %d, held %d, quarantined %d, missing %d\n", id, e.Server, e.Held, held, e.Missing)
	if e.Gone > 0 {
		fmt.Fprintf(&b, "  moved or deleted on the server since: %d\n", e.Gone)
	}
	for _, q := range e.Quarantined {
		fmt.Fprintf(&b, "  quarantined, %s: %d\n", q.Reason, q.N)
	}
	for _, uid := range e.UIDs[:min(20, len(e.UIDs))] {
		fmt.Fprintf(&b, "  missing: UID %d of UIDVALIDITY %d\n", uid, e.UIDValidity)
	}
	if e.Fetched > 0 {
		fmt.Fprintf(&b, "  gap closed, %d mails fetched\n", e.Fetched)
	}
	_, err := io.WriteString(out, b.String())
	return err
}
