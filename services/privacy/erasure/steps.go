package erasure

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/events/vault"
)

// Saga steps, in order. Each may be interrupted anywhere and repeated: what it
// does to the vault and the stores is idempotent, and what it says has an id
// derived from the request and the step.
const (
	stepScope    = "scope"
	stepApprove  = "approve"
	stepFence    = "fence"
	stepOutbox   = "outbox"
	stepDestroy  = "destroy"
	stepDrain    = "drain"
	stepPurge    = "purge"
	stepResidue  = "residue"
	stepVerify   = "verify"
	stepCertify  = "certify"
	stepInform   = "inform"
	stepComplete = "complete"
	stepHorizon  = "horizon"
	stepClose    = "close"
	stepForget   = "forget"
)

// pollHolds is how often a deferred erasure looks whether its holds are gone, if
// nobody said so.
const pollHolds = time.Hour

// next says what comes next; empty when nothing does before wake, which is zero
// when a person or somebody else has to do something first.
func (o *Office) next(s *State) (step string, wake time.Time) {
	now := o.now()
	switch {
	case s.Forgotten:
		return "", time.Time{}
	case s.Refused || s.Withdrawn:
		return o.ending(s, now)
	case s.Verified.IsZero():
		return "", time.Time{}
	case s.Scope == nil:
		return stepScope, now
	case !s.Approved:
		if o.cfg.Unattended {
			return stepApprove, now
		}
		return "", time.Time{}
	case s.Fenced.IsZero():
		return stepFence, now
	case s.Outbox == nil:
		return stepOutbox, now
	case s.Destroyed == nil:
		return stepDestroy, now
	case s.Drained.IsZero():
		return stepDrain, now
	case !o.allPurged(s):
		return stepPurge, now
	case !s.Residue:
		return stepResidue, now
	case s.Result == nil || s.Stale:
		return stepVerify, now
	case s.Certified.IsZero():
		if !s.clean() {
			return "", time.Time{} // an operator has to look
		}
		return stepCertify, now
	case s.Informed.IsZero():
		return stepInform, now
	case s.waiting():
		return stepComplete, now.Add(pollHolds)
	}
	if s.Annex == "" {
		if at := s.DestroyedAt.Add(o.cfg.Horizon); now.Before(at) {
			return "", at
		}
		return stepHorizon, now
	}
	return o.ending(s, now)
}

// ending closes a request and forgets, later, whom to answer.
func (o *Office) ending(s *State, now time.Time) (string, time.Time) {
	if s.Closed.IsZero() {
		return stepClose, now
	}
	if at := s.Closed.Add(contactDays); now.Before(at) {
		return "", at
	}
	return stepForget, now
}

// Advance takes a request as far as it goes by itself. wake is when to come back;
// zero: when somebody did something about it.
func (o *Office) Advance(ctx context.Context, id events.RequestID) (wake time.Time, over bool, err error) {
	for {
		s, err := o.load(ctx, id)
		if err != nil {
			return time.Time{}, false, err
		}
		step, at := o.next(s)
		if step == "" {
			return at, s.Forgotten, nil
		}
		if err := o.stop(step + ":before"); err != nil {
			return time.Time{}, false, err
		}
		moved, err := o.take(ctx, s, step)
		if err != nil {
			return time.Time{}, false, fmt.Errorf("erasure %s: %s: %w", id, step, err)
		}
		if err := o.stop(step + ":after"); err != nil {
			return time.Time{}, false, err
		}
		if !moved {
			return at, false, nil
		}
		o.news.tell()
	}
}

func (o *Office) take(ctx context.Context, s *State, step string) (moved bool, err error) {
	switch step {
	case stepScope:
		return true, o.resolve(ctx, s)
	case stepApprove:
		return true, o.say(ctx, s, step, events.ErasureApproved{Request: s.Request, Order: s.Scope.Order, Digest: s.Scope.Digest})
	case stepFence:
		return true, o.fence(ctx, s)
	case stepOutbox:
		return true, o.clearOutbox(ctx, s)
	case stepDestroy:
		return true, o.destroy(ctx, s)
	case stepDrain:
		if err := o.cfg.Vault.Drained(ctx); err != nil {
			return false, err
		}
		return true, o.say(ctx, s, step, events.CachesDrained{Request: s.Request, Order: s.Scope.Order, Generation: o.cfg.Vault.Generation()})
	case stepPurge:
		return true, o.purge(ctx, s)
	case stepResidue:
		return true, o.residue(ctx, s)
	case stepVerify:
		return true, o.verify(ctx, s)
	case stepCertify:
		return true, o.certify(ctx, s)
	case stepInform:
		return true, o.inform(ctx, s)
	case stepComplete:
		return o.complete(ctx, s)
	case stepHorizon:
		return true, o.horizon(ctx, s)
	case stepClose:
		return true, o.close(ctx, s)
	case stepForget:
		return true, o.forget(ctx, s)
	}
	return false, fmt.Errorf("there is no step %q", step)
}

// say writes what a step did, once: the same step of the same round is the same
// events.
func (o *Office) say(ctx context.Context, s *State, step string, evs ...events.Event) error {
	return o.sayAt(ctx, s, step, time.Time{}, evs...)
}

func (o *Office) sayAt(ctx context.Context, s *State, step string, at time.Time, evs ...events.Event) error {
	if at.IsZero() {
		at = o.now()
	}
	by := journal.By{
		Command: events.DeriveUUID("erasure", string(s.Request), step, strconv.Itoa(s.Round), strconv.Itoa(s.Scopes), strconv.Itoa(s.Results)),
		Actor:   "system:privacy", At: at,
	}
	_, err := o.j.Execute(ctx, events.RequestStream(s.Request), by, func(history []events.Recorded) ([]events.Event, error) {
		if now := fold(history); s.Fenced.IsZero() && (now.Withdrawn || now.Refused) && step != stepClose && step != stepForget {
			return nil, nil // it was called off meanwhile
		}
		return evs, nil
	})
	return err
}

// resolve finds out what will go, and makes needles of it while it can be read.
func (o *Office) resolve(ctx context.Context, s *State) error {
	subjects, err := o.closure(ctx, s.Customer)
	if err != nil {
		return err
	}
	sc, err := o.scope(ctx, subjects)
	if err != nil {
		return err
	}
	n, err := o.needles(ctx, sc)
	if err != nil {
		return err
	}
	doc, err := n.Marshal()
	if err != nil {
		return err
	}
	return o.say(ctx, s, stepScope, events.ErasureScopeResolved{
		Request: s.Request, Order: orderOf(s.Request), Requester: s.Requester, Subjects: sc.Subjects, Counts: sc.Counts,
		Streams: sc.Streams, Digest: sc.Digest, Needles: events.Seal(events.Needles{Doc: doc}),
	})
}

// orderOf is the order under which a request's keys are destroyed.
func orderOf(id events.RequestID) events.UUID { return events.DeriveUUID("erasure order", string(id)) }

func (o *Office) fence(ctx context.Context, s *State) error {
	for _, subject := range s.Scope.Subjects {
		if err := o.cfg.Ledger.Fence(ctx, s.Scope.Order, subject); err != nil {
			return err
		}
	}
	var evs []events.Event
	for _, c := range s.Scope.Counts {
		if x, ok := o.cfg.Exempt[c.Class]; ok && c.Exempt > 0 {
			evs = append(evs, events.SegmentsExempted{
				Request: s.Request, Order: s.Scope.Order, Category: c.Category, Class: c.Class, Keys: c.Exempt, Ground: x.Ground, Article: x.Article,
			})
		}
	}
	return o.say(ctx, s, stepFence, append(evs, events.SubjectFenced{Request: s.Request, Order: s.Scope.Order, Subjects: s.Scope.Subjects})...)
}

// destroy writes the intent and carries it out. The scope is taken anew: between
// approval and fence more may have come from the person, and it goes as well.
func (o *Office) destroy(ctx context.Context, s *State) error {
	sc, err := o.scope(ctx, s.Scope.Subjects)
	if err != nil {
		return err
	}
	at := o.now().UTC().Truncate(time.Millisecond)
	if err := o.stop(stepDestroy + ":intent"); err != nil {
		return err
	}
	done, err := o.cfg.Ledger.Destroy(ctx, s.Scope.Order, vault.CauseSubject, time.Time{}, Targets(sc.destroy))
	if err != nil && !errors.Is(err, vault.ErrResidue) {
		return err // ErrResidue: the next epoch cuts the log again
	}
	if err := o.stop(stepDestroy + ":done"); err != nil {
		return err
	}
	kept := map[events.KID]bool{}
	for _, k := range slices.Concat(done.Deferred, done.Spared) {
		kept[k] = true
	}
	// After a crash between destruction and this event, what went is read back
	// from the ledger; commitments of keys that are gone stand in their events.
	gone, head, err := o.cfg.Ledger.Of(ctx, s.Scope.Order, s.since())
	if err != nil {
		return err
	}
	commits, err := o.commitments(ctx, gone)
	if err != nil {
		return err
	}
	var killed, waits []Target
	for _, t := range gone {
		if kept[t.KID] {
			waits = append(waits, t)
		} else {
			killed = append(killed, t)
		}
	}
	evs := []events.Event{events.KeysDestroyed{
		Request: s.Request, Order: s.Scope.Order, Killed: len(killed), Deferred: len(waits),
		Root: merkleRoot(leaves(killed, commits, at, vault.CauseSubject)), Ledger: head.Seq, LedgerHash: events.Hash(head.Hash),
	}}
	if len(waits) > 0 {
		e := events.ErasureDeferred{Request: s.Request, Order: s.Scope.Order, Ground: events.GroundClaimDefence, Article: "GDPR 17(3)(e)"}
		e.KIDs, e.Streams = runs(waits)
		evs = append(evs, e)
	}
	return o.sayAt(ctx, s, stepDestroy, at, evs...)
}

// complete looks whether the holds are gone, and with them what they kept: the
// vault destroys it by itself.
func (o *Office) complete(ctx context.Context, s *State) (moved bool, err error) {
	waits := map[events.KID]bool{}
	for _, k := range s.Deferral.KIDs {
		waits[k] = true
	}
	for _, subject := range s.Scope.Subjects {
		infos, err := o.cfg.Vault.SubjectKeys(ctx, subject)
		if err != nil {
			return false, err
		}
		if slices.ContainsFunc(infos, func(i vault.Info) bool { return waits[i.KID] }) {
			return false, nil
		}
	}
	return true, o.say(ctx, s, stepComplete, events.DeferredErasureCompleted{Request: s.Request, Order: s.Scope.Order, Keys: len(waits)})
}

// gone are the keys that the round at hand destroyed.
func (o *Office) gone(ctx context.Context, s *State) ([]Target, error) {
	if s.Round > 0 {
		return targets(s.Deferral.KIDs, s.Deferral.Streams), nil
	}
	all, _, err := o.cfg.Ledger.Of(ctx, s.Scope.Order, s.since())
	if err != nil || s.Deferral == nil {
		return all, err
	}
	return slices.DeleteFunc(all, func(t Target) bool { return slices.Contains(s.Deferral.KIDs, t.KID) }), nil
}

// since is a time before every intent of the order: clocks of processes may differ
// by some minutes.
func (s *State) since() time.Time { return s.Fenced.Add(-time.Hour) }

// residue puts a tombstone into every stream and makes the bytes of dead keys,
// wherever they linger, useless.
func (o *Office) residue(ctx context.Context, s *State) error {
	gone, err := o.gone(ctx, s)
	if err != nil {
		return err
	}
	if err := tombstones(ctx, o.j, s.Scope.Order, vault.CauseSubject, o.now(), gone); err != nil {
		return err
	}
	if err := o.closeTickets(ctx, s, gone); err != nil {
		return err
	}
	if err := o.stop(stepResidue + ":sealed"); err != nil {
		return err
	}
	n, err := o.cfg.Vault.SealEpoch(ctx)
	if err != nil {
		return err
	}
	return o.say(ctx, s, stepResidue, events.ResidueSealed{Request: s.Request, Order: s.Scope.Order, Keys: n})
}

// tombstones says in every stream which of its segments are gone.
func tombstones(ctx context.Context, j *journal.Journal, order events.UUID, cause string, at time.Time, gone []Target) error {
	byStream := map[events.Stream][]events.KID{}
	var streams []events.Stream
	for _, t := range gone {
		if byStream[t.Stream] == nil {
			streams = append(streams, t.Stream)
		}
		byStream[t.Stream] = append(byStream[t.Stream], t.KID)
	}
	for _, stream := range streams {
		kids := byStream[stream]
		slices.Sort(kids)
		by := journal.By{Command: events.DeriveUUID("tombstone", order.String(), string(kids[0])), Actor: "system:privacy", At: at}
		_, err := j.Execute(ctx, stream, by, func(history []events.Recorded) ([]events.Event, error) {
			if len(history) == 0 {
				return nil, nil // a key of an event that was never written
			}
			return []events.Event{events.SegmentsErased{Order: order, Cause: cause, KIDs: kids, At: at.UTC()}}, nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// closeTickets puts a tombstone without keys into the tickets of the person that
// hold no segment of theirs themselves, so that whoever folds a ticket knows that
// nobody may be joined to it again (PRIVACY F14).
func (o *Office) closeTickets(ctx context.Context, s *State, gone []Target) error {
	had := map[events.Stream]bool{}
	for _, t := range gone {
		had[t.Stream] = true
	}
	for stream := range maps.Clone(had) {
		if stream.Family() != "inquiry" {
			continue
		}
		history, err := o.j.Load(ctx, stream, nil)
		if err != nil {
			return err
		}
		for _, r := range history {
			e, routed := r.Event.(events.InquiryRouted)
			ticket := events.TicketStream(e.Ticket)
			if !routed || e.Ticket == "" || had[ticket] {
				continue
			}
			had[ticket] = true
			if err := o.closeTicket(ctx, s, ticket); err != nil {
				return err
			}
		}
	}
	return nil
}

func (o *Office) closeTicket(ctx context.Context, s *State, ticket events.Stream) error {
	by := journal.By{Command: events.DeriveUUID("tombstone", s.Scope.Order.String(), string(ticket)), Actor: "system:privacy", At: o.now()}
	_, err := o.j.Execute(ctx, ticket, by, func(history []events.Recorded) ([]events.Event, error) {
		for _, r := range history {
			if e, ok := r.Event.(events.TicketOpened); ok && slices.Contains(s.Scope.Subjects, e.Customer) {
				return []events.Event{events.SegmentsErased{Order: s.Scope.Order, Cause: vault.CauseSubject, At: o.now().UTC()}}, nil
			}
		}
		return nil, nil // somebody else's ticket, to which the person wrote
	})
	return err
}

func (o *Office) close(ctx context.Context, s *State) error {
	outcome := "done"
	switch {
	case s.Refused:
		outcome = "refused"
	case s.Withdrawn:
		outcome = "withdrawn"
	}
	return o.say(ctx, s, stepClose, events.RequestClosed{Request: s.Request, Outcome: outcome})
}

// forget destroys the address that the request was answered to (PRIVACY F27).
func (o *Office) forget(ctx context.Context, s *State) error {
	infos, err := o.cfg.Vault.SubjectKeys(ctx, s.Requester)
	if err != nil {
		return err
	}
	order := events.DeriveUUID("forget requester", string(s.Request))
	if _, err := o.cfg.Ledger.Destroy(ctx, order, vault.CauseRetention, time.Time{}, Targets(infos)); err != nil {
		return err
	}
	return o.say(ctx, s, stepForget, events.RequesterForgotten{Request: s.Request})
}
