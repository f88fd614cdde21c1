package store

import (
	"context"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/westshore/hub/events"
)

// finding is what an error of the client means.
type finding struct {
	kind    Kind
	current events.Revision
	retry   bool // the same call may succeed a little later
	sent    bool // a write may have been carried out
	late    bool // no answer in time
	broken  bool // the connection is of no more use
	blind   bool // refused without a reason, or cut: the client does not say which
}

// classify reads an error of the client. The client wraps its errors, loses
// the codes of some, and has none for others, so this looks at its code first,
// then at the gRPC status, then at the text.
func classify(err error) finding {
	var early *notSent
	if errors.As(err, &early) {
		f := classify(early.err)
		f.sent = false
		if f.kind != Denied {
			f.kind, f.retry = Unavailable, !errors.Is(err, ErrClosed)
		}
		return f
	}
	var refused *laneRefusal
	if errors.As(err, &refused) {
		return refused.finding
	}
	var crash *panicked
	if errors.As(err, &crash) {
		return finding{kind: Unavailable, retry: true, sent: true, broken: true, blind: true}
	}
	var e *esdb.Error
	if errors.As(err, &e) && e.Code() != esdb.ErrorCodeUnknown {
		return byCode(e)
	}
	return byStatus(err)
}

func byCode(e *esdb.Error) finding {
	switch e.Code() {
	case esdb.ErrorCodeWrongExpectedVersion:
		return finding{kind: Conflict, current: gotVersion(e.Error())}
	case esdb.ErrorCodeResourceNotFound:
		return finding{kind: NotFound}
	case esdb.ErrorCodeStreamDeleted:
		return finding{kind: Deleted}
	case esdb.ErrorCodeAccessDenied, esdb.ErrorCodeUnauthenticated:
		return finding{kind: Denied}
	case esdb.ErrorCodeUnsupportedFeature, esdb.ErrorCodeResourceAlreadyExists:
		return finding{kind: Invalid}
	case esdb.ErrorCodeConnectionClosed:
		return finding{kind: Unavailable, retry: true, broken: true}
	case esdb.ErrorCodeDeadlineExceeded:
		return finding{kind: Unavailable, retry: true, sent: true, late: true}
	case esdb.ErrorAborted: // a write that timed out inside the cluster
		return finding{kind: Unavailable, retry: true, sent: true}
	case esdb.ErrorUnavailable, esdb.ErrorCodeNotLeader:
		return finding{kind: Unavailable, retry: true, sent: true, broken: true}
	default:
		return finding{kind: Unavailable, retry: true, sent: true, blind: true}
	}
}

func byStatus(err error) finding {
	text := err.Error()
	switch status.Code(err) {
	case codes.Unavailable:
		return finding{kind: Unavailable, retry: true, sent: true, broken: true}
	case codes.FailedPrecondition:
		if strings.Contains(text, "WrongExpectedVersion") {
			return finding{kind: Conflict, current: actualVersion(text)}
		}
		if strings.Contains(text, "is deleted") {
			return finding{kind: Deleted}
		}
		return finding{kind: Invalid}
	case codes.InvalidArgument:
		if strings.Contains(text, "Maximum Append") {
			return finding{kind: TooLarge}
		}
		return finding{kind: Invalid}
	case codes.ResourceExhausted:
		if strings.Contains(text, "larger than max") {
			return finding{kind: TooLarge}
		}
		return finding{kind: Unavailable, retry: true, sent: true}
	case codes.Unauthenticated, codes.PermissionDenied:
		return finding{kind: Denied}
	case codes.DeadlineExceeded:
		return finding{kind: Unavailable, retry: true, sent: true, late: true}
	default: // the text decides
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return finding{kind: Unavailable, retry: true, sent: true, late: true}
	case errors.Is(err, io.EOF), strings.HasSuffix(text, "EOF"):
		return finding{kind: Unavailable, retry: true, sent: true, blind: true}
	}
	return finding{kind: Unavailable, retry: true, sent: true, blind: status.Code(err) != codes.Canceled}
}

// gotVersion reads the current revision from the client's text "wrong expected
// version: expecting '4' but got '5'".
func gotVersion(text string) events.Revision {
	_, got, ok := strings.Cut(text, "but got '")
	if !ok {
		return unknownRevision
	}
	got, _, _ = strings.Cut(got, "'")
	if got == "no_stream" {
		return events.NoStream
	}
	return parseRevision(got)
}

// actualVersion reads it from the server's text "Delete failed due to
// WrongExpectedVersion. Stream: S, Expected version: E, Actual version: A".
func actualVersion(text string) events.Revision {
	i := strings.LastIndex(text, "Actual version: ")
	if i < 0 {
		return unknownRevision
	}
	got := text[i+len("Actual version: "):]
	if end := strings.IndexFunc(got, func(r rune) bool { return r != '-' && (r < '0' || r > '9') }); end >= 0 {
		got = got[:end]
	}
	return parseRevision(got)
}

// unknownRevision stands for a current revision that an error did not say.
const unknownRevision events.Revision = -3

func parseRevision(s string) events.Revision {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < events.NoStream {
		return unknownRevision
	}
	return n
}
