package node

import (
	"context"
	"errors"
	"math"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/westshore/hub/events/node/ledger"
)

// Delete soft-deletes a stream.
func (s *streamServer) Delete(ctx context.Context, req *streams.DeleteReq) (*streams.DeleteResp, error) {
	pos, err := s.remove(ctx, req.GetOptions(), req.GetOptions().GetStreamIdentifier(), s.ledger.Delete)
	if err != nil {
		return nil, err
	}
	return &streams.DeleteResp{PositionOption: &streams.DeleteResp_Position_{
		Position: &streams.DeleteResp_Position{CommitPosition: pos, PreparePosition: pos},
	}}, nil
}

// Tombstone deletes a stream for good.
func (s *streamServer) Tombstone(ctx context.Context, req *streams.TombstoneReq) (*streams.TombstoneResp, error) {
	pos, err := s.remove(ctx, req.GetOptions(), req.GetOptions().GetStreamIdentifier(), s.ledger.Tombstone)
	if err != nil {
		return nil, err
	}
	return &streams.TombstoneResp{PositionOption: &streams.TombstoneResp_Position_{
		Position: &streams.TombstoneResp_Position{CommitPosition: pos, PreparePosition: pos},
	}}, nil
}

type remover func(ctx context.Context, stream string, expected ledger.Expected) (ledger.Result, error)

func (s *streamServer) remove(ctx context.Context, o expectation, id *shared.StreamIdentifier, do remover) (uint64, error) {
	set := func(md metadata.MD) { _ = grpc.SetTrailer(ctx, md) } // fails only outside of a call
	expected, err := expectedOf(o)
	if err != nil {
		return 0, answer(set, err)
	}
	res, err := do(ctx, string(id.GetStreamName()), expected)
	var wrong *ledger.WrongRevisionError
	if errors.As(err, &wrong) {
		err = deleteWrongRevision(wrong)
	}
	if err != nil {
		return 0, answer(set, err)
	}
	return res.Position, nil
}

// expectation is what the options of Delete and Tombstone have in common.
type expectation interface {
	GetRevision() uint64
	GetNoStream() *shared.Empty
	GetAny() *shared.Empty
	GetStreamExists() *shared.Empty
}

func expectedOf(o expectation) (ledger.Expected, error) {
	switch v := o.(type) {
	case *streams.DeleteReq_Options:
		if _, ok := v.GetExpectedStreamRevision().(*streams.DeleteReq_Options_Revision); ok {
			return exactly(v.GetRevision()), nil
		}
	case *streams.TombstoneReq_Options:
		if _, ok := v.GetExpectedStreamRevision().(*streams.TombstoneReq_Options_Revision); ok {
			return exactly(v.GetRevision()), nil
		}
	}
	switch {
	case o.GetAny() != nil:
		return ledger.Any, nil
	case o.GetNoStream() != nil:
		return ledger.NoStream, nil
	case o.GetStreamExists() != nil:
		return ledger.Exists, nil
	}
	return 0, invalid("the expected revision is missing")
}

func exactly(revision uint64) ledger.Expected {
	return ledger.Expected(min(revision, math.MaxInt64))
}
