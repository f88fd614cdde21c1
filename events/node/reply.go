package node

import (
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"

	"github.com/westshore/hub/events/node/ledger"
)

// appended is the reply to an append that was written, or had been:
// AppendResp{success{current_revision|no_stream, position|no_position}}.
func appended(res ledger.Result) frame {
	return appendBytes(nil, 1, success(res))
}

// success is AppendResp.Success, and BatchAppendResp.Success as well.
func success(res ledger.Result) []byte {
	inner := make([]byte, 0, 40)
	if res.Revision >= 0 {
		inner = appendNumber(inner, 1, uint64(res.Revision))
	} else {
		inner = appendBytes(inner, 2, nil)
	}
	if res.Position == 0 {
		return appendBytes(inner, 4, nil)
	}
	var at [24]byte
	return appendBytes(inner, 3, appendNumber(appendNumber(at[:0], 1, res.Position), 2, res.Position))
}

// wrongRevision fills the fields of today and those of version 20.6.
func wrongRevision(e *ledger.WrongRevisionError) *streams.AppendResp {
	type body = streams.AppendResp_WrongExpectedVersion
	w, empty := &body{}, &shared.Empty{}
	if e.Current < 0 {
		w.CurrentRevisionOption = &streams.AppendResp_WrongExpectedVersion_CurrentNoStream{CurrentNoStream: empty}
		w.CurrentRevisionOption_20_6_0 = &streams.AppendResp_WrongExpectedVersion_NoStream_20_6_0{NoStream_20_6_0: empty}
	} else {
		current := uint64(e.Current)
		w.CurrentRevisionOption = &streams.AppendResp_WrongExpectedVersion_CurrentRevision{CurrentRevision: current}
		w.CurrentRevisionOption_20_6_0 = &streams.AppendResp_WrongExpectedVersion_CurrentRevision_20_6_0{CurrentRevision_20_6_0: current}
	}
	switch e.Expected {
	case ledger.Any:
		w.ExpectedRevisionOption = &streams.AppendResp_WrongExpectedVersion_ExpectedAny{ExpectedAny: empty}
		w.ExpectedRevisionOption_20_6_0 = &streams.AppendResp_WrongExpectedVersion_Any_20_6_0{Any_20_6_0: empty}
	case ledger.Exists:
		w.ExpectedRevisionOption = &streams.AppendResp_WrongExpectedVersion_ExpectedStreamExists{ExpectedStreamExists: empty}
		w.ExpectedRevisionOption_20_6_0 = &streams.AppendResp_WrongExpectedVersion_StreamExists_20_6_0{StreamExists_20_6_0: empty}
	case ledger.NoStream:
		w.ExpectedRevisionOption = &streams.AppendResp_WrongExpectedVersion_ExpectedNoStream{ExpectedNoStream: empty}
	default:
		revision := uint64(e.Expected)
		w.ExpectedRevisionOption = &streams.AppendResp_WrongExpectedVersion_ExpectedRevision{ExpectedRevision: revision}
		w.ExpectedRevisionOption_20_6_0 = &streams.AppendResp_WrongExpectedVersion_ExpectedRevision_20_6_0{ExpectedRevision_20_6_0: revision}
	}
	return &streams.AppendResp{Result: &streams.AppendResp_WrongExpectedVersion_{WrongExpectedVersion: w}}
}
