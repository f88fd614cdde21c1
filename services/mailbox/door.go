package mailbox

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"regexp"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/services/internal/mail"
)

// Door turns mails into inquiries: it reads them, states in the clear what the
// desk needs to decide, and hands them on to be sealed and published. Nothing it
// is given can make it fail: a mail it cannot read becomes an inquiry that says
// so.
type Door struct {
	// Mailbox and Address are where the mails were taken from.
	Mailbox events.MailboxID
	Address string
	// Own are all our addresses, TokenKey the key of our signed marks.
	Own      []string
	TokenKey []byte
	// AuthServIDs are our mail servers' names in Authentication-Results.
	AuthServIDs []string
	// Resolve gives the random id of each address; Hash is the vault's keyed hash.
	Resolve func(ctx context.Context, addresses []string) ([]events.SubjectID, error)
	Hash    func(domain string, parts ...string) events.Hash
	// Take makes inquiries durable on the bus: nil only when every one is.
	Take func(ctx context.Context, inquiries []events.InquiryReceived) error
	// Journal is asked what was taken before, when a server numbers anew.
	Journal *journal.Journal
	// Agent names the agent whose address this is; may be nil. Forwards lets a
	// proved agent open a ticket for whoever wrote the mail passed on (MAIL I40).
	Agent    func(address string) (events.AgentID, bool)
	Forwards bool
	// FormSenders are the addresses that contact forms elsewhere write from: their
	// Reply-To is the customer (MAIL I39).
	FormSenders []string
	// Sent says that the folder holds what agents sent from a mail program.
	Sent   bool
	Logger *slog.Logger

	held *held
}

// Bounds of what one event carries; the raw mail always has everything.
const (
	maxText      = 128 << 10
	maxHTML      = 256 << 10
	maxLetter    = 480 << 10
	maxAddresses = 200
	maxRefs      = 50
)

// Mails is the Take of a mailbox's Deps.
func (d *Door) Mails(ctx context.Context, mails []Fetched) error {
	read := make([]reading, len(mails))
	var g errgroup.Group
	g.SetLimit(4)
	for i := range mails {
		g.Go(func() error {
			// A mail that breaks the reader comes again as one that cannot be read.
			var ok bool
			if read[i], ok = d.tryRead(mails[i]); !ok {
				return &Rejected{UID: mails[i].UID, Reason: "the reader failed on it"}
			}
			d.name(&read[i])
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	if err := d.identify(ctx, read); err != nil {
		return err
	}
	inquiries := make([]events.InquiryReceived, 0, len(read))
	for i := range read {
		if !read[i].ours {
			inquiries = append(inquiries, read[i].inquiry)
		}
	}
	if len(inquiries) == 0 {
		return nil
	}
	return d.Take(ctx, originalsFirst(inquiries))
}

// tryRead is read; ok is false where the reader failed, which stops nobody.
func (d *Door) tryRead(f Fetched) (r reading, ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	return d.read(f), true
}

// reading is a mail on its way to become an inquiry: the people in it are still
// addresses.
type reading struct {
	inquiry events.InquiryReceived
	people  []string // the customer first
	ours    bool     // the hub itself sent it: in a folder of sent mail
}

// identify replaces people by their random ids, all in one question.
func (d *Door) identify(ctx context.Context, read []reading) error {
	var all []string
	for _, r := range read {
		all = append(all, r.people...)
	}
	ids, err := d.Resolve(ctx, all)
	if err != nil {
		return fmt.Errorf("identify senders: %w", err)
	}
	for i := range read {
		n := len(read[i].people)
		read[i].inquiry.Customer, read[i].inquiry.Participants = ids[0], ids[1:n:n]
		ids = ids[n:]
	}
	return nil
}

func (d *Door) read(f Fetched) reading {
	raw := f.Raw
	if raw == nil {
		raw = f.Head
	}
	readable := raw
	if f.Fault == FaultRejected { // the reader failed on it: keep the bytes, and do not look again
		readable = nil
	}
	parse := func(b []byte) *mail.Message {
		return mail.Parse(b, mail.Options{
			InternalDate: f.InternalDate, AuthServIDs: d.AuthServIDs, MaxText: maxText, MaxHTML: maxHTML,
		})
	}
	m, raw, card := withoutCards(parse(readable), raw, parse)
	tokens := mail.Tokens{Key: d.TokenKey}
	own := mail.OwnAddresses{Addresses: d.Own, Tokens: tokens}
	in := events.InquiryReceived{
		Inquiry: InquiryID(d.Mailbox, f.UIDValidity, f.UID), Channel: events.Email,
		Mailbox: d.Mailbox, UIDValidity: f.UIDValidity, UID: f.UID,
		ArrivedAt: f.InternalDate.UTC(), Size: f.Size, Warnings: m.Warnings,
		TagNumber: tagNumber(m.Subject), Auth: verdict(m.Auth), Raw: events.NewBlob(raw),
	}
	if f.InternalDate.IsZero() {
		in.ArrivedAt = m.Date
	}
	if raw == nil {
		in.Raw = events.Blob{}
	}
	if card != "" {
		in.Warnings = append(in.Warnings, card)
	}
	if f.Oversize {
		in.Warnings = append(in.Warnings, "oversize")
	}
	if f.Fault != "" {
		in.Warnings = append(in.Warnings, string(f.Fault))
	}
	if m.IsSpam(d.AuthServIDs) {
		in.Warnings = append(in.Warnings, warnSpam)
	}
	class, rule := mail.Classify(m, own)
	in.Class, in.ClassRule = classes[class], rule
	d.marks(&in, m, tokens)
	author := d.author(&in, m, own)
	in.NoAnswer = in.Forwarded || m.SuppressesAutoReply() || noReply(author.Address) || own.Has(author.Address) || author.Address == ""
	in.SenderDomain = d.Hash("domain", author.Domain())
	d.keys(&in, m, raw)
	d.suspect(&in, m, author)
	in.Contact = events.Seal(events.Address(author))
	in.Letter = events.Seal(letter(m, f.Raw == nil))
	r := reading{inquiry: in, people: d.people(m, author, own, in)}
	if d.Sent {
		d.sent(&r, m, tokens, f)
	}
	return r
}

// InquiryID derives the id of the inquiry that a mail is: the same mail fetched
// again is the same inquiry (MAIL I2).
func InquiryID(m events.MailboxID, validity, uid uint32) events.InquiryID {
	return events.InquiryID(events.DeriveUUID("inquiry", string(m), strconv.FormatUint(uint64(validity), 10), strconv.FormatUint(uint64(uid), 10)).String())
}

var classes = map[mail.Class]events.MailClass{
	mail.ClassHuman: events.MailHuman, mail.ClassAutoReply: events.MailAuto, mail.ClassBounce: events.MailBounce,
	mail.ClassComplaint: events.MailComplaint, mail.ClassReceipt: events.MailReceipt,
	mail.ClassList: events.MailList, mail.ClassLoop: events.MailLoop,
}

// marks looks for our own unforgeable marks (MAIL I30, I32, I33).
func (d *Door) marks(in *events.InquiryReceived, m *mail.Message, tokens mail.Tokens) {
	recipients := m.DeliveredTo
	for _, a := range append(append([]mail.Address{}, m.To...), m.Cc...) {
		recipients = append(recipients, a.Address)
	}
	for _, address := range recipients {
		if token, ok := tokens.ParseReplyAddress(address); ok && in.ReplyTicket == "" {
			in.ReplyTicket = events.TicketID(token.TicketID)
		}
		if id, ok := tokens.ParseBounceAddress(address); ok && in.Bounced == "" {
			in.Bounced = events.OutboundID(id)
		}
	}
	for _, id := range append(reported(m), threadOrder(m)...) {
		if ticket, message, ok := tokens.VerifyMessageID(id); ok {
			in.SignedTicket, in.SignedMessage = events.TicketID(ticket), events.MessageID(message)
			break
		}
	}
	if in.ReplyTicket == "" && in.SignedTicket == "" {
		if id, ok := tokens.FindMark(m.Text); ok {
			in.QuotedTicket = events.TicketID(id)
		} else if id, ok := tokens.FindMark(m.HTML); ok {
			in.QuotedTicket = events.TicketID(id)
		}
	}
	d.reports(in, m, tokens)
}

// threadOrder lists what a mail refers to, best evidence first: In-Reply-To,
// then References from the last to the first (MAIL I33).
func threadOrder(m *mail.Message) []string {
	out := append([]string{}, m.InReplyTo...)
	for i := len(m.References) - 1; i >= 0; i-- {
		out = append(out, m.References[i])
	}
	return out[:min(len(out), maxRefs)]
}

// keys states the mail's identity and what it refers to as keyed hashes.
func (d *Door) keys(in *events.InquiryReceived, m *mail.Message, raw []byte) {
	sum := sha256.Sum256(raw)
	id := m.MessageID
	if id == "" {
		id = mail.SyntheticID(hex.EncodeToString(sum[:]))
	}
	in.MessageKey = d.Hash("message-id", id)
	if base := baseSubject(m.Subject); base != "" {
		in.SubjectKey = d.Hash("subject", base)
	}
	if conversation := mail.Conversation(m.ThreadIndex()); conversation != "" {
		in.Conversation = d.Hash("conversation", conversation)
	}
	_, body, found := bytes.Cut(raw, []byte("\r\n\r\n"))
	if !found {
		_, body, _ = bytes.Cut(raw, []byte("\n\n"))
	}
	text := sha256.Sum256(body)
	in.ContentKey = d.Hash("content", id, m.Author().Key(), m.Date.UTC().Format(time.RFC3339), hex.EncodeToString(text[:]))
	tokens := mail.Tokens{Key: d.TokenKey}
	seen := map[string]bool{id: true}
	for _, ref := range threadOrder(m) {
		if seen[ref] || ref == "" {
			continue
		}
		seen[ref] = true
		if _, _, ours := tokens.VerifyMessageID(ref); !ours {
			in.References = append(in.References, d.Hash("message-id", ref))
		}
	}
}

// people lists the author and everybody else the mail was written to.
func (d *Door) people(m *mail.Message, author mail.Address, own mail.OwnAddresses, in events.InquiryReceived) []string {
	sender := author.Address
	if sender == "" { // a person of its own: nothing says that two unknown ones are the same
		sender = "unknown@" + string(in.Inquiry) + ".invalid"
	}
	out := []string{sender}
	seen := map[string]bool{mail.Key(sender): true}
	if in.Forwarded { // those an agent writes to are not the customer's company
		return out
	}
	for _, list := range [][]mail.Address{m.From, m.To, m.Cc} {
		for _, a := range list {
			if key := a.Key(); strings.Contains(key, "@") && !seen[key] && !own.Has(a.Address) && len(out) <= maxAddresses {
				seen[key] = true
				out = append(out, a.Address)
			}
		}
	}
	return out
}

// letter is what an agent will read.
func letter(m *mail.Message, headOnly bool) events.Letter {
	l := events.Letter{
		Subject: m.Subject, Text: m.Text, HTML: m.HTML, QuoteFrom: m.QuoteFrom,
		ReplyTo: addresses(m.ReplyTo), To: addresses(m.To), Cc: addresses(m.Cc),
		MessageID: m.MessageID, Date: m.Date, Cut: headOnly || m.Warn(mail.WarnTextLimit),
	}
	if l.ThreadIndex = m.ThreadIndex(); l.ThreadIndex != "" {
		l.ThreadTopic = m.ThreadTopic()
	}
	l.References = append(append(l.References, m.References...), m.InReplyTo...)
	l.References = l.References[:min(len(l.References), maxRefs)]
	if cal := m.Calendar; cal != nil {
		l.Fields = invitation(cal)
	}
	if l.Text == "" && l.HTML == "" && m.IsEncrypted {
		l.Text = "This message is encrypted. It is shown to nobody here; whoever has the key can open the attached file.\n"
	}
	if !headOnly {
		for i, a := range m.Attachments {
			l.Attachments = append(l.Attachments, events.Attachment{
				ID: strconv.Itoa(i + 1), Name: a.Name, Type: a.Type, Size: a.Size, SHA256: a.SHA256,
				Inline: a.Inline, ContentID: a.ContentID,
				Offset: int64(a.Offset), Length: int64(a.Length), Encoding: a.Encoding,
			})
		}
	}
	return fit(l)
}

// fit cuts a letter until it fits into one event (NODE 7.6).
func fit(l events.Letter) events.Letter {
	size := func() int { b, _ := json.Marshal(l); return len(b) }
	if size() <= maxLetter {
		return l
	}
	l.HTML, l.Cut = "", true
	if size() > maxLetter {
		l.Text = strings.ToValidUTF8(l.Text[:min(len(l.Text), maxText/4)], "")
		l.QuoteFrom = min(l.QuoteFrom, len(l.Text)-1)
	}
	if size() > maxLetter {
		l.References, l.ReplyTo, l.To, l.Cc = nil, first(l.ReplyTo), first(l.To), first(l.Cc)
	}
	return l
}

func first(list []events.Address) []events.Address { return list[:min(len(list), 10)] }

func addresses(list []mail.Address) []events.Address {
	out := make([]events.Address, 0, min(len(list), maxAddresses))
	for _, a := range list {
		if len(out) < maxAddresses {
			out = append(out, events.Address(a))
		}
	}
	return out
}

var tag = regexp.MustCompile(`\[#(\d{1,12})\]`)

func tagNumber(subject string) int64 {
	if m := tag.FindStringSubmatch(subject); m != nil {
		n, _ := strconv.ParseInt(m[1], 10, 64)
		return n
	}
	return 0
}

func verdict(a mail.AuthResults) string {
	switch {
	case a.Present && a.Aligned:
		return "pass"
	case a.Present && a.DMARC == "fail":
		return "fail"
	}
	return "none"
}

var noReplies = regexp.MustCompile(`(?i)^(no[-_.]?reply|do[-_.]?not[-_.]?reply|mailer-daemon|postmaster|bounces?)([-+_.].*)?@`)

func noReply(address string) bool { return noReplies.MatchString(address) }

// DecodePart gives an attachment's bytes from the raw mail it is part of.
func DecodePart(raw []byte, a events.Attachment) ([]byte, error) {
	if a.Offset < 0 || a.Length < 0 || a.Offset+a.Length > int64(len(raw)) {
		return nil, fmt.Errorf("decode attachment %s: beyond the end of the mail", a.ID)
	}
	return mail.DecodePart(raw[a.Offset:a.Offset+a.Length], a.Encoding), nil
}
