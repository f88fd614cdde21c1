package privacy

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/westshore/hub/events"
)

// ErrNotFound is returned when there is no such thing.
var ErrNotFound = &missing{errors.New("not found")}

type missing struct{ error }

// Code is the kind of problem, as the gateway knows them.
func (*missing) Code() string { return "not_found" }

// Request is one request of a person and where it stands: state "received",
// "verified", "doubted", one of the steps of an erasure, "ready" or
// "closed".
type Request struct {
	ID          events.RequestID   `json:"id"`
	Kind        events.RequestKind `json:"kind"`
	Law         events.Law         `json:"law"`
	Channel     string             `json:"channel"`
	Ground      string             `json:"ground,omitempty"`
	Customer    events.SubjectID   `json:"customer"`
	Ticket      events.TicketID    `json:"ticket,omitempty"`
	State       string             `json:"state"`
	Outcome     string             `json:"outcome,omitempty"`
	ReceivedAt  time.Time          `json:"received_at"`
	Acknowledge time.Time          `json:"ack_due"`
	Due         time.Time          `json:"due"`
	ExtendBy    time.Time          `json:"extended_due"`
	Acked       bool               `json:"acknowledged"`
	Verified    bool               `json:"verified"`
	Doubted     bool               `json:"doubted"`
	Extended    bool               `json:"extended"`
	Reminded    bool               `json:"reminded"`         // a deadline is near or past
	Expires     time.Time          `json:"expires,omitzero"` // of the link to a copy
	Fetched     bool               `json:"fetched"`
	Order       string             `json:"order,omitempty"`
	Told        []Told             `json:"told,omitempty"`
	Updated     time.Time          `json:"updated_at"`
}

// Told is one recipient that was told of a change: "erasure", "rectification",
// "restriction" or "lifted" (GDPR art. 19), by "mail" or, still to be done, by an
// "operator".
type Told struct {
	Recipient string    `json:"recipient"`
	Change    string    `json:"change"`
	Method    string    `json:"method"`
	Confirmed bool      `json:"confirmed"`
	At        time.Time `json:"at"`
}

// Hold is one legal hold: state "proposed", "placed", "released" or "declined".
// Pending is what waits for a second person.
type Hold struct {
	ID       events.HoldID    `json:"id"`
	State    string           `json:"state"`
	Pending  string           `json:"pending,omitempty"`
	By       events.AgentID   `json:"by,omitempty"`
	Proposed events.AgentID   `json:"proposed_by,omitempty"` // of what is pending
	Approved events.AgentID   `json:"approved_by,omitempty"`
	Ground   events.Ground    `json:"ground,omitempty"`
	Scope    events.Scope     `json:"scope"`
	Streams  []events.Stream  `json:"streams,omitempty"`
	Customer events.SubjectID `json:"customer,omitempty"`
	Review   time.Time        `json:"review"`
	Overdue  bool             `json:"overdue"`
	Keys     int              `json:"keys"`
	Missing  int              `json:"missing"`
	Freed    int              `json:"destroyed_on_release"`
	Updated  time.Time        `json:"updated_at"`
}

// Demand is one demand of an authority: state "received", "valid", "invalid",
// "approved_once", "approved", "sealed" or "delivered".
type Demand struct {
	ID        events.DemandID    `json:"id"`
	Kind      string             `json:"kind"`
	Recipient events.RecipientID `json:"recipient"`
	State     string             `json:"state"`
	Scope     events.Scope       `json:"scope"`
	Due       time.Time          `json:"due,omitzero"`
	Gag       time.Time          `json:"gag,omitzero"`
	Hold      events.HoldID      `json:"hold,omitempty"`
	By        events.AgentID     `json:"by"`
	Approved  []events.AgentID   `json:"approved_by,omitempty"`
	Segments  int                `json:"segments"`
	Withheld  int                `json:"withheld"`
	Digest    string             `json:"digest,omitempty"`
	Waiting   []Notice           `json:"notices,omitempty"`
	Updated   time.Time          `json:"updated_at"`
}

// Notice is a person who is to be told of a disclosure.
type Notice struct {
	Customer events.SubjectID `json:"customer"`
	Until    time.Time        `json:"until"`
	Sent     bool             `json:"sent"`
}

// Case is one investigation or dispute: state "open" or "closed".
type Case struct {
	ID      events.CaseID      `json:"id"`
	Kind    string             `json:"kind"`
	State   string             `json:"state"`
	Outcome string             `json:"outcome,omitempty"`
	Clause  string             `json:"clause,omitempty"`
	By      events.AgentID     `json:"by"`
	Until   time.Time          `json:"until"`
	Tickets []events.TicketID  `json:"tickets,omitempty"`
	People  []events.SubjectID `json:"subjects,omitempty"`
	Notes   int                `json:"notes"`
	Asked   []Access           `json:"asked,omitempty"`
	Granted []Access           `json:"granted,omitempty"`
	Read    int                `json:"read"`
	Updated time.Time          `json:"updated_at"`
}

// Access is somebody's access to a case's file.
type Access struct {
	Agent    events.AgentID `json:"agent"`
	Reason   string         `json:"reason,omitempty"`
	Approved events.AgentID `json:"approved_by,omitempty"`
	Until    time.Time      `json:"until"`
}

// Transfer is one business transfer: state "announced", "noticed", "exported",
// "completed" or "shredded" at the sender, "expected" or "imported" at the receiver.
type Transfer struct {
	ID        events.TransferID  `json:"id"`
	Acquirer  events.RecipientID `json:"acquirer"`
	State     string             `json:"state"`
	Subject   string             `json:"subject,omitempty"`
	Effective time.Time          `json:"effective,omitzero"`
	ObjectBy  time.Time          `json:"object_by,omitzero"`
	Queued    int                `json:"queued"`
	Skipped   int                `json:"skipped"`
	Events    int                `json:"events"`
	Digest    string             `json:"digest,omitempty"`
	Folded    string             `json:"state_digest,omitempty"`
	Keys      string             `json:"keys,omitempty"` // public keys of the receiver, at the receiver
	Shredded  int                `json:"shredded,omitempty"`
	Deferred  int                `json:"deferred,omitempty"`
	Updated   time.Time          `json:"updated_at"`
}

// Step is one event, in its clear facts.
type Step struct {
	N      int64           `json:"n"` // in the order of the log
	Stream events.Stream   `json:"stream"`
	Type   string          `json:"type"`
	At     time.Time       `json:"at"`
	Actor  events.Actor    `json:"actor"`
	Facts  json.RawMessage `json:"facts"`
}

// Consent is where one purpose of one person stands: "asked", "live", "withdrawn"
// or "objected".
type Consent struct {
	Customer events.SubjectID `json:"customer"`
	Purpose  string           `json:"purpose"`
	Channel  string           `json:"channel"`
	State    string           `json:"state"`
	Since    time.Time        `json:"since"`
	Method   string           `json:"method,omitempty"`
}

// Disclosure is one entry of the disclosure log. Refused names the rule that kept
// it back.
type Disclosure struct {
	Recipient  events.RecipientID `json:"recipient"`
	Customer   events.SubjectID   `json:"customer"`
	Purpose    events.Purpose     `json:"purpose"`
	Categories []events.Category  `json:"categories"`
	About      string             `json:"about,omitempty"`
	Refused    string             `json:"refused,omitempty"`
	Silent     time.Time          `json:"silent,omitzero"`
	At         time.Time          `json:"at"`
}
