package node

import (
	"time"

	"google.golang.org/grpc"

	"github.com/westshore/hub/events/node/ledger"
)

// Bounds of a page: what is copied out of the log at once. Nothing is sent
// while the log is being read, so that a client that stalls pins nothing but
// one page.
const (
	pageEvents  = 256
	pageBytes   = 512 << 10
	pageScanned = 16 << 10 // events looked at, matching or not
)

// page collects frames in one buffer.
type page struct {
	enc     encoder
	links   *links // nil: a link is an event like any other
	buf     []byte
	ends    []int
	scanned int
}

func (s *streamServer) newPage(q query) page {
	p := page{enc: encoder{textIDs: q.textIDs}}
	if q.resolve {
		p.links = &links{ledger: s.ledger}
	}
	return p
}

// reset forgets the frames. The buffer is given up: gRPC still holds it. After a
// full page another one is expected.
func (p *page) reset() {
	room := 0
	if p.full() {
		room = len(p.buf) + len(p.buf)/8
	}
	p.buf, p.ends, p.scanned = make([]byte, 0, room), p.ends[:0], 0
}

func (p *page) event(r *ledger.Record) {
	if !p.links.keep(r, len(p.ends)) {
		p.buf = p.enc.event(p.buf, r)
	}
	p.ends = append(p.ends, len(p.buf))
}

func (p *page) checkpoint(pos uint64) {
	p.buf = checkpoint(p.buf, pos, time.Now())
	p.ends = append(p.ends, len(p.buf))
}

func (p *page) full() bool {
	return len(p.ends) >= pageEvents || len(p.buf) >= pageBytes || p.scanned >= pageScanned
}

// send passes the frames to the client, at its pace.
func (p *page) send(stream grpc.ServerStream) error {
	from := 0
	for i, to := range p.ends {
		f := frame(p.buf[from:to:to])
		if p.links.next(i) {
			var err error
			if f, err = p.links.frame(&p.enc); err != nil {
				return err
			}
		}
		if err := stream.SendMsg(f); err != nil {
			return err
		}
		from = to
	}
	p.reset()
	return stream.Context().Err()
}
