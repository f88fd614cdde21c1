package mailbox

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/services/internal/mail"
)

// Warnings that the door adds to those of the reader. They are codes that the
// console explains and tests name.
const (
	warnContactForm   = "contact_form"   // the customer is who the form names in Reply-To
	warnVia           = "via_list"       // a list rewrote the sender
	warnAgentUnproved = "agent_unproved" // an agent's address without proof
	warnOneTimeCode   = "one_time_code"  // a service's code or confirmation link
	warnReplyToList   = "reply_to_many"  // answers would go to several addresses
	warnSpam          = "spam"           // our own mail server says so
)

// author is the person a mail is from, for the ticket: mostly its first From
// (MAIL I22); for a contact form of the allow-list, who it names in Reply-To
// (I39); behind a mailing list that rewrites senders, the original one (I41);
// for a mail that a proved agent passes on, who wrote it first (I35, I40).
func (d *Door) author(in *events.InquiryReceived, m *mail.Message, own mail.OwnAddresses) mail.Address {
	a := m.Author()
	in.SPF, in.DMARC, in.DKIM = verdictWord(m.Auth.SPF), verdictWord(m.Auth.DMARC), ""
	for _, k := range m.Auth.DKIM {
		if in.DKIM == "" || k.Result == "pass" {
			in.DKIM = verdictWord(k.Result)
		}
	}
	if len(m.ReplyTo) > 1 {
		in.Warnings = append(in.Warnings, warnReplyToList)
	}
	if d.fromForm(a) && len(m.ReplyTo) > 0 && strings.Contains(m.ReplyTo[0].Address, "@") && !own.Has(m.ReplyTo[0].Address) {
		in.Warnings = append(in.Warnings, warnContactForm)
		// Whoever filled in the form may have written any address.
		in.Auth = "none"
		return m.ReplyTo[0]
	}
	if via := viaList(m); via.Address != "" && !own.Has(via.Address) {
		in.Warnings = append(in.Warnings, warnVia)
		in.Auth = "none" // the list passed, not the author
		return via
	}
	if d.Agent == nil || a.Address == "" {
		return a
	}
	agent, ok := d.Agent(a.Address)
	if !ok {
		return a
	}
	in.Agent = agent
	if in.Auth != "pass" {
		in.Warnings = append(in.Warnings, warnAgentUnproved)
		return a
	}
	if first, ok := m.Forwarded(); ok && d.Forwards && !own.Has(first.Address) {
		in.Forwarded = true
		return first
	}
	return a
}

func (d *Door) fromForm(a mail.Address) bool {
	return slices.ContainsFunc(d.FormSenders, func(s string) bool { return mail.Key(s) == a.Key() })
}

// viaList is the author that a mailing list put aside when it wrote its own
// address into From.
func viaList(m *mail.Message) mail.Address {
	if !m.Header.Has("List-Id") && !m.Header.Has("X-Google-Group-Id") && !strings.Contains(strings.ToLower(m.Author().Name), " via ") {
		return mail.Address{}
	}
	for _, name := range []string{"X-Original-From", "X-Original-Sender"} {
		for _, a := range mail.ParseAddresses(m.Header.First(name)) {
			if strings.Contains(a.Address, "@") && a.Key() != m.Author().Key() {
				return a
			}
		}
	}
	return mail.Address{}
}

// verdictWord keeps the result words of RFC 8601 and nothing else: the field
// stands in the clear.
func verdictWord(s string) string {
	if slices.Contains([]string{"pass", "fail", "softfail", "neutral", "none", "policy", "temperror", "permerror", "bestguesspass"}, s) {
		return s
	}
	return ""
}

// suspect flags mails of services that prove an address with a code, where they
// are automatic or came to a ticket's own address (MAIL I37, FIELD 3.7).
func (d *Door) suspect(in *events.InquiryReceived, m *mail.Message, author mail.Address) {
	if (in.ReplyTicket != "" || in.Class != events.MailHuman || noReply(author.Address)) && m.OneTimeCode() {
		in.Warnings = append(in.Warnings, warnOneTimeCode)
	}
}

// reported are the Message-IDs that a report is about.
func reported(m *mail.Message) (ids []string) {
	if m.Bounce != nil && m.Bounce.MessageID != "" {
		ids = append(ids, m.Bounce.MessageID)
	}
	if m.Complaint != nil && m.Complaint.MessageID != "" {
		ids = append(ids, m.Complaint.MessageID)
	}
	if m.Receipt != nil && m.Receipt.MessageID != "" {
		ids = append(ids, m.Receipt.MessageID)
	}
	return ids
}

// reports states what a bounce or a complaint says, and proves which message of
// ours it is about: by the envelope address (VERP) it came to, by our ENVID, or,
// for a complaint, by the envelope address of the mail it encloses (MAIL I30,
// I31).
func (d *Door) reports(in *events.InquiryReceived, m *mail.Message, tokens mail.Tokens) {
	if b := m.Bounce; b != nil {
		if id, ok := tokens.ParseEnvelopeID(b.EnvelopeID); ok && in.Bounced == "" {
			in.Bounced = events.OutboundID(id)
		}
		for i, r := range b.Recipients {
			if i == 0 || r.Action == "failed" && in.BounceAction != "failed" {
				in.BounceAction, in.BounceCode = bounceAction(r.Action), r.Status
			}
		}
	}
	if c := m.Complaint; c != nil {
		in.Complaint = complaintKind(c.Type)
		if id, ok := tokens.ParseBounceAddress(c.Sender); ok && in.Bounced == "" {
			in.Bounced = events.OutboundID(id)
		}
	}
}

// bounceAction keeps the action words of RFC 3464 section 2.3.3.
func bounceAction(s string) string {
	if slices.Contains([]string{"failed", "delayed", "delivered", "relayed", "expanded"}, s) {
		return s
	}
	return ""
}

// complaintKind keeps the feedback types of RFC 5965 section 7.3 and RFC 6430.
func complaintKind(s string) string {
	if slices.Contains([]string{"abuse", "fraud", "virus", "not-spam", "opt-out", "auth-failure"}, s) {
		return s
	}
	return "other"
}

// sent turns the reading of a mail in the folder of sent mail into what it is:
// an agent's words to a customer (FIELD 2.22). What the hub itself sent is left
// out. Its numbers belong to another folder than the inbox, so they stay out of
// the facts.
func (d *Door) sent(r *reading, m *mail.Message, tokens mail.Tokens, f Fetched) {
	in := &r.inquiry
	_, _, r.ours = tokens.VerifyMessageID(m.MessageID)
	in.Inquiry = sentID(d.Mailbox, f.UIDValidity, f.UID)
	in.UIDValidity, in.UID = 0, 0
	in.Class, in.ClassRule, in.NoAnswer, in.Forwarded = events.MailSent, "sent_folder", true, false
	if len(r.people) > 1 { // the customer is whom it was written to
		r.people = r.people[1:]
	}
}

// sentID derives the id of a mail in the folder of sent mail.
func sentID(m events.MailboxID, validity, uid uint32) events.InquiryID {
	return events.InquiryID(events.DeriveUUID("inquiry", "sent", string(m), strconv.FormatUint(uint64(validity), 10), strconv.FormatUint(uint64(uid), 10)).String())
}

// Again reads a mail once more, that became an inquiry before and waits in
// quarantine: with the reader of today, and with what the server gives now. It
// becomes an inquiry of its own, whose id it returns; doing it twice makes one.
func (d *Door) Again(ctx context.Context, before events.InquiryReceived, f Fetched) (events.InquiryID, error) {
	f.Fault, f.Detail = "", ""
	r := d.read(f)
	r.inquiry.Inquiry = events.InquiryID(events.DeriveUUID("inquiry", "again", string(before.Inquiry)).String())
	r.inquiry.Again = before.Inquiry
	r.inquiry.UIDValidity, r.inquiry.UID = 0, 0 // the numbers stay with the first reading
	if r.inquiry.ArrivedAt.IsZero() {
		r.inquiry.ArrivedAt = before.ArrivedAt
	}
	read := []reading{r}
	if err := d.identify(ctx, read); err != nil {
		return "", err
	}
	return r.inquiry.Inquiry, d.Take(ctx, []events.InquiryReceived{read[0].inquiry})
}

// invitation is a calendar's summary as the fields under a message.
func invitation(c *mail.Calendar) map[string]string {
	out := map[string]string{}
	for name, v := range map[string]string{"Invitation": c.Summary, "From": c.Start, "Until": c.End, "Where": c.Location, "Organizer": c.Organizer, "Kind": c.Method} {
		if v != "" {
			out[name] = v
		}
	}
	return out
}

// subjectNoise is what mail programs and we put before and into a subject.
var subjectNoise = regexp.MustCompile(`(?i)^\s*((re|aw|sv|vs|antw|odp|r|ref|fwd?|wg|tr|rv|i|enc|vb|doorst)(\[\d+\])?\s*[:：]\s*|\[[^\]]{1,40}\]\s*)+|\s*\[#\d{1,12}\]\s*$`)

// baseSubject is a subject without Re:, list names and our tag, for comparison.
func baseSubject(s string) string {
	if len(s) > 1000 {
		s = s[:1000]
	}
	return strings.ToLower(strings.Join(strings.Fields(subjectNoise.ReplaceAllString(s, " ")), " "))
}

// originalsFirst puts a mail behind those of its batch that it answers: a server
// may number an answer before the mail it answers.
func originalsFirst(list []events.InquiryReceived) []events.InquiryReceived {
	at := make(map[events.Hash]int, len(list))
	for i, in := range list {
		if _, twice := at[in.MessageKey]; !twice {
			at[in.MessageKey] = i
		}
	}
	out, done := make([]events.InquiryReceived, 0, len(list)), make([]bool, len(list))
	var place func(int)
	place = func(i int) {
		if done[i] {
			return
		}
		done[i] = true // before what it answers, so that two that answer each other end
		for _, ref := range list[i].References {
			if j, there := at[ref]; there {
				place(j)
			}
		}
		out = append(out, list[i])
	}
	for i := range list {
		place(i)
	}
	return out
}
