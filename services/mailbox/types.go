package mailbox

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

// HeadSize is how much of a mail is read that is not read whole.
const HeadSize = 64 << 10

// Fault says why a mail could not be handed over as usual.
type Fault string

const (
	// FaultUnreadable means that the server holds the mail but did not give it
	// in several tries.
	FaultUnreadable Fault = "unreadable"
	// FaultRejected means that Take refused the mail (Rejected) or panicked on
	// it when it was alone.
	FaultRejected Fault = "rejected"
)

// Fetched is one mail as the server gave it.
type Fetched struct {
	UIDValidity, UID uint32
	InternalDate     time.Time // when the server received it; zero when it would not say
	Size             int64     // bytes; of Raw when there is one, else as the server says

	Raw      []byte // the mail, byte for byte; nil when Oversize or unreadable
	Head     []byte // without Raw: its first HeadSize bytes, header included; may be nil
	Oversize bool   // larger than Config.MaxSize

	Fault  Fault  // "" for a mail that is well
	Detail string // what went wrong, for people; no content of the mail
}

// Bookmark is a place in a folder: every UID below NextUID was taken. The zero
// Bookmark means that the folder was never read.
type Bookmark struct {
	UIDValidity, NextUID uint32
}

// Rejected is returned by Take, wrapped or not, for one mail it can never
// take as it is. That mail comes again with FaultRejected, the others as they
// were. Every other error of Take means "not now": the same batch comes again.
type Rejected struct {
	UID    uint32
	Reason string // for people; no content of the mail
}

func (r *Rejected) Error() string { return fmt.Sprintf("mail %d rejected: %s", r.UID, r.Reason) }

// Deps is what a Mailbox needs from the house.
type Deps struct {
	// Take makes mails durable. It returns nil only when every one of them is.
	// It must not change the mails, and may keep their bytes. It is never
	// called twice at once. It must be idempotent, by UIDVALIDITY and UID or
	// by content: after an error or a crash, mails come again. A panic on its
	// goroutine is caught and isolates the mail; one on another goroutine ends
	// the process, so Take recovers on those itself and returns Rejected.
	Take func(ctx context.Context, mails []Fetched) error

	// Bookmark loads what Advance stored last; the zero Bookmark when nothing.
	Bookmark func(ctx context.Context) (Bookmark, error)

	// Advance stores the bookmark. It is called after Take, never before. It
	// goes back only when the server was restored or renamed its mails, and
	// then after everything there is was compared.
	Advance func(ctx context.Context, b Bookmark) error

	// Known is asked when the server has begun a new UIDVALIDITY, or counts
	// from a lower UID than the bookmark: which of these mails were taken
	// before, under other names? It sees whole mails (or their Head), so it
	// can go by content, and answers one bool for each. Those it knows are not
	// taken again; it may note their new names. Nil knows nothing: everything
	// is then handed to Take again, under its new name.
	Known func(ctx context.Context, mails []Fetched) ([]bool, error)

	// Moved is told where mails went, when After moves them and the server
	// says so (RFC 4315). May be nil.
	Moved func(ctx context.Context, moves []Move)

	// Status is told what the mailbox does, whenever that changes. May be nil.
	Status func(Status)

	Now    func() time.Time // time.Now when nil
	Logger *slog.Logger     // discards when nil
}

// Move is a mail's old and new name after it was moved.
type Move struct {
	From, To       uint32 // UIDs
	FromVal, ToVal uint32 // UIDVALIDITY of each folder
}

// States of a mailbox.
const (
	StateConnecting = "connecting"  // dialling, or reading what is new
	StateIdle       = "idle"        // the server tells us of new mail
	StatePolling    = "polling"     // we look from time to time
	StateBackoff    = "backoff"     // something failed; waiting to try again
	StateAuthFailed = "auth_failed" // three logins refused; trying rarely
	StateStopped    = "stopped"
)

// Status is what a mailbox does right now.
type Status struct {
	State     string
	LastOK    time.Time // when the server last answered a look for new mail
	LastError string    // "" when all is well; holds no secret and no content
	ErrorAt   time.Time
	Messages  uint32 // mails in the folder
	UIDNext   uint32 // the first UID not taken yet
	Taken     uint64 // mails taken since start
	Validity  uint32

	Waiting       int       // mails listed and not taken yet
	OldestWaiting time.Time // when the server received the oldest of them; zero when there is none
}

// Report is what the server holds, for comparing with what the hub holds.
type Report struct {
	UIDValidity, UIDNext uint32
	Count                int      // mails in the folder
	UIDs                 []uint32 // ascending
}
