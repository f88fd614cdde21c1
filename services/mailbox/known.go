package mailbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
)

// held is what the log holds of one mailbox, by content: read when a server
// numbers anew, which is rare, and dropped when the next batch is not about that.
type held struct {
	validity uint32                    // the new UIDVALIDITY that is compared
	mails    map[events.Hash][]holding // of one content, not adopted yet
	known    map[uint32][]holding      // by the UIDs under the new validity that the log has
	reused   map[uint32]bool           // of those, given to other mails since
}

type holding struct {
	content  events.Hash
	message  events.Hash
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
		in, ok := d.tryRead(f)
		if there := d.held.known[f.UID]; len(there) > 0 {
			if known[i] = !ok || slices.ContainsFunc(there, in.is); !known[i] {
				d.held.reused[f.UID] = true
			}
			continue
		}
		same := d.held.mails[in.inquiry.ContentKey]
		if !ok || len(same) == 0 || f.Fault != "" {
			continue
		}
		known[i], d.held.mails[in.inquiry.ContentKey] = true, same[1:]
		d.held.known[f.UID] = same[:1]
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

// is reports whether a mail is the one that the log holds under its number. A
// server that was restored from a backup gives numbers a second time; only a mail
// that says something else under another Message-ID is another mail, as how a mail
// is read may have changed since.
func (r reading) is(h holding) bool {
	in := r.inquiry
	return in.ContentKey == "" || h.content == "" || in.ContentKey == h.content || in.MessageKey == h.message
}

// name gives a mail under a number that the log has for another one an id of its
// own; with the usual one it would be taken for that, and lost.
func (d *Door) name(r *reading) {
	in := &r.inquiry
	if d.held == nil || d.held.validity != in.UIDValidity || !d.held.reused[in.UID] {
		return
	}
	was := string(in.Inquiry)
	in.Inquiry = events.InquiryID(events.DeriveUUID("inquiry again", was, string(in.ContentKey)).String())
	for i, p := range r.people {
		r.people[i] = strings.ReplaceAll(p, was, string(in.Inquiry)) // an unknown sender is one of this mail's own
	}
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
	h := &held{validity: validity, mails: map[events.Hash][]holding{}, known: map[uint32][]holding{}, reused: map[uint32]bool{}}
	byInquiry := map[events.InquiryID]*holding{}
	var order []*holding
	old := uint32(0)
	reading := journal.Reading{Types: []string{"hub.InquiryReceived", "hub.MailAdopted"}}
	err := d.Journal.Subscribe(ctx, reading, func(_ context.Context, b journal.Batch) error {
		for _, rec := range b.Events {
			switch e := rec.Event.(type) {
			case events.InquiryReceived:
				if e.Mailbox == d.Mailbox && e.UID != 0 && byInquiry[e.Inquiry] == nil {
					p := &holding{e.ContentKey, e.MessageKey, e.Inquiry, e.UIDValidity, e.UID}
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
			h.known[p.uid] = append(h.known[p.uid], *p)
			continue
		}
		old = max(old, p.validity)
		h.mails[p.content] = append(h.mails[p.content], *p)
	}
	d.held = h
	if len(h.mails) > 0 && len(h.known) == 0 {
		d.Logger.Warn("the mail server numbers this mailbox anew; its mails are compared with what the log holds",
			"room", "mailbox", "mailbox", d.Mailbox, "old_validity", old, "new_validity", validity, "held", len(order))
		return d.note(ctx, events.MailboxReset{Mailbox: d.Mailbox, Old: old, New: validity})
	}
	return nil
}
