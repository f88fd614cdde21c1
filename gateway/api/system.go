package api

import (
	"context"
	"time"
)

// Mailbox is how one mailbox is doing.
type Mailbox struct {
	ID        string     `json:"id"`
	Address   string     `json:"address"`
	State     string     `json:"state" enum:"connecting,idle,polling,backoff,auth_failed,stopped"`
	LastOKAt  *time.Time `json:"last_ok_at" nullable:"true"`
	LastError string     `json:"last_error"`
	Messages  int64      `json:"messages" doc:"Mails taken from it"`
	UIDNext   uint32     `json:"uid_next"`

	Quarantined int64          `json:"quarantined" doc:"Mails of it that wait for a person"`
	Access      *MailboxAccess `json:"access,omitempty" doc:"Where the mailbox is reached with OAuth 2"`
	Sent        *MailboxFolder `json:"sent,omitempty" doc:"The folder of sent mail, where it is read"`
	// Reconciled is the newest comparison with the mail server.
	Reconciled *Reconciliation `json:"reconciled,omitempty"`
}

// MailboxAccess is how a mailbox's OAuth 2 access is doing.
type MailboxAccess struct {
	Connected bool       `json:"connected"`
	EndsAt    *time.Time `json:"ends_at" nullable:"true" doc:"When it ends unless somebody acts"`
	Warning   string     `json:"warning" doc:"A sentence, empty when all is well"`
}

// MailboxFolder is how the watching of a further folder is doing.
type MailboxFolder struct {
	Folder    string     `json:"folder"`
	State     string     `json:"state"`
	LastOKAt  *time.Time `json:"last_ok_at" nullable:"true"`
	LastError string     `json:"last_error"`
}

// ProjectionState is how far a view is.
type ProjectionState struct {
	Name       string  `json:"name"`
	Position   string  `json:"position"`
	Head       string  `json:"head"`
	LagEvents  int64   `json:"lag_events"`
	LagSeconds float64 `json:"lag_seconds"`
}

// System is how the house is doing. Rooms' own report fills in Store, Bus,
// UptimeSeconds and Ready; the rest is known here.
type System struct {
	Version       string            `json:"version"`
	Projections   []ProjectionState `json:"projections" nullable:"false"`
	Head          string            `json:"head"`
	Store         string            `json:"store"`
	Bus           string            `json:"bus"`
	UptimeSeconds float64           `json:"uptime_seconds"`
	Ready         bool              `json:"ready"`
	Streams       int               `json:"streams" doc:"Open live streams"`
}

type mailboxesOutput struct {
	Body struct {
		Items []Mailbox `json:"items" nullable:"false"`
	}
}

type systemOutput struct{ Body System }

func (a *API) system() {
	add(a, get("list-mailboxes", "/mailboxes", "How the mailboxes are doing"), func(ctx context.Context, _ *struct{}) (*mailboxesOutput, error) {
		out := mailboxesOutput{}
		out.Body.Items = []Mailbox{}
		if a.rooms.Mailboxes == nil {
			return &out, nil
		}
		list, err := a.rooms.Mailboxes(ctx)
		if err != nil {
			return nil, err
		}
		out.Body.Items = append(out.Body.Items, list...)
		return &out, nil
	})
	add(a, get("get-system", "/system", "How the house is doing"), a.getSystem)
}

func (a *API) getSystem(ctx context.Context, _ *struct{}) (*systemOutput, error) {
	out := systemOutput{}
	var err error
	if a.rooms.System != nil {
		if out.Body, err = a.rooms.System(ctx); err != nil {
			return nil, err
		}
	}
	out.Body.Version, out.Body.Streams = a.cfg.Version, a.rooms.Live.Count()
	out.Body.Projections = make([]ProjectionState, 0, len(a.rooms.Runners))
	for _, r := range a.rooms.Runners {
		lag, err := r.Lag(ctx)
		if err != nil {
			return nil, err
		}
		out.Body.Projections = append(out.Body.Projections, ProjectionState{lag.Name, lag.Position.String(), lag.Head.String(), lag.Events, lag.Seconds})
		out.Body.Head = lag.Head.String()
	}
	return &out, nil
}
