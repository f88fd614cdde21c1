package main

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/vault"
	"github.com/westshore/hub/gateway/api"
	"github.com/westshore/hub/gateway/mailview"
	"github.com/westshore/hub/gateway/ops"
	"github.com/westshore/hub/projections"
	privacyview "github.com/westshore/hub/projections/privacy"
	"github.com/westshore/hub/projections/search"
	"github.com/westshore/hub/services/mailbox"
	"github.com/westshore/hub/services/privacy"
	"github.com/westshore/hub/services/privacy/disclosure"
	"github.com/westshore/hub/services/privacy/erasure"
	"github.com/westshore/hub/services/privacy/rights"
)

// people's rights: the part of the privacy office that serves and hands out.
type rightsOffice struct {
	privacyView *privacyview.View
	rights      *rights.Rights
	disclosure  *disclosure.Office
	leave       *mailview.Leave
	transferRooms
	left atomic.Int64 // how often somebody went on to another site
}

// openPrivacyView opens the privacy office's view.
func (h *house) openPrivacyView(ctx context.Context) (err error) {
	if h.privacyView, err = privacyview.New(ctx, projections.Store{Dir: h.dir("views")}, h.log); err != nil {
		return err
	}
	h.onClose(func() { _ = h.privacyView.Close() })
	return nil
}

// openRights opens the desk of people's rights and the office of disclosure.
func (h *house) openRights() {
	key := h.vault.Secret("privacy links")
	h.disclosure = disclosure.New(disclosure.Config{
		Journal: h.journal, Hash: h.vault.Hash, Key: key, Hold: h.holdKeys, Release: h.releaseHold,
		SubjectKeys: h.vault.SubjectKeys, StreamKeys: h.vault.StreamKeys, OpenBlob: h.sealer.OpenBlob, Search: h.findTickets,
		Contact: h.contactForNotice, People: h.privacyView.People, Covers: h.covers, Open: h.privacyView.OpenIDs, Independent: h.independent, Brand: h.cfg.Brand, Logger: h.log,
	})
	h.rights = rights.New(rights.Config{
		Journal: h.journal, Hash: h.vault.Hash, Key: key, Lookup: h.vault.Lookup, Contact: h.contact,
		Restrict: h.restrictUse, Keep: h.disclosure.Keep, Destroy: h.destroyKeys, Keys: h.vault.SubjectKeys,
		OpenBlob: h.sealer.OpenBlob, Staff: h.staff, Own: func(a string) bool { return h.marks.Own(a) }, Part: mailbox.DecodePart,
		Recipients: h.recipientsOf, Relay: h.mailRelay,
		Open: func(ctx context.Context, before time.Time) (out []events.RequestID, err error) {
			ids, err := h.privacyView.DueBefore(ctx, "request", before)
			for _, id := range ids {
				out = append(out, events.RequestID(id))
			}
			return out, err
		},
		URL: h.publicURL, Brand: h.cfg.Brand, Logger: h.log,
	})
	h.openTransfer()
	h.leave = &mailview.Leave{Key: h.vault.Secret("links that leave"), Own: h.ownHost}
}

// independent reports whether the words of two agents count as two: every room that
// asks for a second person asks it.
func (h *house) independent(ctx context.Context, proposed, agrees events.AgentID) error {
	return h.accounts.Independent(ctx, proposed, agrees)
}

// publicURL is where people reach the public pages.
func (h *house) publicURL() string {
	if h.cfg.HTTP.PublicURL != "" {
		return strings.TrimSuffix(h.cfg.HTTP.PublicURL, "/")
	}
	if at := h.bound.Load(); at != nil { // a free port is known only now
		return *at
	}
	return "http://" + strings.Replace(h.cfg.HTTP.Listen, "[::]", "localhost", 1)
}

// contact is a person's address on file, with the keys of this moment.
func (h *house) contact(ctx context.Context, who events.SubjectID) (events.Address, error) {
	r, err := h.recipient(ctx, who)
	if err != nil {
		return events.Address{}, err
	}
	if r.State != events.Plain || r.To.Address == "" {
		return events.Address{}, rights.ErrNoContact
	}
	return r.To, nil
}

// contactForNotice is the same in the words of the office of disclosure.
func (h *house) contactForNotice(ctx context.Context, who events.SubjectID) (events.Address, error) {
	a, err := h.contact(ctx, who)
	if errors.Is(err, rights.ErrNoContact) {
		err = disclosure.ErrNoContact
	}
	return a, err
}

// staff lists who works here, to be left out of what is handed out.
func (h *house) staff(ctx context.Context) ([]events.Address, error) {
	list, err := h.accounts.List(ctx)
	out := make([]events.Address, len(list))
	for i, a := range list {
		out[i] = events.Address{Name: a.Name, Address: a.Email}
	}
	return out, err
}

// findTickets finds what a hold's query is about: all of it, a page at a time.
func (h *house) findTickets(ctx context.Context, query string) ([]events.TicketID, error) {
	const page = 200
	var out []events.TicketID
	for {
		res, err := h.search.Search(ctx, search.Query{Text: query, Limit: page, Skip: len(out)})
		if err != nil {
			return nil, err
		}
		for _, hit := range res.Hits {
			out = append(out, hit.Ticket)
		}
		if len(res.Hits) < page || len(out) >= holdMost {
			return out, nil
		}
	}
}

// holdMost is the most requests that one query holds.
const holdMost = 10_000

// holdKeys, releaseHold, restrictUse and destroyKeys reach the vault by way of the
// ledger, so that a restored vault repeats them.
func (h *house) holdKeys(ctx context.Context, o vault.HoldOrder) (vault.Held, error) {
	return h.ledger.Hold(ctx, o)
}

func (h *house) releaseHold(ctx context.Context, id events.UUID) (vault.Destroyed, error) {
	return h.ledger.Release(ctx, id)
}

func (h *house) restrictUse(ctx context.Context, who events.SubjectID, on bool, why string) error {
	return h.ledger.Restrict(ctx, who, on, why)
}

func (h *house) destroyKeys(ctx context.Context, order events.UUID, cause string, keys []vault.Info) error {
	if _, err := h.ledger.Destroy(ctx, order, cause, time.Time{}, erasure.Targets(keys)); err != nil {
		return err
	}
	return h.purgeViews(ctx, subjectsOf(keys))
}

// ownHost reports hosts that need no page before them: our own, and those of
// registered processors.
func (h *house) ownHost(host string) bool {
	if u, err := url.Parse(h.publicURL()); err == nil && strings.EqualFold(u.Hostname(), host) {
		return true
	}
	for _, m := range h.cfg.Mailbox {
		if _, domain, ok := strings.Cut(m.Address, "@"); ok && strings.EqualFold(domain, strings.TrimPrefix(host, "www.")) {
			return true
		}
	}
	return slices.ContainsFunc(h.processors(), func(p privacy.Processor) bool {
		return p.Suspended == "" && slices.Contains(p.Hosts, strings.ToLower(host))
	})
}

// accessLog reads the vault's access log.
func (h *house) accessLog(ctx context.Context, actor events.Actor, purpose events.Purpose, before int64, limit int) ([]api.AccessLine, error) {
	lines, err := h.vault.AccessLog(ctx, vault.AccessQuery{Actor: actor, Purpose: purpose, Before: before, Limit: limit})
	out := make([]api.AccessLine, len(lines))
	for i, l := range lines {
		out[i] = api.AccessLine{
			N: l.ID, At: l.At, Actor: string(l.Who.Actor), Role: string(l.Who.Role), Purpose: string(l.Who.Purpose), Matter: l.Who.Matter,
			Second: string(l.Who.Second), Opened: l.Opened, Denied: l.Denied,
		}
		for _, k := range l.KIDs {
			out[i].Keys = append(out[i].Keys, string(k))
		}
	}
	return out, err
}

// serveRights starts the loops.
func (h *house) serveRights(start func(string, func(context.Context) error)) {
	start("rights", h.rights.Run)
	start("disclosure", func(ctx context.Context) error {
		if err := h.caughtUp(ctx); err != nil {
			return err
		}
		return h.disclosure.Run(ctx)
	})
}

// privacyRoom is the privacy office behind the API.
func (h *house) privacyRoom() *api.PrivacyRoom {
	return &api.PrivacyRoom{View: h.privacyView, Rights: h.rights, Disclosure: h.disclosure, Transfer: h.transfer, Erasure: h.erasure, Access: h.accessLog}
}

func (h *house) rightsMetrics() []ops.Metric {
	return []ops.Metric{{Name: "hub_left_for_other_sites", Help: "How often the page before an external link was shown.", Read: func() []ops.Sample {
		return []ops.Sample{{Value: float64(h.left.Load())}}
	}}}
}
