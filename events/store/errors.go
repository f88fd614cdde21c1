package store

import (
	"errors"
	"fmt"
	"strings"

	"github.com/westshore/hub/events"
)

// Kind says what a failed call means to its caller.
type Kind int

const (
	// Conflict says that the stream is not at the expected revision;
	// Error.Current is where it is. Load again and decide again.
	Conflict Kind = iota + 1
	// NotFound says that the stream does not exist, or was soft-deleted.
	NotFound
	// Deleted says that the stream was tombstoned. Its name can never be used
	// again.
	Deleted
	// Denied says that the server does not let this user do it.
	Denied
	// TooLarge says that the append is over the size rule. It was not sent, or
	// the server refused it.
	TooLarge
	// Unavailable says that the server could not be reached or was not ready.
	// Nothing was written.
	Unavailable
	// OutcomeUnknown says that the server may or may not have done it. Repeat
	// the same call with the same event ids and the same expected revision.
	OutcomeUnknown
	// Invalid says that the request can never succeed as it is (an event without
	// an id or a type, a stream name the server refuses).
	Invalid
)

var kindText = map[Kind]string{
	Conflict:       "wrong revision",
	NotFound:       "no such stream",
	Deleted:        "stream is deleted for good",
	Denied:         "access denied",
	TooLarge:       "append is too large",
	Unavailable:    "event store is not available",
	OutcomeUnknown: "outcome is not known",
	Invalid:        "invalid request",
}

// String returns the kind in a few words.
func (k Kind) String() string {
	if s, ok := kindText[k]; ok {
		return s
	}
	return fmt.Sprintf("kind %d", int(k))
}

// ErrClosed is wrapped by the errors of calls on a store that was closed.
var ErrClosed = errors.New("store is closed")

// Error is the error of every call that the server, or the way to it, refused.
// A call whose own context ended while nothing was wrong returns the context's
// error instead. It never holds event data.
type Error struct {
	Kind    Kind
	Op      string          // "append", "read stream", …
	Stream  string          // empty for calls on the whole log
	Current events.Revision // Conflict: where the stream is; events.NoStream when it does not exist
	Err     error           // the cause, or nil
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(named(e.Op, e.Stream) + ": " + e.Kind.String())
	if e.Kind == Conflict {
		if e.Current == events.NoStream {
			b.WriteString(": stream does not exist")
		} else {
			fmt.Fprintf(&b, ": have %d", e.Current)
		}
		return b.String()
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of err, or 0 when it is none of the store's.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return 0
}

// IsConflict reports whether err is a wrong expected revision, and the
// revision the stream is at (events.NoStream when there is none).
func IsConflict(err error) (current events.Revision, ok bool) {
	var e *Error
	if errors.As(err, &e) && e.Kind == Conflict {
		return e.Current, true
	}
	return 0, false
}

// IsNotFound reports whether err says that the stream does not exist.
func IsNotFound(err error) bool { return KindOf(err) == NotFound }

// IsDeleted reports whether err says that the stream was tombstoned.
func IsDeleted(err error) bool { return KindOf(err) == Deleted }

// IsDenied reports whether err says that the user may not do this.
func IsDenied(err error) bool { return KindOf(err) == Denied }

// IsTooLarge reports whether err says that the append is over the size rule.
func IsTooLarge(err error) bool { return KindOf(err) == TooLarge }

// IsUnavailable reports whether err says that the server is away; nothing was
// written.
func IsUnavailable(err error) bool { return KindOf(err) == Unavailable }

// IsOutcomeUnknown reports whether err leaves open if the events were written.
func IsOutcomeUnknown(err error) bool { return KindOf(err) == OutcomeUnknown }
