package node

import (
	"math"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc"

	"github.com/westshore/hub/events/node/ledger"
)

// query is a checked ReadReq.
type query struct {
	all       bool
	stream    string
	backwards bool
	subscribe bool
	count     uint64
	filter    *filter
	textIDs   bool
	resolve   bool // links show what they point to

	start, end bool   // from the first or the last event
	from       uint64 // else: revision or commit position
}

// Read serves reads and catch-up subscriptions.
func (s *streamServer) Read(req *streams.ReadReq, stream streams.Streams_ReadServer) error {
	q, err := parseQuery(req.GetOptions())
	if err != nil {
		return answer(stream.SetTrailer, err)
	}
	switch {
	case q.subscribe && q.all:
		err = s.subscribeAll(q, stream)
	case q.subscribe:
		err = s.subscribeStream(q, stream)
	case q.all:
		err = s.readAll(q, stream)
	default:
		err = s.readStream(q, stream)
	}
	return answer(stream.SetTrailer, err)
}

func parseQuery(o *streams.ReadReq_Options) (q query, err error) {
	if o == nil {
		return q, invalid("the read has no options")
	}
	q.backwards = o.GetReadDirection() == streams.ReadReq_Options_Backwards
	switch v := o.GetCountOption().(type) {
	case *streams.ReadReq_Options_Count:
		if q.count = v.Count; q.count == 0 {
			return q, invalid("the count is 0")
		}
	case *streams.ReadReq_Options_Subscription:
		if q.subscribe = true; q.backwards {
			return q, invalid("a subscription can't run backwards")
		}
	default:
		return q, invalid("the count option is missing")
	}
	if o.GetUuidOption() == nil {
		return q, invalid("the uuid option is missing")
	}
	q.textIDs = o.GetUuidOption().GetString_() != nil
	q.resolve = o.GetResolveLinks()
	if q.filter, err = parseFilter(o); err != nil {
		return q, err
	}
	switch v := o.GetStreamOption().(type) {
	case *streams.ReadReq_Options_All:
		q.all = true
		q.fromAll(v.All)
		return q, nil
	case *streams.ReadReq_Options_Stream:
		return q, q.fromStream(v.Stream)
	}
	return q, invalid("the stream option is missing")
}

func (q *query) fromAll(o *streams.ReadReq_Options_AllOptions) {
	switch v := o.GetAllOption().(type) {
	case *streams.ReadReq_Options_AllOptions_Position:
		q.from = v.Position.GetCommitPosition()
	case *streams.ReadReq_Options_AllOptions_End:
		q.end = true
	default:
		q.start = true
	}
}

func (q *query) fromStream(o *streams.ReadReq_Options_StreamOptions) error {
	switch v := o.GetRevisionOption().(type) {
	case *streams.ReadReq_Options_StreamOptions_Revision:
		q.from = min(v.Revision, math.MaxInt64)
	case *streams.ReadReq_Options_StreamOptions_End:
		q.end = true
	default:
		q.start = true
	}
	q.stream = string(o.GetStreamIdentifier().GetStreamName())
	switch {
	case q.stream == "" || q.stream == "$$":
		return invalid("the stream has no name")
	case q.filter != nil:
		return invalid("a single stream can't be filtered")
	case q.end && !q.backwards && !q.subscribe:
		return invalid("a stream can't be read forwards from its end")
	}
	return nil
}

// readAll sends a part of $all as it was durable when the call began.
func (s *streamServer) readAll(q query, stream grpc.ServerStream) error {
	head := s.ledger.Head()
	p, left := s.newPage(q), q.count
	beyond := false
	take := func(r ledger.Record) bool {
		if beyond = r.Position >= head; beyond {
			return false
		}
		p.scanned++
		if q.filter.match(&r) {
			p.event(&r)
			left--
		}
		return left > 0 && !p.full()
	}
	at, done := q.from, false
	if q.end {
		at = head
	}
	for !done && left > 0 && !beyond {
		var err error
		if q.backwards {
			at, err = s.ledger.ScanAllBack(at, take)
			done = at == 0
		} else {
			at, done, err = s.ledger.ScanAll(at, take)
		}
		if err != nil {
			return err
		}
		if err := p.send(stream); err != nil {
			return err
		}
	}
	return nil
}

// readStream sends a part of one stream as it was when the call began.
func (s *streamServer) readStream(q query, stream grpc.ServerStream) error {
	state, err := s.ledger.Stream(q.stream)
	if err != nil {
		return err
	}
	if state.Tombstoned {
		return streamDeleted(q.stream)
	}
	if state.Missing() {
		return stream.SendMsg(notFound(q.stream))
	}
	p, left := s.newPage(q), q.count
	take := func(r ledger.Record) bool {
		p.event(&r)
		left--
		return left > 0 && !p.full()
	}
	at, done := int64(q.from), false
	if q.end {
		at = state.Last
	}
	for !done && left > 0 {
		if q.backwards {
			at, err = s.ledger.ScanStreamBack(state, at, take)
			done = at < 0
		} else {
			at, done, err = s.ledger.ScanStream(state, at, take)
		}
		if err != nil {
			return err
		}
		if err := p.send(stream); err != nil {
			return err
		}
	}
	return nil
}
