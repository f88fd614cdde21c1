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
	buf     []byte
	ends    []int
	scanned int
}

// reset forgets the frames. The buffer is given up: gRPC still holds it.
func (p *page) reset() {
	p.buf, p.ends, p.scanned = nil, p.ends[:0], 0
}

func (p *page) event(r *ledger.Record) {
	p.buf = p.enc.event(p.buf, r)
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
	for _, to := range p.ends {
		if err := stream.SendMsg(frame(p.buf[from:to:to])); err != nil {
			return err
		}
		from = to
	}
	p.reset()
	return stream.Context().Err()
}
