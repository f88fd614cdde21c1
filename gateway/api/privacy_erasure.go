package api

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/services/privacy/erasure"
)

// Erasure is one erasure, as the privacy office sees it.
type Erasure struct {
	Request    string             `json:"request"`
	Phase      string             `json:"phase" enum:"verifying,scoping,approving,working,verification_failed,deferred,certified,closed,refused,withdrawn"`
	Law        string             `json:"law"`
	Customer   string             `json:"customer"`
	ReceivedAt time.Time          `json:"received_at"`
	DueAt      time.Time          `json:"due_at"`
	VerifiedAt *time.Time         `json:"verified_at,omitempty"`
	Scope      *ErasureScope      `json:"scope,omitempty" doc:"What goes: to be approved by its digest"`
	Destroyed  *ErasureDestroyed  `json:"destroyed,omitempty"`
	Deferred   int                `json:"deferred" doc:"Segments that a legal hold keeps; they go by themselves when it ends"`
	Exempt     []ErasureExempt    `json:"exempt" nullable:"false"`
	Found      *ErasureFound      `json:"verification,omitempty" doc:"What the last search of everything found"`
	Recipients []ErasureRecipient `json:"recipients" nullable:"false"`
	Certified  bool               `json:"certified"`
}

// ErasureCount counts segments of one category and deletion class.
type ErasureCount struct {
	Category string `json:"category"`
	Class    string `json:"class"`
	Live     int    `json:"live"`
	Held     int    `json:"held"`
	Exempt   int    `json:"exempt"`
}

// ErasureScope is what an erasure covers.
type ErasureScope struct {
	Order   string         `json:"order,omitempty"`
	Persons int            `json:"persons" doc:"Ids that are verified to be this person's"`
	Streams int            `json:"streams"`
	Counts  []ErasureCount `json:"counts" nullable:"false"`
	Digest  string         `json:"digest"`
}

// ErasureDestroyed says what was destroyed.
type ErasureDestroyed struct {
	At     time.Time `json:"at"`
	Keys   int       `json:"keys"`
	Root   string    `json:"root" doc:"Merkle root over the destroyed keys"`
	Ledger int64     `json:"ledger"`
}

// ErasureExempt is what stays for a ground of law.
type ErasureExempt struct {
	Class   string `json:"class"`
	Keys    int    `json:"keys"`
	Ground  string `json:"ground"`
	Article string `json:"article"`
}

// ErasureLevel is what is proved of one store.
type ErasureLevel struct {
	Store   string     `json:"store"`
	Level   string     `json:"level" doc:"V1 logical, V2 cryptographic, V3 residue, V4 backups, V5 physical, V6 recipients; empty: none yet"`
	Pending string     `json:"pending,omitempty"`
	By      *time.Time `json:"by,omitempty"`
	On      string     `json:"on,omitempty"`
}

// ErasureFound is what a verification found.
type ErasureFound struct {
	Files   int            `json:"files"`
	Bytes   int64          `json:"bytes"`
	Needles int            `json:"needles"`
	Hits    int            `json:"hits"`
	Unknown int            `json:"unknown" doc:"Files that the store register does not know"`
	Control string         `json:"control" enum:"found,missed" doc:"Missed: the search could not see, and proves nothing"`
	Stores  []ErasureLevel `json:"stores" nullable:"false"`
}

// ErasureRecipient is somebody who was told to erase as well.
type ErasureRecipient struct {
	ID       string `json:"id"`
	Told     string `json:"told" enum:"mail,operator"`
	Answered bool   `json:"answered"`
}

func erasureOf(s *erasure.State) Erasure {
	out := Erasure{
		Request: string(s.Request), Phase: string(s.Phase()), Law: string(s.Law), Customer: string(s.Customer), ReceivedAt: s.Received, DueAt: s.Due,
		Exempt: []ErasureExempt{}, Recipients: []ErasureRecipient{}, Certified: s.Certificate != "",
	}
	if !s.Verified.IsZero() {
		out.VerifiedAt = &s.Verified
	}
	if s.Scope != nil {
		out.Scope = &ErasureScope{
			Order: "er_" + s.Scope.Order.String(), Persons: len(s.Scope.Subjects), Streams: s.Scope.Streams, Counts: erasureCounts(s.Scope.Counts), Digest: string(s.Scope.Digest),
		}
	}
	if d := s.Destroyed; d != nil {
		out.Destroyed = &ErasureDestroyed{At: s.DestroyedAt, Keys: d.Killed, Root: string(d.Root), Ledger: d.Ledger}
	}
	if s.Deferral != nil && !s.Completed {
		out.Deferred = len(s.Deferral.KIDs)
	}
	for _, x := range s.Exempted {
		out.Exempt = append(out.Exempt, ErasureExempt{string(x.Class), x.Keys, string(x.Ground), x.Article})
	}
	if s.Result != nil {
		out.Found = erasureFound(*s.Result)
	}
	for id, told := range s.Told {
		out.Recipients = append(out.Recipients, ErasureRecipient{id, told.Method, s.Acked[id]})
	}
	slices.SortFunc(out.Recipients, func(a, b ErasureRecipient) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	return out
}

func erasureCounts(list []events.SegmentCount) []ErasureCount {
	out := make([]ErasureCount, len(list))
	for i, c := range list {
		out[i] = ErasureCount{string(c.Category), string(c.Class), c.Live, c.Held, c.Exempt}
	}
	return out
}

func erasureFound(r events.ErasureVerified) *ErasureFound {
	out := &ErasureFound{Files: r.Files, Bytes: r.Bytes, Needles: r.Needles, Hits: r.Hits, Unknown: r.Unknown, Control: r.Control, Stores: []ErasureLevel{}}
	for _, l := range r.Stores {
		x := ErasureLevel{Store: l.Store, Level: l.Level, Pending: l.Pending, On: l.On}
		if !l.By.IsZero() {
			by := l.By
			x.By = &by
		}
		out.Stores = append(out.Stores, x)
	}
	return out
}

type (
	erasureInput struct {
		ID string `path:"id" maxLength:"40"`
	}
	erasureOutput struct{ Body Erasure }
	erasureAction struct {
		Command
		ID   string `path:"id" maxLength:"40"`
		Body struct {
			Digest    string `json:"digest,omitempty" maxLength:"64" doc:"approve: the digest of the scope you saw"`
			Recipient string `json:"recipient,omitempty" maxLength:"60" doc:"acknowledge: who confirmed"`
		}
	}
	// mergeInput says that two people are one, or not.
	mergeInput struct {
		Command
		ID   string `path:"id" maxLength:"40"`
		Body struct {
			With     string `json:"with" maxLength:"40"`
			Verified bool   `json:"verified,omitempty" doc:"Proved, so that they are erased together"`
			Method   string `json:"method,omitempty" maxLength:"40" default:"agent"`
		}
	}
	redactInput struct {
		Command
		ID      string `path:"id" maxLength:"40"`
		Message string `path:"message" maxLength:"40"`
		Body    struct {
			Words  []string `json:"words,omitempty" maxItems:"50" doc:"Taken out wherever they stand in subject and text; none: the whole message goes"`
			Reason string   `json:"reason" enum:"third_party,payment,health,other"`
		}
	}
)

// authored is who commands, for the office.
func (k Command) authored(ctx context.Context, now func() time.Time) erasure.By {
	c := k.of(ctx, now)
	return erasure.By{Command: c.ID, Actor: events.AgentActor(c.Agent), At: c.At}
}

// erasures is the office, or a problem where there is none or the caller is no officer.
func (a *API) erasures(ctx context.Context) (*erasure.Office, error) {
	if _, err := officer(ctx); err != nil {
		return nil, err
	}
	if a.rooms.Privacy == nil || a.rooms.Privacy.Erasure == nil {
		return nil, NewProblem(http.StatusServiceUnavailable, "This process erases nobody.")
	}
	return a.rooms.Privacy.Erasure, nil
}

// privacyErasure registers erasures, their certificates, merges and redactions.
func (a *API) privacyErasure() {
	add(a, privacyDescribe(get("list-privacy-erasures", "/privacy/erasures", "Erasures that are not over")), a.listErasures)
	add(a, privacyDescribe(get("get-privacy-erasure", "/privacy/requests/{id}/erasure", "The erasure of a request: what goes, what went, what is proved")), a.getErasure)
	add(a, privacyDescribe(get("preview-privacy-erasure", "/privacy/customers/{id}/erasure", "What an erasure of a person would cover now; nothing is written")), a.previewErasure)
	add(a, privacyDescribe(get("get-privacy-certificate", "/privacy/requests/{id}/certificate", "The signed certificate of an erasure")), a.getCertificate)
	for _, x := range []struct {
		name, does string
		do         func(context.Context, *erasure.Office, *erasureAction) error
	}{
		{"approve", "Let what the preview showed be destroyed; there is no way back", func(ctx context.Context, o *erasure.Office, in *erasureAction) error {
			return o.Approve(ctx, in.authored(ctx, a.cfg.Now), events.RequestID(in.ID), events.Hash(in.Body.Digest))
		}},
		{"recheck", "Search everything again", func(ctx context.Context, o *erasure.Office, in *erasureAction) error {
			_, err := o.Verify(ctx, events.RequestID(in.ID))
			return err
		}},
		{"acknowledge", "A recipient confirmed the erasure", func(ctx context.Context, o *erasure.Office, in *erasureAction) error {
			return o.Acknowledge(ctx, events.RequestID(in.ID), in.Body.Recipient)
		}},
	} {
		add(a, privacyDescribe(post(x.name+"-privacy-erasure", "/privacy/requests/{id}/erasure/"+x.name, x.does)), func(ctx context.Context, in *erasureAction) (*erasureOutput, error) {
			o, err := a.erasures(ctx)
			if err == nil {
				err = identifier(in.ID)
			}
			if err == nil {
				err = x.do(ctx, o, in)
			}
			if err != nil {
				return nil, err
			}
			return a.getErasure(ctx, &erasureInput{in.ID})
		})
	}
	for _, x := range [][2]string{{"merge", "Two ids are one person's"}, {"unmerge", "They are not, after all"}} {
		name := x[0]
		add(a, privacyDescribe(post(name+"-customer", "/privacy/customers/{id}/"+name, x[1])), func(ctx context.Context, in *mergeInput) (*struct{}, error) {
			o, err := a.erasures(ctx)
			if err == nil {
				err = identifier(in.ID)
			}
			if err == nil {
				err = identifier(in.Body.With)
			}
			if err != nil {
				return nil, err
			}
			by, one, other := in.authored(ctx, a.cfg.Now), events.SubjectID(in.ID), events.SubjectID(in.Body.With)
			if name == "unmerge" {
				return nil, o.Unmerge(ctx, by, one, other)
			}
			return nil, o.Merge(ctx, by, one, other, in.Body.Verified, in.Body.Method)
		})
	}
	redact := privacyDescribe(post("redact-message", "/tickets/{id}/messages/{message}/redact", "Take words out of a message for good, or all of it"))
	add(a, redact, func(ctx context.Context, in *redactInput) (*struct{}, error) {
		o, err := a.erasures(ctx)
		if err == nil {
			err = identifier(in.ID)
		}
		if err == nil {
			err = identifier(in.Message)
		}
		if err != nil {
			return nil, err
		}
		return nil, o.Redact(ctx, in.authored(ctx, a.cfg.Now), erasure.Redaction{
			Ticket: events.TicketID(in.ID), Message: in.Message, Words: in.Body.Words, Reason: in.Body.Reason,
		})
	})
}

func (a *API) listErasures(ctx context.Context, _ *struct{}) (*struct {
	Body struct {
		Items []Erasure `json:"items" nullable:"false"`
		Key   string    `json:"key" doc:"Public key that certificates are checked with"`
	}
}, error,
) {
	o, err := a.erasures(ctx)
	if err != nil {
		return nil, err
	}
	list, err := o.Pending(ctx)
	if err != nil {
		return nil, err
	}
	var out struct {
		Body struct {
			Items []Erasure `json:"items" nullable:"false"`
			Key   string    `json:"key" doc:"Public key that certificates are checked with"`
		}
	}
	out.Body.Items, out.Body.Key = make([]Erasure, len(list)), o.PublicKey()
	for i, s := range list {
		out.Body.Items[i] = erasureOf(s)
	}
	return &out, nil
}

func (a *API) getErasure(ctx context.Context, in *erasureInput) (*erasureOutput, error) {
	o, err := a.erasures(ctx)
	if err == nil {
		err = identifier(in.ID)
	}
	if err != nil {
		return nil, err
	}
	s, err := o.Get(ctx, events.RequestID(in.ID))
	if err != nil {
		return nil, err
	}
	return &erasureOutput{erasureOf(s)}, nil
}

func (a *API) previewErasure(ctx context.Context, in *erasureInput) (*struct{ Body ErasureScope }, error) {
	o, err := a.erasures(ctx)
	if err == nil {
		err = identifier(in.ID)
	}
	if err != nil {
		return nil, err
	}
	s, err := o.Preview(ctx, events.SubjectID(in.ID))
	if err != nil {
		return nil, err
	}
	return &struct{ Body ErasureScope }{ErasureScope{Persons: len(s.Subjects), Streams: s.Streams, Counts: erasureCounts(s.Counts), Digest: string(s.Digest)}}, nil
}

func (a *API) getCertificate(ctx context.Context, in *erasureInput) (*struct {
	Body json.RawMessage `contentType:"application/json"`
}, error,
) {
	o, err := a.erasures(ctx)
	if err == nil {
		err = identifier(in.ID)
	}
	if err != nil {
		return nil, err
	}
	doc, err := o.Certificate(ctx, events.RequestID(in.ID))
	if err != nil {
		return nil, err
	}
	return &struct {
		Body json.RawMessage `contentType:"application/json"`
	}{json.RawMessage(doc)}, nil
}
