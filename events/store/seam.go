package store

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// refusedFormat is what the client logs, in the goroutine of the call, before
// it reports an error of the server. If that error is Unavailable its next step
// is to tell its state machine to discover the server anew.
const refusedFormat = "unexpected exception: %v"

// lost is thrown through the client to carry an Unavailable error past its
// state machine.
type lost struct{ err error }

// seam returns the client's logger. The logger is the only place where the
// client lets us in, and it has two tasks.
//
// It brings what the client says to slog, at debug level: the store reports
// every error itself.
//
// And it keeps the client from discovering the server on its own. That is where
// its worst faults are: when discovery fails, its state machine ends, and every
// call that is about to send to it waits for ever; when it succeeds, the old
// connection is never closed. So an Unavailable leaves the client here, by a
// panic that the guard of the call (see do) turns back into the error. Deferred
// functions of the client run as usual. The generation is then retired.
//
// Should a later client log other words, the panic does not happen and the
// rest of the guard still holds; seam_test.go notices.
func seam(log *slog.Logger) esdb.LoggingFunc {
	return func(level esdb.LogLevel, format string, args ...any) {
		if log.Enabled(context.Background(), slog.LevelDebug) {
			log.Debug("client says", "client_level", level, "line", fmt.Sprintf(format, args...))
		}
		if format != refusedFormat || len(args) != 1 {
			return
		}
		if err, ok := args[0].(error); ok && status.Code(err) == codes.Unavailable {
			panic(lost{err})
		}
	}
}

// recovered turns what a call panicked with into an error.
func recovered(v any) error {
	if l, ok := v.(lost); ok {
		return l.err
	}
	return &panicked{value: v}
}

// panicked is a panic inside the client.
type panicked struct{ value any }

func (p *panicked) Error() string { return fmt.Sprintf("client panicked: %v", p.value) }
