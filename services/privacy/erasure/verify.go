package erasure

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/services/privacy/scan"
)

// Levels of proof, in order (PRIVACY 4.8).
const (
	V1 = "V1" // logical: nothing shows it
	V2 = "V2" // cryptographic: no live key, caches drained
	V3 = "V3" // residue: byte scan clean, live keys wrapped anew
	V4 = "V4" // backups: the horizon has passed
	V5 = "V5" // physical: the ciphertext is reclaimed
	V6 = "V6" // recipients: all have confirmed
)

// verify tells the recipients, searches every place, and writes what it found.
func (o *Office) verify(ctx context.Context, s *State) error {
	if err := o.tell(ctx, s); err != nil {
		return err
	}
	if err := o.stop(stepVerify + ":told"); err != nil {
		return err
	}
	report, err := o.look(ctx, s)
	if err != nil {
		return err
	}
	if err := o.excuse(ctx, s, &report); err != nil {
		return err
	}
	for _, h := range report.Hits {
		o.log.Error("a needle of an erased person was found", "order", s.Scope.Order.String(), "store", h.Store, "file", h.Path, "needle", h.Needle, "form", h.Form, "at", h.At)
	}
	for _, f := range report.Unknown {
		o.log.Error("a file that the store register does not know", "file", f)
	}
	shown := 0
	var showing []string
	for _, st := range o.cfg.Stores {
		n, err := o.probe(ctx, st, s.Scope.Subjects, s.waiting())
		if err != nil {
			return err
		}
		if shown += n; n > 0 {
			showing = append(showing, st.ID)
			o.log.Error("a store still shows an erased person", "order", s.Scope.Order.String(), "store", st.ID, "rows", n)
		}
	}
	fresh, err := o.load(ctx, s.Request) // with the recipients just told
	if err != nil {
		return err
	}
	return o.say(ctx, s, stepVerify, events.ErasureVerified{
		Request: s.Request, Order: s.Scope.Order, Stores: o.levels(fresh, report, showing), Files: report.Files, Bytes: report.Bytes,
		Needles: report.Needles, Hits: len(report.Hits) + shown, Unknown: len(report.Unknown), Control: report.Control, Digest: events.Hash(report.Digest),
	})
}

// excuse takes out of a report what the request itself explains: the address that
// it is answered to stands in the stores that show its letters, under an id of its
// own, until 30 days after its end. Anywhere else, and anything else, counts.
func (o *Office) excuse(ctx context.Context, s *State, report *scan.Report) error {
	for _, st := range o.cfg.Stores {
		if st.Probe == nil || report.HitsIn(st.ID) == 0 {
			continue
		}
		rows, err := st.Probe(ctx, s.Requester)
		if err != nil {
			return fmt.Errorf("probe %s: %w", st.ID, err)
		}
		if rows > 0 {
			report.Hits = slices.DeleteFunc(report.Hits, func(h scan.Hit) bool {
				return h.Store == st.ID && (h.Needle == needleAddress || h.Needle == needleName)
			})
		}
	}
	return nil
}

// probe asks a store through its own door. While a hold keeps a part, rows of the
// person may still be read by whom the hold is for; what is shown to others is
// found by the scan.
func (o *Office) probe(ctx context.Context, st Store, subjects []events.SubjectID, held bool) (int, error) {
	if st.Probe == nil || held {
		return 0, nil
	}
	all := 0
	for _, subject := range subjects {
		n, err := st.Probe(ctx, subject)
		if err != nil {
			return 0, fmt.Errorf("probe %s: %w", st.ID, err)
		}
		all += n
	}
	return all, nil
}

// errNeedles means that the needles of a request cannot be read any more.
var errNeedles = errors.New("the needles of this request are gone: its certificate was issued")

// look scans with the request's own needles.
func (o *Office) look(ctx context.Context, s *State) (scan.Report, error) {
	history, err := o.j.Load(ctx, events.RequestStream(s.Request), &officer)
	if err != nil {
		return scan.Report{}, err
	}
	var n *scan.Needles
	for _, r := range history {
		if e, ok := r.Event.(events.ErasureScopeResolved); ok && r.ID == s.scope.ID {
			if e.Needles.State() != events.Plain {
				return scan.Report{}, fmt.Errorf("open needles: %s: %w", e.Needles.State(), errNeedles)
			}
			if n, err = scan.ParseNeedles(e.Needles.Value().Doc); err != nil {
				return scan.Report{}, err
			}
		}
	}
	if n == nil {
		return scan.Report{}, errNeedles
	}
	var control *scan.Needles
	if o.cfg.Control != nil {
		text, err := o.cfg.Control(ctx, s.Scope.Subjects)
		if err != nil {
			return scan.Report{}, err
		}
		if text != "" {
			control = scan.NewNeedles()
			control.Add("control", text)
		}
	}
	return o.cfg.Scan(ctx, n, control)
}

// levels says what is proved of each store: never more than what was reached.
func (o *Office) levels(s *State, report scan.Report, showing []string) []events.StoreLevel {
	ids := slices.Clone(report.Stores)
	for _, st := range o.cfg.Stores {
		ids = append(ids, st.ID)
	}
	slices.Sort(ids)
	blind := report.Control != "found" || len(report.Unknown) > 0
	var out []events.StoreLevel
	for _, id := range slices.Compact(ids) {
		mustPurge := slices.ContainsFunc(o.cfg.Stores, func(st Store) bool { return st.ID == id })
		_, purged := s.Purged[id]
		out = append(out, reached(id, proof{
			logical: (purged || !mustPurge) && !slices.Contains(showing, id), keyless: s.Destroyed != nil && !s.Drained.IsZero(),
			sealed: s.Residue, clean: !blind && report.HitsIn(id) == 0 && slices.Contains(report.Stores, id),
		}))
	}
	out = append(out,
		events.StoreLevel{Store: "backups", Pending: V4, By: s.DestroyedAt.Add(o.cfg.Horizon)},
		events.StoreLevel{Store: "ciphertext", Pending: V5, On: "archive of the tickets"})
	return append(out, recipientLevel(s))
}

// proof is what is known of one store.
type proof struct{ logical, keyless, sealed, clean bool }

// reached is the highest level whose own condition and those of all levels below
// hold.
func reached(id string, p proof) events.StoreLevel {
	l := events.StoreLevel{Store: id}
	steps := []struct {
		level string
		ok    bool
	}{{V1, p.logical}, {V2, p.keyless}, {V3, p.sealed && p.clean}}
	for _, step := range steps {
		if !step.ok {
			l.Pending = step.level
			return l
		}
		l.Level = step.level
	}
	return l
}

func recipientLevel(s *State) events.StoreLevel {
	l := events.StoreLevel{Store: "recipients"}
	for id := range s.Told {
		if !s.Acked[id] {
			l.Pending, l.On = V6, "confirmation of the recipients"
		}
	}
	if l.Pending == "" && len(s.Failed) == 0 {
		l.Level = V6
	}
	return l
}

// tell notifies every recipient in the disclosure log, and none other (GDPR 19).
func (o *Office) tell(ctx context.Context, s *State) error {
	if o.cfg.Recipients == nil {
		return nil
	}
	gone, err := o.gone(ctx, s)
	if err != nil {
		return err
	}
	var streams []events.Stream
	for _, t := range gone {
		if !slices.Contains(streams, t.Stream) {
			streams = append(streams, t.Stream)
		}
	}
	list, err := o.cfg.Recipients(ctx, s.Scope.Subjects, streams)
	if err != nil {
		return fmt.Errorf("list recipients: %w", err)
	}
	for _, r := range list {
		if _, ok := s.Told[r.ID]; ok && s.Round == 0 {
			continue
		}
		e := events.RecipientErasureNotified{Request: s.Request, Order: s.Scope.Order, Recipient: r.ID, Method: "operator"}
		if r.Write != "" {
			e.Method = "mail"
			l := recipientLetter(o.cfg.Brand, s.Scope.Order)
			l.ID, l.Request, l.Customer, l.To = letterID(s, "recipient "+r.ID), s.Request, s.Requester, events.Address{Address: r.Write}
			if err := o.cfg.Send(ctx, l); err != nil {
				return fmt.Errorf("tell recipient: %w", err)
			}
		}
		if err := o.say(ctx, s, "tell "+r.ID, e); err != nil {
			return err
		}
	}
	return nil
}

// Verify checks an erasure again, now, and returns what it found. While no
// certificate was issued the result counts for the request; afterwards the needles
// are gone, and only whether keys, stores and files are as they should be is
// looked at.
func (o *Office) Verify(ctx context.Context, id events.RequestID) (events.ErasureVerified, error) {
	s, err := o.load(ctx, id)
	if err != nil {
		return events.ErasureVerified{}, err
	}
	if s.Destroyed == nil || !o.allPurged(s) {
		return events.ErasureVerified{}, &Refusal{"not_destroyed", "There is nothing to verify yet."}
	}
	if s.Certified.IsZero() {
		if s.Result != nil && !s.Stale {
			if err := o.say(ctx, s, "recheck", events.ErasureRechecked{Request: id, Order: s.Scope.Order}); err != nil {
				return events.ErasureVerified{}, err
			}
		}
		if _, _, err := o.Advance(ctx, id); err != nil {
			return events.ErasureVerified{}, err
		}
		if s, err = o.load(ctx, id); err != nil || s.Result == nil {
			return events.ErasureVerified{}, err
		}
		return *s.Result, nil
	}
	return o.recheck(ctx, s)
}

// recheck looks at a certified erasure: no key of it may be back, no store may
// show the person, no file may be unknown.
func (o *Office) recheck(ctx context.Context, s *State) (events.ErasureVerified, error) {
	out := *s.Result
	gone, err := o.gone(ctx, s)
	if err != nil {
		return out, err
	}
	var kids []events.KID
	for _, t := range gone {
		kids = append(kids, t.KID)
	}
	back := 0
	for chunk := range slices.Chunk(kids, 1000) {
		results, err := o.cfg.Vault.Keys(ctx, officer, chunk)
		if err != nil {
			return out, err
		}
		for _, r := range results {
			if r.State != events.Erased {
				back++
			}
		}
	}
	if back > 0 {
		o.log.Error("keys of an erased person are back", "order", s.Scope.Order.String(), "keys", back)
	}
	var showing []string
	for _, st := range o.cfg.Stores {
		n, err := o.probe(ctx, st, s.Scope.Subjects, s.waiting())
		if err != nil {
			return out, err
		}
		if back += n; n > 0 {
			showing = append(showing, st.ID)
		}
	}
	report, err := o.cfg.Scan(ctx, scan.NewNeedles(), nil)
	if err != nil {
		return out, err
	}
	out.Stores, out.Hits, out.Unknown, out.Control = o.levels(s, report, showing), back, len(report.Unknown), report.Control
	out.Files, out.Bytes, out.Needles, out.Digest = report.Files, report.Bytes, 0, events.Hash(report.Digest)
	return out, nil
}

// Acknowledge says that a recipient confirmed the erasure.
func (o *Office) Acknowledge(ctx context.Context, id events.RequestID, recipient string) error {
	s, err := o.load(ctx, id)
	if err != nil {
		return err
	}
	if _, told := s.Told[recipient]; !told {
		return &Refusal{"not_told", "This recipient was not told."}
	}
	return o.say(ctx, s, "ack "+recipient, events.RecipientErasureAcked{Request: id, Order: s.Scope.Order, Recipient: recipient})
}
