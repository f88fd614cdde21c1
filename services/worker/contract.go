package worker

import (
	"time"

	"github.com/westshore/hub/events"
)

// Paths of the contract, under the address of the hub. All but Events take POST.
const (
	PathNext    = "/worker/v1/next"
	PathClaims  = "/worker/v1/claims/" // and the outbound id
	PathStarted = "/worker/v1/started"
	PathResults = "/worker/v1/results"
	PathEvents  = "/worker/v1/events"
)

// Ask is the body of next: which channel's task, and how long to wait for one.
type Ask struct {
	Channel string `json:"channel" jsonschema:"description=What the worker delivers to; email today"`
	Wait    int    `json:"wait,omitempty" jsonschema:"description=Seconds the answer may take when nothing is due, 0 to 30"`
}

// CloudEvent is the envelope of all that is told (CloudEvents 1.0, structured
// JSON).
type CloudEvent[T any] struct {
	SpecVersion string    `json:"specversion" jsonschema:"enum=1.0"`
	ID          string    `json:"id"`
	Source      string    `json:"source"`
	Type        string    `json:"type"`
	Subject     string    `json:"subject,omitempty"`
	Time        time.Time `json:"time"`
	ContentType string    `json:"datacontenttype"`
	Position    string    `json:"position,omitempty" jsonschema:"description=Place in the log: go on after it"`
	Data        T         `json:"data"`
}

// Task says that a message is due. It holds no text.
type Task struct {
	Outbound string `json:"outbound" jsonschema:"description=Id of the message to one recipient"`
	Attempt  int    `json:"attempt" jsonschema:"description=Counts attempts from 1"`
	Channel  string `json:"channel"`
}

// Offer answers next: a task and the claim to fetch its message with. Without a
// task the answer is 204.
type Offer struct {
	Event   CloudEvent[Task] `json:"event"`
	Claim   string           `json:"claim" jsonschema:"description=Opaque; give it back with every further step"`
	Expires time.Time        `json:"expires" jsonschema:"description=Until then the message can be fetched, once"`
}

// Claimed is the body of claims.
type Claimed struct {
	Claim string `json:"claim"`
}

// Begun is the body of started.
type Begun struct {
	Claim    string `json:"claim"`
	Archived bool   `json:"archived,omitempty" jsonschema:"description=The house's archive is a recipient of the same transaction"`
}

// Envelope is the SMTP envelope of a message, frozen when it was queued.
type Envelope struct {
	MailFrom string `json:"mail_from" jsonschema:"description=Empty: the null sender"`
	RcptTo   string `json:"rcpt_to"`
	EnvID    string `json:"envid,omitempty" jsonschema:"description=ENVID for a server that offers DSN (RFC 3461 section 4.4): reports that carry it are believed"`
}

// Payload is the message itself. It is answered once.
type Payload struct {
	Outbound string    `json:"outbound"`
	Attempt  int       `json:"attempt"`
	Channel  string    `json:"channel"`
	Kind     string    `json:"kind" jsonschema:"description=reply, acknowledgement, administrative or promotional"`
	Envelope Envelope  `json:"envelope"`
	Message  []byte    `json:"message" jsonschema:"description=RFC 5322 bytes with CRLF line ends, in base64; send them as they are"`
	Lease    time.Time `json:"lease" jsonschema:"description=When the attempt ends; a result after it may come too late"`
}

// Outcome of an attempt.
type Outcome string

// The outcomes.
const (
	Accepted Outcome = "accepted" // the other side has taken it
	Deferred Outcome = "deferred" // not now; the hub decides when again
	Failed   Outcome = "failed"   // never
	Unknown  Outcome = "unknown"  // it may have taken it: nobody sends it again by himself
)

// Result is what came of an attempt. Codes only: no text of the other side, which
// may name a person.
type Result struct {
	Claim   string  `json:"claim"`
	Outcome Outcome `json:"outcome" jsonschema:"enum=accepted,enum=deferred,enum=failed,enum=unknown"`
	Class   string  `json:"class,omitempty" jsonschema:"description=Why not: host, login, greylist, rate, full, temporary, address, size, content, utf8, permanent or connection_lost"`
	Code    string  `json:"code,omitempty" jsonschema:"description=Reply code and enhanced status, such as 550 5.1.1"`
	Queue   string  `json:"queue,omitempty" jsonschema:"description=Queue id the other side gave it"`
}

// Change is the data of an event in the feed: which ticket, at which revision.
type Change struct {
	Ticket   events.TicketID `json:"ticket"`
	Revision int64           `json:"revision" jsonschema:"description=Place in the ticket's own history, from 0"`
	Version  int             `json:"version" jsonschema:"description=Schema version of the type"`
}

// Page is a piece of the feed, oldest first.
type Page struct {
	Events   []CloudEvent[Change] `json:"events"`
	Position string               `json:"position" jsonschema:"description=Go on after it; it moves although no event is of interest"`
	Store    string               `json:"store" jsonschema:"description=Name of the log; positions of another one mean nothing here"`
}
