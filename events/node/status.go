package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/westshore/hub/events/node/ledger"
)

// The client tells errors apart by gRPC code and by these trailers.
const (
	trailerException = "exception"
	trailerStream    = "stream-name"
	tooLarge         = "maximum-append-size-exceeded"
)

// refusal is a status with its trailers.
type refusal struct {
	status   *status.Status
	trailers metadata.MD
}

// Error is the status' message.
func (r *refusal) Error() string { return r.status.Message() }

// GRPCStatus makes grpc-go send the status.
func (r *refusal) GRPCStatus() *status.Status { return r.status }

// is reports whether the refusal is of one kind.
func (r *refusal) is(exception string) bool {
	return slices.Contains(r.trailers.Get(trailerException), exception)
}

func refuse(code codes.Code, message, exception string, pairs ...string) *refusal {
	r := &refusal{status: status.New(code, message)}
	if exception != "" {
		r.trailers = metadata.Pairs(append([]string{trailerException, exception}, pairs...)...)
	}
	return r
}

func invalid(format string, args ...any) *refusal {
	return refuse(codes.InvalidArgument, fmt.Sprintf(format, args...), "")
}

// streamDeleted must carry the stream's name: the client indexes it unchecked.
func streamDeleted(stream string) *refusal {
	return refuse(codes.FailedPrecondition, fmt.Sprintf("Event stream '%s' is deleted.", stream),
		"stream-deleted", trailerStream, headerText(stream))
}

func appendTooLarge(limit int) *refusal {
	return refuse(codes.InvalidArgument, fmt.Sprintf("Maximum Append Size of %d Exceeded.", limit),
		tooLarge, "maximum-append-size", strconv.Itoa(limit))
}

func missingProperty(name string) *refusal {
	return refuse(codes.InvalidArgument, fmt.Sprintf("Required Metadata Property '%s' is missing", name),
		"missing-required-metadata-property", "required-metadata-properties", "type,content-type")
}

func deleteWrongRevision(e *ledger.WrongRevisionError) *refusal {
	want, have := strconv.FormatInt(int64(e.Expected), 10), strconv.FormatInt(e.Current, 10)
	return refuse(codes.FailedPrecondition, fmt.Sprintf(
		"Delete failed due to WrongExpectedVersion. Stream: %s, Expected version: %s, Actual version: %s", e.Stream, want, have),
		"wrong-expected-version", trailerStream, headerText(e.Stream), "expected-version", want, "actual-version", have)
}

var errStopping = status.Error(codes.Unavailable, "Server Is Not Ready")

// statusOf turns an error of the ledger into what the client is told.
func statusOf(err error) error {
	var deleted *ledger.DeletedError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &deleted):
		return streamDeleted(deleted.Stream)
	case errors.Is(err, ledger.ErrDenied):
		return refuse(codes.PermissionDenied, "Access Denied", "access-denied")
	case errors.Is(err, ledger.ErrInvalid):
		return invalid("%v", err)
	case errors.Is(err, ledger.ErrClosed):
		return errStopping
	case errors.Is(err, ledger.ErrBusy):
		return status.Error(codes.Unavailable, "Server Is Too Busy")
	case errors.Is(err, ledger.ErrFailed), errors.Is(err, ledger.ErrDiskFull):
		return status.Error(codes.Unavailable, err.Error())
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return status.FromContextError(err).Err()
	}
	if _, ok := status.FromError(err); ok {
		return err
	}
	return status.Error(codes.Internal, err.Error())
}

// trailerSetter is a stream, or a unary call's context, that takes trailers.
type trailerSetter func(metadata.MD)

// answer sets the trailers of a refusal and returns the error for gRPC.
func answer(set trailerSetter, err error) error {
	err = statusOf(err)
	var r *refusal
	if errors.As(err, &r) && r.trailers != nil {
		set(r.trailers)
	}
	return err
}

// headerText makes a stream name fit for a header: everything but printable
// ASCII, and the percent sign, becomes %XX.
func headerText(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '%' {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
