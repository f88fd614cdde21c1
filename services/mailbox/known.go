package mailbox

import (
	"context"
	"errors"
	"fmt"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
)

// held is what the log holds of one mailbox, by content: read when a server
// numbers anew, which is rare, and dropped when the next batch is not about that.
type held struct {
	validity uint32                    // the new UIDVALIDITY that is compared
	mails    map[events.Hash][]holding // of one content, not adopted yet
	known    map[uint32]bool           // UIDs under the new validity that the log has
}

type holding struct {
	inquiry  events.InquiryID
	validity uint32
	uid      uint32
}

// maxAdopted is how many adoptions go into one append.
const maxAdopted = 400

// Known is the Known of a mailbox's Deps: it finds by content which mails were
// taken before under other numbers, and records their new ones, so that they are
// neither taken again nor missed by a comparison with the server (MAIL I3).
func (d *Door) Known(ctx context.Context, mails []Fetched) ([]bool, error) {
	validity := mails[0].UIDValidity
	if d.held == nil || d.held.validity != validity {
		if err := d.readHeld(ctx, validity); err != nil {
			return nil, err
		}
	}
	known := make([]bool, len(mails))
	var adopted []events.Event
	for i, f := range mails {
		if d.held.known[f.UID] {
			known[i] = true
			continue
		}
		in := d.read(f).inquiry
		same := d.held.mails[in.ContentKey]
		if len(same) == 0 || f.Fault != "" {
			continue
		}
		known[i], d.held.mails[in.ContentKey] = true, same[1:]
		d.held.known[f.UID] = true
		adopted = append(adopted, events.MailAdopted{Mailbox: d.Mailbox, UIDValidity: validity, UID: f.UID, Inquiry: same[0].inquiry})
	}
	for len(adopted) > 0 {
		n := min(len(adopted), maxAdopted)
		if err := d.note(ctx, adopted[:n]...); err != nil {
			return nil, err
		}
		adopted = adopted[n:]
	}
	return known, nil
}

// note appends to the mailbox's own stream.
func (d *Door) note(ctx context.Context, evs ...events.Event) error {
	by := journal.By{Command: events.NewUUID(), Actor: "door:email"}
	_, err := d.Journal.Execute(ctx, events.MailboxStream(d.Mailbox), by, func([]events.Recorded) ([]events.Event, error) { return evs, nil })
	return err
}

// errRead ends the reading of the log when its end is reached.
var errRead = errors.New("read to the end")

// readHeld reads the log for what was taken from this mailbox. It is said once,
// loudly, because a mailbox that changes its numbers deserves a look.
func (d *Door) readHeld(ctx context.Context, validity uint32) error {
	h := &held{validity: validity, mails: map[events.Hash][]holding{}, known: map[uint32]bool{}}
	type place struct {
		key events.Hash
		holding
	}
	byInquiry := map[events.InquiryID]*place{}
	var order []*place
	old := uint32(0)
	reading := journal.Reading{Types: []string{"hub.InquiryReceived", "hub.MailAdopted"}}
	err := d.Journal.Subscribe(ctx, reading, func(_ context.Context, b journal.Batch) error {
		for _, rec := range b.Events {
			switch e := rec.Event.(type) {
			case events.InquiryReceived:
				if e.Mailbox == d.Mailbox && e.UID != 0 && byInquiry[e.Inquiry] == nil {
					p := &place{e.ContentKey, holding{e.Inquiry, e.UIDValidity, e.UID}}
					byInquiry[e.Inquiry], order = p, append(order, p)
				}
			case events.MailAdopted:
				if p := byInquiry[e.Inquiry]; p != nil {
					p.validity, p.uid = e.UIDValidity, e.UID
				}
			}
		}
		if b.Live {
			return errRead
		}
		return nil
	})
	if !errors.Is(err, errRead) {
		return fmt.Errorf("compare mailbox with the log: %w", err)
	}
	for _, p := range order {
		if p.validity == validity {
			h.known[p.uid] = true
			continue
		}
		old = max(old, p.validity)
		h.mails[p.key] = append(h.mails[p.key], p.holding)
	}
	d.held = h
	if len(h.mails) > 0 && len(h.known) == 0 {
		d.Logger.Warn("the mail server numbers this mailbox anew; its mails are compared with what the log holds",
			"room", "mailbox", "mailbox", d.Mailbox, "old_validity", old, "new_validity", validity, "held", len(order))
		return d.note(ctx, events.MailboxReset{Mailbox: d.Mailbox, Old: old, New: validity})
	}
	return nil
}
