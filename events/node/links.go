package node

import (
	"strconv"
	"strings"

	"github.com/westshore/hub/events/node/ledger"
)

// linkType is the type of an event whose data is "revision@stream": who reads
// with resolve_links gets the event that stands there as well.
const linkType = "$>"

// links keeps the links of one page and resolves them when they are sent, as the
// ledger can't be asked while it is being scanned. A nil one keeps none.
type links struct {
	ledger *ledger.Ledger
	kept   []keptLink
}

type keptLink struct {
	at   int // which frame of the page it is
	link ledger.Record
}

// keep reports whether r is a link that will be sent as the frame number at.
func (l *links) keep(r *ledger.Record, at int) bool {
	if l == nil || string(r.Type) != linkType {
		return false
	}
	l.kept = append(l.kept, keptLink{at, r.Clone()})
	return true
}

// next reports whether the frame number at is the next link.
func (l *links) next(at int) bool { return l != nil && len(l.kept) > 0 && l.kept[0].at == at }

// frame resolves the next link.
func (l *links) frame(enc *encoder) (frame, error) {
	link := l.kept[0].link
	l.kept = l.kept[1:]
	event, err := l.resolve(link.Data)
	if err != nil {
		return nil, err
	}
	return enc.link(&link, event), nil
}

// resolve finds what a link points to: nil when there is no such event, or none
// that a reader of its stream may see.
func (l *links) resolve(data []byte) (found *ledger.Record, err error) {
	number, stream, _ := strings.Cut(string(data), "@")
	revision, err := strconv.ParseInt(number, 10, 64)
	if err != nil || stream == "" {
		return nil, nil //nolint:nilerr // it points nowhere
	}
	state, err := l.ledger.Stream(stream)
	if err != nil || state.Missing() || state.Tombstoned {
		return nil, err
	}
	_, _, err = l.ledger.ScanStream(state, revision, func(r ledger.Record) bool {
		if r.Revision == revision {
			r = r.Clone()
			found = &r
		}
		return false
	})
	return found, err
}
