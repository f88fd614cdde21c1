package node

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/westshore/hub/events/node/ledger"
)

// Bounds of one BatchAppend stream: what waits for the disk, and appends that
// have begun and not ended.
const (
	batchInFlight = 512
	batchOpen     = 64
)

// BatchAppend takes any number of appends on one stream, each told apart by a
// correlation id, and answers each when it is durable or refused: the order of
// the answers is that of the commits. A refusal ends that append, not the
// stream.
func (s *streamServer) BatchAppend(stream streams.Streams_BatchAppendServer) error {
	b := &batchStream{
		s: s, stream: stream, open: map[[16]byte]*batchAppend{},
		slots: make(chan struct{}, batchInFlight), replies: make(chan frame, batchInFlight), ended: make(chan error, 1),
	}
	s.readers.Go(func() { b.ended <- b.receive() })
	return answer(stream.SetTrailer, b.reply())
}

type batchStream struct {
	s       *streamServer
	stream  streams.Streams_BatchAppendServer
	open    map[[16]byte]*batchAppend
	slots   chan struct{} // one for each append from the last of it to its answer
	replies chan frame    // has room for an answer to each of them
	ended   chan error
}

// batchAppend is one append being received.
type batchAppend struct {
	id       [16]byte
	header   appendHeader
	deadline time.Time
	events   []ledger.Event
	size     int
	err      error // refused already; the rest is read and thrown away
}

// reply sends answers until the client has sent everything and got everything,
// or the node stops: what is in flight then is answered first.
func (b *batchStream) reply() error {
	ended, closing := b.ended, b.s.closing
	var end error
	for done := false; !done || len(b.slots) > 0; {
		select {
		case f := <-b.replies:
			if err := b.stream.SendMsg(f); err != nil {
				return err
			}
			<-b.slots
		case end = <-ended:
			done, ended = true, nil
		case <-closing:
			done, closing, end = true, nil, errStopping
		case <-b.s.ledger.Failed():
			return b.s.ledger.Err()
		case <-b.stream.Context().Done():
			return context.Cause(b.stream.Context())
		}
	}
	return end
}

// receive reads appends and hands them to the ledger. It ends with the stream.
func (b *batchStream) receive() error {
	for {
		var m wireMessage
		if err := b.stream.RecvMsg(&m); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		a, final, err := b.part(m)
		if err != nil {
			return err
		}
		if !final {
			continue
		}
		delete(b.open, a.id)
		select {
		case b.slots <- struct{}{}:
		case <-b.stream.Context().Done():
			return context.Cause(b.stream.Context())
		}
		if err := b.s.stopping(); err != nil {
			<-b.slots
			return err
		}
		b.submit(a)
	}
}

// submit gives a whole append to the ledger.
func (b *batchStream) submit(a *batchAppend) {
	if a.err != nil {
		b.replies <- b.answer(a, ledger.Result{}, a.err)
		return
	}
	ctx, cancel := b.stream.Context(), context.CancelFunc(func() {})
	if !a.deadline.IsZero() {
		ctx, cancel = context.WithDeadline(ctx, a.deadline)
	}
	b.s.ledger.Submit(ctx, a.header.stream, a.header.expected, a.events, func(res ledger.Result, err error) {
		cancel()
		b.replies <- b.answer(a, res, err)
	})
}

// part reads one BatchAppendReq. An error ends the stream.
func (b *batchStream) part(m wireMessage) (a *batchAppend, final bool, err error) {
	var id [16]byte
	var options []byte
	var proposals [][]byte
	for rest := []byte(m); len(rest) > 0; {
		var f field
		if f, rest, err = nextField(rest); err != nil {
			return nil, false, err
		}
		switch {
		case f.number == 1 && f.isText:
			if id, err = parseID(f.text); err != nil {
				return nil, false, err
			}
		case f.number == 2 && f.isText:
			options = f.text
		case f.number == 3 && f.isText:
			proposals = append(proposals, f.text)
		case f.number == 4 && !f.isText:
			final = f.value != 0
		}
	}
	a, ok := b.open[id]
	switch {
	case ok && options != nil:
		return nil, false, invalid("the append has options already")
	case !ok && options == nil:
		return nil, false, invalid("the append has no options")
	case !ok && len(b.open) == batchOpen:
		return nil, false, invalid("more than %d appends have begun and not ended", batchOpen)
	case !ok:
		a = &batchAppend{id: id}
		b.open[id] = a
		a.begin(options)
	}
	a.add(proposals, b.s.maxAppend)
	return a, final, nil
}

func (a *batchAppend) begin(options []byte) {
	if a.header, a.err = parseAppendOptions(options); a.err != nil {
		return
	}
	if a.err = ledger.CheckName(a.header.stream); a.err != nil {
		return
	}
	var o streams.BatchAppendReq_Options
	for rest := options; len(rest) > 0; {
		f, next, err := nextField(rest)
		if err != nil {
			a.err = err
			return
		}
		if f.number == 6 || f.number == 7 { // only then: it costs more than all the rest
			if a.err = proto.Unmarshal(options, &o); a.err != nil {
				a.err = errMalformed
			}
		}
		rest = next
	}
	switch d := o.GetDeadlineOption().(type) {
	case *streams.BatchAppendReq_Options_Deadline:
		a.deadline = time.Now().Add(d.Deadline.AsDuration())
	case *streams.BatchAppendReq_Options_Deadline_21_10_0:
		a.deadline = d.Deadline_21_10_0.AsTime()
	}
}

func (a *batchAppend) add(proposals [][]byte, limit int) {
	for _, p := range proposals {
		if a.err != nil {
			a.events = nil
			return
		}
		var ev ledger.Event
		if ev, a.err = parseProposal(p); a.err != nil {
			continue
		}
		if a.size += sizeOf(&ev); a.size > limit {
			a.err = appendTooLarge(limit)
		}
		a.events = append(a.events, ev)
	}
}

// answer is a BatchAppendResp: correlation_id, error or success,
// stream_identifier, and what was expected.
func (b *batchStream) answer(a *batchAppend, res ledger.Result, err error) frame {
	var e encoder
	out := e.id(make([]byte, 0, 96+len(a.header.stream)), a.id)
	if err != nil {
		out = appendBytes(out, 2, batchError(err, b.s.maxAppend))
	} else {
		out = appendBytes(out, 3, success(res))
	}
	out = appendStreamID(out, 4, []byte(a.header.stream))
	switch a.header.expected {
	case ledger.NoStream:
		return appendBytes(out, 6, nil)
	case ledger.Any:
		return appendBytes(out, 7, nil)
	case ledger.Exists:
		return appendBytes(out, 8, nil)
	default:
		out = protowire.AppendTag(out, 5, protowire.VarintType)
		return protowire.AppendVarint(out, uint64(a.header.expected))
	}
}

// batchError is a google.rpc.Status whose one detail says what was wrong.
func batchError(err error, limit int) []byte {
	var wrong *ledger.WrongRevisionError
	var deleted *ledger.DeletedError
	var r *refusal
	var code codes.Code
	message, detail := err.Error(), proto.Message(&shared.Unknown{})
	switch {
	case errors.As(err, &wrong):
		code, message, detail = codes.FailedPrecondition, "WrongExpectedVersion", wrongVersion(wrong)
	case errors.As(err, &deleted):
		code, message = codes.FailedPrecondition, "StreamDeleted"
		detail = &shared.StreamDeleted{StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(deleted.Stream)}}
	case errors.Is(err, ledger.ErrDenied):
		code, message, detail = codes.PermissionDenied, "AccessDenied", &shared.AccessDenied{}
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		code, message, detail = codes.DeadlineExceeded, "Timeout", &shared.Timeout{}
	case errors.As(err, &r) && r.is(tooLarge):
		code, message, detail = codes.InvalidArgument, tooLarge, &shared.MaximumAppendSizeExceeded{MaxAppendSize: uint32(limit)}
	case errors.As(err, &r), errors.Is(err, ledger.ErrInvalid):
		code, message, detail = codes.InvalidArgument, err.Error(), &shared.BadRequest{Message: err.Error()}
	default:
		code = grpcstatus.Code(statusOf(err))
	}
	packed, _ := anypb.New(detail)                                                                              // a message of the protocol
	out, _ := proto.Marshal(&status.Status{Code: int32(code), Message: message, Details: []*anypb.Any{packed}}) // likewise
	return out
}

func wrongVersion(e *ledger.WrongRevisionError) *shared.WrongExpectedVersion {
	w, empty := &shared.WrongExpectedVersion{}, &emptypb.Empty{}
	if e.Current < 0 {
		w.CurrentStreamRevisionOption = &shared.WrongExpectedVersion_CurrentNoStream{CurrentNoStream: empty}
	} else {
		w.CurrentStreamRevisionOption = &shared.WrongExpectedVersion_CurrentStreamRevision{CurrentStreamRevision: uint64(e.Current)}
	}
	switch e.Expected {
	case ledger.Any:
		w.ExpectedStreamPositionOption = &shared.WrongExpectedVersion_ExpectedAny{ExpectedAny: empty}
	case ledger.Exists:
		w.ExpectedStreamPositionOption = &shared.WrongExpectedVersion_ExpectedStreamExists{ExpectedStreamExists: empty}
	case ledger.NoStream:
		w.ExpectedStreamPositionOption = &shared.WrongExpectedVersion_ExpectedNoStream{ExpectedNoStream: empty}
	default:
		w.ExpectedStreamPositionOption = &shared.WrongExpectedVersion_ExpectedStreamPosition{ExpectedStreamPosition: uint64(e.Expected)}
	}
	return w
}
