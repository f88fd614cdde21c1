package erasure

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/westshore/hub/events"
)

// Phase is where a request stands.
type Phase string

// The phases, in order. A request waits in Verifying for its person, in
// Approving for an officer, in Failed for an operator, in Deferred for the
// release of a hold, in Horizon for the last backup to expire.
const (
	Verifying Phase = "verifying"
	Scoping   Phase = "scoping"
	Approving Phase = "approving"
	Working   Phase = "working"
	Failed    Phase = "verification_failed"
	Deferred  Phase = "deferred"
	Horizon   Phase = "certified"
	Closed    Phase = "closed"
	Refused   Phase = "refused"
	Withdrawn Phase = "withdrawn"
)

// State is a request, folded from its stream. It holds facts only.
type State struct {
	Request   events.RequestID
	Kind      events.RequestKind
	Law       events.Law
	Customer  events.SubjectID
	Requester events.SubjectID
	Received  time.Time
	Due       time.Time

	Verified    time.Time
	Method      string
	Scope       *events.ErasureScopeResolved
	Scopes      int // counts previews
	Approved    bool
	Exempted    []events.SegmentsExempted
	Fenced      time.Time
	Outbox      *events.OutboxCleared
	Destroyed   *events.KeysDestroyed
	DestroyedAt time.Time
	Deferral    *events.ErasureDeferred
	Completed   bool // what was deferred is gone
	Round       int  // 0, and 1 once what was deferred is carried out
	Drained     time.Time
	Purged      map[string]int
	Residue     bool
	Told        map[string]events.RecipientErasureNotified
	Acked       map[string]bool
	Failed      map[string]events.Ground
	Recipients  bool // all that there are were told
	Result      *events.ErasureVerified
	Results     int
	Stale       bool // another verification is asked for
	Certificate string
	Certified   time.Time
	Informed    time.Time
	Annex       string
	Answered    bool
	Closed      time.Time
	Outcome     string
	Forgotten   bool
	Refused     bool
	Withdrawn   bool

	exists bool
	scope  events.Recorded // with the sealed needles
}

func fold(history []events.Recorded) *State {
	s := &State{Purged: map[string]int{}, Told: map[string]events.RecipientErasureNotified{}, Acked: map[string]bool{}, Failed: map[string]events.Ground{}}
	for _, r := range history {
		s.evolve(r)
	}
	return s
}

func (s *State) evolve(r events.Recorded) {
	switch e := r.Event.(type) {
	case events.RequestReceived:
		s.exists, s.Request, s.Kind, s.Law, s.Customer, s.Requester = true, e.Request, e.Kind, e.Law, e.Customer, e.Requester
		s.Received, s.Due = e.ReceivedAt, e.Due
	case events.RequesterVerified:
		if s.Verified.IsZero() {
			s.Verified, s.Method = r.Meta.At, e.Method
		}
	case events.RequestExtended:
		s.Due = e.Due
	case events.RequestRefused:
		s.Refused = true
	case events.RequestWithdrawn:
		// Past the fence there is no way back.
		s.Withdrawn = s.Fenced.IsZero()
	case events.ErasureScopeResolved:
		s.Scope, s.scope, s.Scopes = &e, r, s.Scopes+1
	case events.ErasureApproved:
		s.Approved = s.Scope != nil && e.Digest == s.Scope.Digest
	case events.SegmentsExempted:
		s.Exempted = append(s.Exempted, e)
	case events.SubjectFenced:
		s.Fenced = r.Meta.At
	case events.OutboxCleared:
		s.Outbox = &e
	case events.RequestClosed:
		s.Closed, s.Outcome = r.Meta.At, e.Outcome
	case events.RequesterForgotten:
		s.Forgotten = true
	case events.RequesterInformed:
		s.Informed = r.Meta.At
	case events.RequestAnswered:
		s.Answered = true
	default:
		s.erase(r)
	}
}

// erase folds what happens from the intent on.
func (s *State) erase(r events.Recorded) {
	switch e := r.Event.(type) {
	case events.KeysDestroyed:
		s.Destroyed, s.DestroyedAt = &e, r.Meta.At
	case events.ErasureDeferred:
		s.Deferral = &e
	case events.DeferredErasureCompleted:
		// What was deferred walks the same way again, from the caches on.
		s.Completed, s.Round = true, 1
		s.Drained, s.Purged, s.Residue, s.Result, s.Certificate = time.Time{}, map[string]int{}, false, nil, ""
		s.Certified, s.Informed = time.Time{}, time.Time{}
	case events.CachesDrained:
		s.Drained = r.Meta.At
	case events.StorePurged:
		s.Purged[e.Store] = e.Rows
	case events.ResidueSealed:
		s.Residue = true
	case events.RecipientErasureNotified:
		s.Told[e.Recipient] = e
	case events.RecipientErasureAcked:
		s.Acked[e.Recipient] = true
	case events.RecipientErasureFailed:
		s.Failed[e.Recipient] = e.Ground
	case events.ErasureVerified:
		s.Result, s.Results, s.Stale = &e, s.Results+1, false
	case events.ErasureRechecked:
		s.Stale = true
	case events.CertificateIssued:
		s.Certificate, s.Certified = e.Certificate, r.Meta.At
	case events.BackupHorizonReached:
		s.Annex = e.Certificate
	}
}

// clean says that the last verification found nothing, and could see.
func (s *State) clean() bool {
	r := s.Result
	return r != nil && r.Hits == 0 && r.Unknown == 0 && r.Control == "found" && !s.Stale
}

// waiting says that holds keep a part of the scope.
func (s *State) waiting() bool { return s.Deferral != nil && !s.Completed }

// Phase says where the request stands.
func (s *State) Phase() Phase {
	switch {
	case s.Refused:
		return Refused
	case s.Withdrawn:
		return Withdrawn
	case !s.Closed.IsZero():
		return Closed
	case s.Verified.IsZero():
		return Verifying
	case s.Scope == nil:
		return Scoping
	case !s.Approved:
		return Approving
	case s.Certified.IsZero() && s.Result != nil && !s.clean():
		return Failed
	case s.Certified.IsZero() || s.Informed.IsZero():
		return Working
	case s.waiting():
		return Deferred
	}
	return Horizon
}

// load reads one request.
func (o *Office) load(ctx context.Context, id events.RequestID) (*State, error) {
	history, err := o.j.Load(ctx, events.RequestStream(id), nil)
	if err != nil {
		return nil, fmt.Errorf("load request: %w", err)
	}
	s := fold(history)
	if !s.exists || s.Kind != events.RequestErasure {
		return nil, ErrNotFound
	}
	return s, nil
}

// Get returns a request for erasure.
func (o *Office) Get(ctx context.Context, id events.RequestID) (*State, error) {
	return o.load(ctx, id)
}

// Subjects are the people whose data go: the closure once it is known.
func (s *State) Subjects() []events.SubjectID {
	if s.Scope == nil {
		return []events.SubjectID{s.Customer}
	}
	return slices.Clone(s.Scope.Subjects)
}
