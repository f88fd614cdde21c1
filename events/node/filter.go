package node

import (
	"bytes"
	"regexp"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"

	"github.com/westshore/hub/events/node/ledger"
)

// filter decides which events of $all a reader gets. A nil filter passes all.
type filter struct {
	byStream bool // else by event type
	prefixes [][]byte
	regex    *regexp.Regexp
	interval int // events considered between two checkpoints
}

// defaultWindow is the window of a filter that gives none.
const defaultWindow = 32

// parseFilter reads the filter of a request; none is nil.
func parseFilter(o *streams.ReadReq_Options) (*filter, error) {
	if o.GetFilterOption() == nil {
		return nil, invalid("the filter option is missing")
	}
	opts := o.GetFilter()
	if opts == nil {
		return nil, nil
	}
	f, expr := &filter{}, opts.GetEventType()
	if expr == nil {
		f.byStream, expr = true, opts.GetStreamIdentifier()
	}
	if expr == nil {
		return nil, invalid("the filter has no expression")
	}
	if len(expr.GetPrefix()) == 0 && expr.GetRegex() == "" {
		return nil, invalid("the filter has neither a prefix nor a regex")
	}
	for _, prefix := range expr.GetPrefix() {
		f.prefixes = append(f.prefixes, []byte(prefix))
	}
	if expr.GetRegex() != "" {
		re, err := regexp.Compile(expr.GetRegex())
		if err != nil {
			return nil, invalid("the filter's regex is not valid in RE2 syntax")
		}
		f.regex = re
	}
	window := uint64(defaultWindow)
	if _, ok := opts.GetWindow().(*streams.ReadReq_Options_FilterOptions_Max); ok {
		window = uint64(opts.GetMax())
	}
	if opts.GetCheckpointIntervalMultiplier() == 0 || window == 0 {
		return nil, invalid("the checkpoint interval is 0")
	}
	f.interval = int(min(window*uint64(opts.GetCheckpointIntervalMultiplier()), 1<<40))
	return f, nil
}

func (f *filter) match(r *ledger.Record) bool {
	if f == nil {
		return true
	}
	subject := r.Type
	if f.byStream {
		subject = r.Stream
	}
	for _, prefix := range f.prefixes {
		if bytes.HasPrefix(subject, prefix) {
			return true
		}
	}
	return f.regex != nil && f.regex.Match(subject)
}
