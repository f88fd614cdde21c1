package privacy

import (
	"slices"

	"github.com/westshore/hub/events"
)

// erasureStep is the state of an erasure, by the event that reaches it.
func erasureStep(e events.Event) (state string, order events.UUID) {
	switch e := e.(type) {
	case events.ErasureScopeResolved:
		return "scoped", e.Order
	case events.ErasureApproved:
		return "approved", e.Order
	case events.SubjectFenced:
		return "fenced", e.Order
	case events.KeysDestroyed:
		return "destroyed", e.Order
	case events.CachesDrained:
		return "drained", e.Order
	case events.ErasureVerified:
		return "verified_erased", e.Order
	case events.CertificateIssued:
		return "certified", e.Order
	case events.ErasureDeferred:
		return "deferred", e.Order
	}
	return "", events.UUID{}
}

func applyRequest(q *Request, rec *events.Recorded) row {
	q.Updated = rec.Meta.At
	switch e := rec.Event.(type) {
	case events.RequestReceived:
		*q = Request{
			ID: e.Request, Kind: e.Kind, Law: e.Law, Channel: e.Channel, Ground: e.Ground, Customer: e.Customer, Ticket: e.Ticket,
			State: "received", ReceivedAt: e.ReceivedAt, Acknowledge: e.Acknowledge, Due: e.Due, ExtendBy: e.ExtendBy, Updated: rec.Meta.At,
		}
	case events.RequestAcknowledged:
		q.Acked = true
	case events.RequesterVerified:
		q.Verified, q.Doubted, q.State = true, false, "verified"
	case events.RequesterDoubted:
		q.Doubted, q.State = true, "doubted"
	case events.RequestClockResumed:
		q.Doubted, q.Due, q.ExtendBy = false, e.Due, e.ExtendBy
	case events.RequestExtended:
		q.Extended, q.Reminded, q.Due = true, false, e.Due
	case events.RequestReminded:
		q.Reminded = true
	case events.PackSealed:
		q.State, q.Expires = "ready", e.Expires
	case events.PackFetched:
		q.Fetched = true
	case events.RecipientTold:
		q.tell(e.Recipient, e.Change, e.Method, rec)
	case events.RecipientErasureNotified:
		q.tell(e.Recipient, "erasure", e.Method, rec)
	case events.RecipientConfirmed:
		q.confirm(e.Recipient, e.Change)
	case events.RecipientErasureAcked:
		q.confirm(e.Recipient, "erasure")
	case events.RequestAnswered:
		q.Outcome = e.Outcome
	case events.RequestClosed:
		q.State = "closed"
		if q.Outcome == "" {
			q.Outcome = e.Outcome
		}
	default:
		if state, order := erasureStep(e); state != "" {
			q.State, q.Order = state, order.String()
		}
	}
	return row{open: q.State != "closed", due: q.Due, customer: q.Customer}
}

func (q *Request) tell(recipient, change, method string, rec *events.Recorded) {
	q.Told = slices.DeleteFunc(q.Told, func(t Told) bool { return t.Recipient == recipient && t.Change == change })
	q.Told = append(q.Told, Told{Recipient: recipient, Change: change, Method: method, At: rec.Meta.At})
}

func (q *Request) confirm(recipient, change string) {
	for i := range q.Told {
		if q.Told[i].Recipient == recipient && q.Told[i].Change == change {
			q.Told[i].Confirmed = true
		}
	}
}

func applyHold(h *Hold, rec *events.Recorded) row {
	h.Updated = rec.Meta.At
	switch e := rec.Event.(type) {
	case events.LegalHoldProposed:
		if e.Action == "place" {
			*h = Hold{
				ID: e.Hold, State: "proposed", By: e.By, Ground: e.Ground, Scope: e.Scope, Streams: e.Streams, Customer: e.Customer,
				Review: e.Review, Keys: e.Keys, Missing: e.Missing, Updated: rec.Meta.At,
			}
		}
		h.Pending, h.Proposed = e.Action, e.By
	case events.LegalHoldPlaced:
		h.State, h.Approved, h.Pending, h.Review = "placed", e.Approved, "", e.Review
	case events.LegalHoldExtended:
		h.Approved, h.Pending, h.Review, h.Overdue = e.Approved, "", e.Review, false
	case events.LegalHoldReleased:
		h.State, h.Approved, h.Pending, h.Freed = "released", e.Approved, "", e.Destroyed
	case events.LegalHoldDeclined:
		if h.Pending = ""; e.Action == "place" {
			h.State = "declined"
		}
	case events.LegalHoldReviewDue:
		h.Overdue = true
	}
	return row{open: h.State == "proposed" || h.State == "placed", due: h.Review, customer: h.Customer}
}

func applyDemand(d *Demand, rec *events.Recorded) row {
	d.Updated = rec.Meta.At
	switch e := rec.Event.(type) {
	case events.LegalDemandReceived:
		*d = Demand{
			ID: e.Demand, Kind: e.Kind, Recipient: e.Recipient, State: "received", Scope: e.Scope, Due: e.Due, Gag: e.Gag, Hold: e.Hold,
			By: e.By, Updated: rec.Meta.At,
		}
	case events.LegalDemandReviewed:
		if d.State = "valid"; !e.Valid {
			d.State = "invalid"
		}
	case events.LegalDisclosureApproved:
		d.Approved, d.Segments = append(d.Approved, e.By), e.Segments
		if d.State = "approved_once"; len(d.Approved) > 1 {
			d.State = "approved"
		}
	case events.LegalDisclosureSealed:
		d.State, d.Digest, d.Segments, d.Withheld = "sealed", e.Digest, e.Segments, e.Withheld
	case events.LegalDisclosureDelivered:
		d.State = "delivered"
	case events.SubjectNoticeDeferred:
		d.Waiting = append(d.Waiting, Notice{Customer: e.Customer, Until: e.Until})
	case events.SubjectNoticeSent:
		i := slices.IndexFunc(d.Waiting, func(n Notice) bool { return n.Customer == e.Customer })
		if i < 0 {
			d.Waiting, i = append(d.Waiting, Notice{Customer: e.Customer}), len(d.Waiting)
		}
		d.Waiting[i].Sent = true
	}
	waits := slices.ContainsFunc(d.Waiting, func(n Notice) bool { return !n.Sent })
	return row{open: waits || d.State != "invalid" && d.State != "delivered", due: d.Due}
}

func applyCase(c *Case, rec *events.Recorded) row {
	c.Updated = rec.Meta.At
	switch e := rec.Event.(type) {
	case events.InvestigationOpened:
		*c = Case{
			ID: e.Case, Kind: e.Kind, State: "open", By: e.By, Until: e.Until, Tickets: e.Tickets, People: e.Subjects, Notes: 1, Updated: rec.Meta.At,
		}
	case events.CaseNoteAdded:
		c.Notes++
	case events.CaseAccessAsked:
		c.Asked = append(c.Asked, Access{Agent: e.By, Reason: e.Reason, Until: e.Until})
	case events.CaseAccessGranted:
		c.Asked = slices.DeleteFunc(c.Asked, func(a Access) bool { return a.Agent == e.Agent })
		c.Granted = append(c.Granted, Access{Agent: e.Agent, Approved: e.Approved, Until: e.Until})
	case events.DataAccessed:
		c.Read++
	case events.InvestigationExtended:
		c.Until = e.Until
	case events.InvestigationClosed:
		c.State, c.Outcome, c.Clause = "closed", e.Outcome, e.Clause
	}
	return row{open: c.State == "open", due: c.Until}
}

func applyTransfer(t *Transfer, rec *events.Recorded) row {
	t.Updated = rec.Meta.At
	switch e := rec.Event.(type) {
	case events.BusinessTransferAnnounced:
		*t = Transfer{
			ID: e.Transfer, Acquirer: e.Acquirer, State: "announced", Subject: e.Subject, Effective: e.Effective, ObjectBy: e.ObjectBy, Updated: rec.Meta.At,
		}
	case events.TransferNoticed:
		t.State, t.Queued, t.Skipped = "noticed", e.Queued, e.Skipped
	case events.TenantExportSealed:
		t.State, t.Events, t.Digest, t.Folded = "exported", e.Events, e.Digest, e.State
	case events.TransferCompleted:
		t.State = "completed"
	case events.TenantShredded:
		t.State, t.Shredded, t.Deferred = "shredded", e.Keys, e.Deferred
	case events.TransferExpected:
		t.ID, t.State, t.Keys = e.Transfer, "expected", e.Keys
	case events.TransferImported:
		t.ID, t.State, t.Events, t.Folded, t.Digest = e.Transfer, "imported", e.Events, e.State, e.Digest
	}
	return row{open: t.State == "announced" || t.State == "noticed" || t.State == "exported", due: t.Effective}
}
