package notifier

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/events/store"
	"github.com/westshore/hub/services/internal/mail"
)

// Clerk reads what the desk wrote and queues it: one rendered message for each
// recipient. Reading the same event again queues nothing twice, since a message's
// id comes from the event's.
type Clerk struct {
	Journal *journal.Journal
	Marks   *Marks
	// Hash is the vault's keyed hash.
	Hash func(domain string, parts ...string) events.Hash
	// Brand is the name in automatic messages.
	Brand string
	// Gate is asked before a message is queued; nil lets everything through.
	Gate Gate
	// Unsubscribe gives the link by which a person ends one purpose; nil: none.
	Unsubscribe func(customer events.SubjectID, purpose string) string
	// Undo is how long an answer can be taken back: it waits that long (MAIL O16).
	Undo time.Duration
	// OpenBlob opens files of answers: seal.Sealer.OpenBlob.
	OpenBlob func(context.Context, events.Principal, events.Blob) ([]byte, events.State, error)
	// Links are the addresses of files that are too large to go inside a mail; nil:
	// all go inside.
	Links *Links
	// Attach is how many bytes of files go inside a mail. Zero is 10 MB.
	Attach int64
	// Contact is a person's address on file, for one that a server cannot take; nil:
	// nobody knows any.
	Contact func(context.Context, events.SubjectID) (events.Address, error)
	// Signer signs what is rendered; nil signs nothing.
	Signer *Signer
	// Pause is how long a message that cannot be queued waits before it is tried
	// again, longer each time. Zero is 1 s.
	Pause  time.Duration
	Now    func() time.Time
	Logger *slog.Logger

	restored events.Position // what stands up to here comes from a backup
}

var clerkPrincipal = events.Principal{Actor: "system:clerk", Role: events.RoleOutbox, Purpose: events.PurposeSupport}

const clerkName = "clerk"

// DeliveryField is the header field that tells one recipient's copy from
// another's: evidence is searched by it.
const DeliveryField = "X-Hub-Delivery"

// Run queues until ctx ends.
func (c *Clerk) Run(ctx context.Context) error {
	log := c.Logger.With("room", "notifier", "part", "clerk")
	var from events.Position
	err := persist(ctx, log, "read checkpoint", func() (err error) {
		if from, err = c.Journal.Checkpoint(ctx, clerkName); err != nil {
			return err
		}
		return c.remember(ctx)
	})
	if err != nil {
		return nil //nolint:nilerr // persist gives up only when ctx has ended
	}
	saved, last := from, time.Time{}
	left := leftovers{log: log, journal: c.Journal, queue: c.queue, pause: cmp.Or(c.Pause, time.Second)}
	reading := journal.Reading{
		From: from, Types: []string{"hub.ReplyWritten", "hub.AcknowledgementWritten", "hub.LetterWritten", "hub.MessageRedirected", "hub.DeliveryFailed"}, Principal: &clerkPrincipal,
	}
	ctx, stop := context.WithCancel(ctx)
	var again sync.WaitGroup
	again.Go(func() { left.run(ctx) })
	defer again.Wait()
	defer stop()
	err = c.Journal.Subscribe(ctx, reading, func(ctx context.Context, b journal.Batch) error {
		for _, rec := range b.Events {
			if err := left.first(ctx, rec); err != nil {
				return err
			}
		}
		if left.any() || b.Position == events.Start || !saved.Before(b.Position) || time.Since(last) < time.Second {
			return nil
		}
		if err := c.Journal.Advance(ctx, clerkName, b.Position); err != nil {
			log.Warn("checkpoint not saved, some messages would be looked at again", "error", err)
			return nil
		}
		saved, last = b.Position, time.Now()
		return nil
	})
	if ctx.Err() != nil {
		return nil //nolint:nilerr // told to end
	}
	return err
}

// queue makes the outgoing messages of one event.
func (c *Clerk) queue(ctx context.Context, rec events.Recorded) error {
	switch e := rec.Event.(type) {
	case events.ReplyWritten:
		return c.reply(ctx, rec, e)
	case events.AcknowledgementWritten:
		return c.acknowledge(ctx, rec, e)
	case events.LetterWritten:
		return c.letter(ctx, rec, e)
	case events.MessageRedirected:
		return c.redirect(ctx, rec, e)
	case events.DeliveryFailed:
		return c.again(ctx, rec, e)
	}
	return nil
}

// acknowledge tells the customer that the inquiry arrived. Nothing that the
// sender chose goes into it but the thread (FIELD 3.6), and it comes from the null
// sender, so that it cannot be bounced (RFC 3834 section 3.3).
func (c *Clerk) acknowledge(ctx context.Context, rec events.Recorded, e events.AcknowledgementWritten) error {
	history, err := c.Journal.Load(ctx, events.InquiryStream(e.Inquiry), &clerkPrincipal)
	if err != nil {
		return err
	}
	if len(history) == 0 {
		return fmt.Errorf("acknowledge inquiry %s: not in the log", e.Inquiry)
	}
	in, ok := history[0].Event.(events.InquiryReceived)
	if !ok || in.Contact.State() != events.Plain || !strings.Contains(in.Contact.Value().Address, "@") {
		return nil
	}
	to, letter := in.Contact.Value(), in.Letter.Value()
	s := c.Marks.sender(e.Mailbox)
	out := mail.Outgoing{
		From: mail.Address{Name: s.Name, Address: s.Address}, To: []mail.Address{mail.Address(to)},
		ReplyTo: []mail.Address{{Name: s.Name, Address: c.Marks.replyTo(s, e.Ticket, to.Address)}},
		Subject: tagged("We have received your message", e.Number), Date: rec.Meta.At, MessageID: e.MessageID,
		InReplyTo: letter.MessageID, References: letter.References,
		Text:      acknowledgement(c.Brand, e.Number),
		Automatic: "auto-replied", LoopMark: c.Marks.loop(e.Message),
		Extra: mail.ThreadFields(letter.ThreadIndex, letter.ThreadTopic, e.MessageID),
	}
	if letter.MessageID != "" {
		out.References = append(out.References, letter.MessageID)
	}
	c.mark(&out, e.Ticket)
	q := events.MessageQueued{
		Outbound: events.DeriveOutbound(e.Message, 0), Kind: events.OutboundAcknowledgement, Channel: events.Email,
		Ticket: e.Ticket, Message: e.Message, Mailbox: s.ID, Customer: e.Customer,
		MessageID: e.MessageID, NotBefore: rec.Meta.At,
	}
	return c.put(ctx, rec, q, out, c.Marks.envelope(s, q.Outbound, to, out.Subject, true))
}

func acknowledgement(brand string, number int64) string {
	return fmt.Sprintf("Hello,\n\nyour message has reached us. It has the number %d, and somebody will answer it.\n"+
		"To add something, just answer this mail.\n\n%s\n", number, brand)
}

// put renders a message and begins its stream.
func (c *Clerk) put(ctx context.Context, rec events.Recorded, q events.MessageQueued, out mail.Outgoing, p events.Parcel) error {
	// Which copy this is: one Message-ID goes to several recipients.
	out.Extra = append(slices.Clone(out.Extra), mail.Field{Name: DeliveryField, Value: string(q.Outbound)})
	raw, err := mail.Compose(out)
	if err == nil {
		raw, err = c.Signer.Sign(out.From.Address, raw)
	}
	failed := err != nil
	if failed {
		c.Logger.Error("message cannot be rendered", "message", q.Message, "error", err)
		raw = nil
	}
	q.Address = AddressHash(c.Hash, p.RcptTo)
	_, domain := split(strings.ToLower(p.RcptTo))
	q.Domain = c.Hash("domain", domain)
	q.Rendered, q.Parcel = events.NewBlob(raw), events.Seal(p)
	evs := []events.Event{q}
	ok, reason, err := c.Gate.ask(ctx, q)
	switch {
	case err != nil:
		return err
	case !ok:
		evs = append(evs, events.MessageCancelled{Outbound: q.Outbound, Reason: reason})
	case failed:
		evs = append(evs, events.DeliveryFailed{Outbound: q.Outbound, Class: "not_rendered"})
	case c.old(rec):
		evs = append(evs, events.MessageHeld{Outbound: q.Outbound, Reason: ReasonRestored})
	}
	by := journal.By{
		Command: events.DeriveUUID("queue", string(q.Outbound)), Actor: "system:clerk",
		Correlation: rec.Meta.Correlation, Causation: rec.ID,
	}
	_, err = c.Journal.Append(ctx, events.OutboundStream(q.Outbound), events.NoStream, by, evs...)
	if _, there := store.IsConflict(err); there {
		return nil
	}
	return err
}

// tagged puts the ticket's number into a subject, once (MAIL O11).
func tagged(subject string, number int64) string {
	tag := fmt.Sprintf("[#%d]", number)
	if strings.Contains(subject, tag) {
		return subject
	}
	return strings.TrimSpace(subject + " " + tag)
}

func addresses(list []events.Address) []mail.Address {
	out := make([]mail.Address, len(list))
	for i, a := range list {
		out[i] = mail.Address(a)
	}
	return out
}
