package mailbox

import (
	"context"
	"errors"
	"fmt"

	"github.com/emersion/go-imap/v2"
)

// failed is the end of a command that went wrong. What had come in, in or out
// of order, is handed over; the first mail that had not is suspected.
func (s *session) failed(ctx context.Context, f *flight, at int, got map[uint32]result) error {
	err := f.err
	suspect := s.deliverRest(f, at, got)
	s.refund(f, len(suspect))
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if len(suspect) == 0 || errors.Is(err, errSizeLied) {
		return err
	}
	weight := lossWeight
	var no *imap.Error
	switch {
	case errors.As(err, &no):
		weight = refusalWeight
	case len(f.entries) == 1 && s.m.memory.trouble[suspect[0].uid] > 0:
		// A connection that had just answered, and ended over this mail alone: the
		// server is there, so the next try need not wait long.
		s.m.memory.quick = true
		if s.m.deps.Now().Sub(f.began) < quickLoss {
			weight = refusalWeight
		}
	default:
		s.m.memory.quick = true
	}
	s.suspect(suspect[0].uid, weight, err)
	return err
}

// settleMissing deals with mails a command was silent about although it ended
// well: they are gone, or the server is in trouble with them.
func (s *session) settleMissing(f *flight, at int, got map[uint32]result) error {
	missing := s.deliverRest(f, at, got)
	s.refund(f, len(missing))
	if len(missing) == 0 {
		return nil
	}
	var asked []uint32
	for _, e := range missing {
		asked = append(asked, e.uid)
	}
	there, err := s.link.search(s.m, &imap.SearchCriteria{UID: []imap.UIDSet{uidSet(asked)}})
	if err != nil {
		return err
	}
	held := make(map[uint32]bool, len(there))
	for _, uid := range there {
		held[uid] = true
	}
	for _, e := range missing {
		if !held[e.uid] {
			s.gone(e.uid)
		}
	}
	if len(there) == 0 {
		return nil
	}
	err = fmt.Errorf("the server left out %d mails it holds", len(there))
	for _, uid := range there {
		s.suspect(uid, refusalWeight, err)
	}
	return err
}

// deliverRest hands over what came in behind a gap and returns the gaps, which
// stay pending.
func (s *session) deliverRest(f *flight, at int, got map[uint32]result) (missing []entry) {
	for _, e := range f.entries[at:] {
		if r, ok := got[e.uid]; ok {
			s.deliver(f, e, r)
		} else {
			missing = append(missing, e)
		}
	}
	return missing
}

// gone settles a UID that was expunged before it could be fetched.
func (s *session) gone(uid uint32) {
	delete(s.m.memory.trouble, uid)
	if mark := s.settle(uid); mark != 0 {
		s.taker.push(item{mark: mark})
	}
}

// refund gives back the budget of mails that never came.
func (s *session) refund(f *flight, missing int) {
	each := f.cost / int64(len(f.entries))
	s.budget.Release(int64(missing)*each + f.cost%int64(len(f.entries)))
}

func (s *session) suspect(uid uint32, weight int, err error) {
	s.m.memory.trouble[uid] += weight
	s.m.log.Warn("a mail cannot be fetched", "uid", uid, "trouble", s.m.memory.trouble[uid], "error", s.m.clean(err))
}
