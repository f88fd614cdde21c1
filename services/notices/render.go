package notices

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/events/store"
	"github.com/westshore/hub/services/internal/mail"
)

// Rendered is a notice as one person would get it.
type Rendered struct {
	Language string
	From, To events.Address
	Subject  string
	Text     string
	HTML     string // empty: text alone
}

// values are what the placeholders of a draft stand for, for one reader.
func (n *Notices) values(d Draft, s Sender, who events.SubjectID, out events.OutboundID, name string, day time.Time) values {
	v := values{
		valueName: personName(name), valueBrand: line(s.Brand, maxValue), valueSupport: s.Address, valuePostal: line(s.Postal, maxValue),
		valueWebsite: s.Website, valuePrivacy: n.cfg.Privacy, valueDate: day.UTC().Format(time.DateOnly),
	}
	if d.Kind == events.OutboundPromotional && n.cfg.Unsubscribe != nil {
		v[valueUnsubscribe] = n.cfg.Unsubscribe(who, out)
	}
	for _, own := range d.Values {
		v[own.Name] = line(own.Value, maxValue)
	}
	return v
}

// render makes the message for one reader.
func (n *Notices) render(d Draft, s Sender, r Recipient, v values) (Rendered, error) {
	t := choose(d.Texts, r.Language)
	out := Rendered{
		Language: t.Language, To: events.Address{Name: v[valueName], Address: r.To.Address},
		From: events.Address{Name: v[valueBrand], Address: s.Address},
	}
	for _, p := range []struct {
		source string
		into   *string
		escape func(string) string
	}{{t.Subject, &out.Subject, asIs}, {t.Text, &out.Text, asIs}, {t.HTML, &out.HTML, inHTML}} {
		parts, err := parse(p.source)
		if err != nil {
			return out, err
		}
		*p.into = parts.render(v, p.escape)
	}
	out.Subject = mail.CleanSubject(out.Subject)
	if out.HTML != "" {
		out.HTML = frame(s, v, out.Language, out.HTML)
	}
	out.Text = strings.TrimRight(out.Text, "\n") + "\n\n-- \n" + signature(v)
	return out, nil
}

// signature says who writes, under every text.
func signature(v values) string {
	var b strings.Builder
	for _, s := range []string{v[valueBrand], v[valuePostal], v[valueWebsite]} {
		if s != "" {
			b.WriteString(s + "\n")
		}
	}
	return b.String()
}

// frame puts the brand round the HTML of a notice.
func frame(s Sender, v values, lang, body string) string {
	colour := s.Colour
	if !validColour(colour) {
		colour = "#444444"
	}
	foot := inHTML(v[valueBrand])
	if v[valuePostal] != "" {
		foot += "<br>" + inHTML(v[valuePostal])
	}
	if v[valueWebsite] != "" {
		foot += fmt.Sprintf(`<br><a href="%s">%s</a>`, inHTML(v[valueWebsite]), inHTML(v[valueWebsite]))
	}
	return fmt.Sprintf(`<!DOCTYPE html><html lang="%s"><body style="margin:0;font-family:sans-serif;line-height:1.5">`+
		`<div style="border-top:4px solid %s;padding:16px;max-width:640px"><p style="color:%s"><strong>%s</strong></p>%s`+
		`<hr><p style="color:#666666;font-size:12px">%s</p></div></body></html>`,
		inHTML(lang), colour, colour, inHTML(v[valueBrand]), body, foot)
}

func validColour(s string) bool {
	return len(s) == 7 && s[0] == '#' && strings.Trim(strings.ToLower(s[1:]), "0123456789abcdef") == ""
}

// Preview renders a notice for a reader of one's own making. lang is a language of
// the notice; empty is the first.
func (n *Notices) Preview(ctx context.Context, id events.NoticeID, to events.Address, lang string) (Rendered, error) {
	s, err := n.load(ctx, id)
	if err != nil {
		return Rendered{}, err
	}
	return n.PreviewDraft(s.content(), to, lang)
}

// PreviewDraft is Preview of what is not written down yet.
func (n *Notices) PreviewDraft(d Draft, to events.Address, lang string) (Rendered, error) {
	if d.Rate == 0 {
		d.Rate = n.cfg.Rate
	}
	if err := n.check(d); err != nil {
		return Rendered{}, err
	}
	from := n.sender(d.Mailbox, d.Audience.Mailbox)
	return n.render(d, from, Recipient{To: to, Language: lang}, n.values(d, from, "0", "0", to.Name, n.now()))
}

// SendPreview sends the notice, as it stands, to the agent who asks, marked as a
// preview. It counts for nothing.
func (n *Notices) SendPreview(ctx context.Context, c Command, id events.NoticeID, to events.Address, lang string) (Done, error) {
	r, err := n.Preview(ctx, id, to, lang)
	if err != nil {
		return Done{}, err
	}
	s, err := n.load(ctx, id)
	if err != nil {
		return Done{}, err
	}
	d := s.content()
	from := n.sender(d.Mailbox, d.Audience.Mailbox)
	r.Subject = mail.CleanSubject("[Preview] " + r.Subject)
	out := events.OutboundID(events.DeriveUUID("outbound", "preview", c.ID.String()).String())
	q := events.MessageQueued{
		Outbound: out, Kind: events.OutboundAdministrative, Channel: events.Email, Mailbox: from.ID,
		Customer: events.SubjectID(c.Agent), NotBefore: c.At,
	}
	w, err := n.queue(ctx, journal.By{Command: c.ID, Actor: events.AgentActor(c.Agent), At: c.At}, q, from, r, "")
	return Done{Notice: id, Outbound: out, Revision: w.Revision, Position: w.Position}, err
}

// queue renders the bytes and begins the stream of the message, unless it has begun
// before.
func (n *Notices) queue(ctx context.Context, by journal.By, q events.MessageQueued, from Sender, r Rendered, unsubscribe string) (w journal.Written, err error) {
	local, domain := split(from.Address)
	q.MessageID = string(q.Outbound) + "@" + domain
	bounce, err := n.tokens.BounceAddress(local, domain, string(q.Outbound))
	if err != nil {
		bounce = from.Address
	}
	loop, err := n.tokens.LoopMark(string(q.Outbound))
	if err != nil {
		loop = ""
	}
	out := mail.Outgoing{
		From: mail.Address(r.From), To: []mail.Address{mail.Address(r.To)}, Subject: r.Subject, Date: by.At, MessageID: q.MessageID,
		Text: r.Text, HTML: r.HTML, Automatic: "auto-generated", LoopMark: loop,
		Extra: []mail.Field{{Name: "Precedence", Value: "bulk"}},
	}
	if unsubscribe != "" { // RFC 8058
		out.Extra = append(out.Extra, mail.Field{Name: "List-Unsubscribe", Value: "<" + unsubscribe + ">"},
			mail.Field{Name: "List-Unsubscribe-Post", Value: "List-Unsubscribe=One-Click"})
	}
	if n.cfg.CopyField != "" {
		out.Extra = append(out.Extra, mail.Field{Name: n.cfg.CopyField, Value: string(q.Outbound)})
	}
	raw, err := mail.Compose(out)
	if err == nil && n.cfg.Sign != nil {
		raw, err = n.cfg.Sign(from.Address, raw)
	}
	if err != nil {
		return w, err
	}
	_, to := split(strings.ToLower(r.To.Address))
	q.Domain, q.Rendered = n.cfg.Hash("domain", to), events.NewBlob(raw)
	q.Address = n.cfg.AddressHash(r.To.Address)
	envid, err := n.tokens.EnvelopeID(string(q.Outbound))
	if err != nil {
		return w, err
	}
	q.Parcel = events.Seal(events.Parcel{MailFrom: bounce, RcptTo: r.To.Address, To: r.To, Subject: r.Subject, EnvID: envid})
	w, err = n.j.Append(ctx, events.OutboundStream(q.Outbound), events.NoStream, by, q)
	if _, there := store.IsConflict(err); there {
		return w, nil
	}
	return w, err
}

// unrenderable reports whether a message can never be made.
func unrenderable(err error) bool { return errors.Is(err, mail.ErrCompose) }

func split(address string) (local, domain string) {
	i := strings.LastIndexByte(address, '@')
	if i < 0 {
		return address, ""
	}
	return address[:i], address[i+1:]
}
