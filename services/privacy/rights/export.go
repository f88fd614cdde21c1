package rights

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/mail"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/events/vault"
	"github.com/westshore/hub/services/privacy/bundle"
)

//go:embed schema/access-pack.json
var packSchema []byte

// packLife is how long a copy waits to be fetched: class R-PACK.
const packLife = 14 * 24 * time.Hour

// Export makes the copy of a person's data that a request of access or portability
// asks for, seals it, and writes the requester a link that works once. The request
// is closed when the letter is on its way.
func (r *Rights) Export(ctx context.Context, by journal.By, id events.RequestID) error {
	q, err := r.Get(ctx, id)
	if err != nil {
		return err
	}
	switch {
	case q.Kind != events.RequestAccess && q.Kind != events.RequestPortability:
		return refuse("kind", "This request asks for no copy.")
	case !q.Verified:
		return refuse("unverified", "Make sure first that the requester is the person.")
	case q.Closed:
		return refuse("closed", "This request is closed.")
	}
	raw, pack, err := r.Build(ctx, q.Customer, id)
	if err != nil {
		return fmt.Errorf("export data: %w", err)
	}
	token, err := r.packToken(by, id)
	if err != nil {
		return err
	}
	until := r.cfg.Now().Add(packLife)
	sealed := events.PackSealed{
		Request: id, Requester: id.RequesterID(), Link: r.cfg.Hash("privacy link", token), Expires: until.UTC(), Position: pack.Position,
		Digest: bundle.Digest(raw), Files: len(pack.Messages) + len(pack.Other), Pack: events.NewBlob(raw),
		Info: events.Seal(events.PackInfo{Name: "your-data-" + strings.ToLower(Reference(id)) + ".zip"}),
	}
	for _, rec := range pack.Recipients {
		sealed.Recipients = append(sealed.Recipients, rec.ID)
	}
	err = r.change(ctx, own(by, "seal"), id, func(Request) ([]events.Event, error) { return []events.Event{sealed}, nil })
	if err != nil {
		return err
	}
	url := r.cfg.URL() + "/privacy/pack/" + token
	if err := r.tell(ctx, by, id, "pack", func(Request) text { return packLetter(r.cfg.Brand, id, url, until.In(r.cfg.Zone)) }); err != nil {
		return err
	}
	note := letterID("pack", string(id), by.Command.String())
	return r.change(ctx, own(by, "close"), id, func(Request) ([]events.Event, error) {
		return []events.Event{
			events.RequestAnswered{Request: id, Outcome: "exported"},
			events.RequesterInformed{Request: id, Outcome: "done", Outbound: note.Outbound()},
			events.RequestClosed{Request: id, Outcome: "done"},
		}, nil
	})
}

// packToken is the same when the same command is repeated.
func (r *Rights) packToken(by journal.By, id events.RequestID) (string, error) {
	raw, ok := idOf(string(id))
	if !ok {
		return "", ErrNotFound
	}
	return r.links.sign(link{kind: linkPack, until: r.cfg.Now().Add(packLife).Truncate(time.Hour), id: raw, purpose: own(by, "pack").Command.String()}), nil
}

// packOf finds the copy that a link leads to; ErrLink when it was fetched or is over.
func (r *Rights) packOf(ctx context.Context, token string) (Request, error) {
	k, err := r.links.read(token, linkPack, r.cfg.Now())
	if err != nil {
		return Request{}, err
	}
	q, err := r.load(ctx, k.request(), &officer)
	if err != nil {
		return Request{}, err
	}
	if q.Fetched || q.Pack.Link != r.cfg.Hash("privacy link", token) || !r.cfg.Now().Before(q.Pack.Expires) {
		return Request{}, ErrLink
	}
	return q, nil
}

// PackReady reports whether the link of a copy works still. It uses nothing up.
func (r *Rights) PackReady(ctx context.Context, token string) error {
	_, err := r.packOf(ctx, token)
	return err
}

// FetchPack hands a copy over, once: then its link is used up and its key destroyed.
func (r *Rights) FetchPack(ctx context.Context, token string) (name string, archive []byte, err error) {
	q, err := r.packOf(ctx, token)
	if err != nil {
		return "", nil, err
	}
	archive, state, err := r.cfg.OpenBlob(ctx, officer, q.Pack.Pack)
	if err != nil {
		return "", nil, fmt.Errorf("fetch copy: %w", err)
	}
	if state != events.Plain {
		return "", nil, ErrLink
	}
	by := journal.By{Command: events.DeriveUUID("fetch", token), Actor: system, At: r.cfg.Now()}
	w, err := r.cfg.Journal.Execute(ctx, events.RequestStream(q.Request), by, func(history []events.Recorded) ([]events.Event, error) {
		if foldRequest(history).Fetched {
			return nil, ErrLink
		}
		return []events.Event{events.PackFetched{Request: q.Request}}, nil
	})
	if err != nil {
		return "", nil, fmt.Errorf("fetch copy: %w", err)
	}
	if w.Repeated { // somebody else was at it at the same time
		return "", nil, ErrLink
	}
	keys, err := r.cfg.Keys(ctx, q.Requester)
	if err == nil {
		keys = slices.DeleteFunc(keys, func(k vault.Info) bool { return k.KID != q.Pack.Pack.KID })
		err = r.cfg.Destroy(ctx, events.DeriveUUID("fetched", token), "retention", keys)
	}
	if err != nil {
		// The link is dead already; the schedule destroys the key in 14 days at most.
		r.log.Error("key of a fetched copy not destroyed", "request", string(q.Request), "error", err)
	}
	name = q.Pack.Info.Value().Name
	if name == "" {
		name = "your-data.zip"
	}
	return name, archive, nil
}

// Build makes the copy of a person's data as a signed bundle. Request may be empty.
func (r *Rights) Build(ctx context.Context, customer events.SubjectID, id events.RequestID) ([]byte, *Pack, error) {
	g, err := r.gather(ctx, customer)
	if err != nil {
		return nil, nil, err
	}
	g.pack.Request = string(id)
	portable := *g.pack
	portable.Messages = slices.DeleteFunc(slices.Clone(portable.Messages), func(m PackMessage) bool { return !m.Portable })
	portable.Other = slices.DeleteFunc(slices.Clone(portable.Other), func(o PackOther) bool { return !o.Portable })
	portable.Retention, portable.Automated, portable.Withheld = []PackRetention{}, []PackDecision{}, []PackWithheld{}
	for name, doc := range map[string]any{
		"data/data.json": g.pack, "data/portable.json": &portable, "recipients.json": g.pack.Recipients, "retention.json": g.pack.Retention,
	} {
		b, err := json.MarshalIndent(doc, "", "  ")
		if err != nil {
			return nil, nil, fmt.Errorf("write %s: %w", name, err)
		}
		g.files = append(g.files, bundle.File{Name: name, Body: b})
	}
	g.files = append(g.files, bundle.File{Name: "mail/threads.mbox", Body: bundle.Mbox(g.mails)},
		bundle.File{Name: "schema/access-pack.json", Body: packSchema}, bundle.File{Name: "README.html", Body: []byte(readme)})
	raw, _, err := bundle.Make(bundle.Manifest{
		Kind: "access", Made: g.pack.Made, Facts: map[string]string{"request": string(id), "position": g.pack.Position, "pack": PackSchema},
	}, g.files, r.signer())
	return raw, g.pack, err
}

// signer signs what the desk hands out. The key comes from that of the links.
func (r *Rights) signer() ed25519.PrivateKey {
	seed := sha256.Sum256(append([]byte("privacy bundles 1\x00"), r.cfg.Key...))
	return ed25519.NewKeyFromSeed(seed[:])
}

// PublicKey is what bundles of this desk are checked with.
func (r *Rights) PublicKey() ed25519.PublicKey { return r.signer().Public().(ed25519.PublicKey) }

// gathering collects a person's segments.
type gathering struct {
	r      *Rights
	pack   *Pack
	mask   *masker
	me     events.Address
	live   map[events.KID]bool // keys of this person
	files  []bundle.File
	mails  []bundle.Message
	hidden map[string]int
	sent   int
}

func (r *Rights) gather(ctx context.Context, customer events.SubjectID) (*gathering, error) {
	head, err := r.cfg.Journal.Head(ctx)
	if err != nil {
		return nil, err
	}
	me, err := r.cfg.Contact(ctx, customer)
	if err != nil {
		return nil, err
	}
	staff, err := r.cfg.Staff(ctx)
	if err != nil {
		return nil, err
	}
	keys, err := r.cfg.Keys(ctx, customer)
	if err != nil {
		return nil, err
	}
	ledger, err := r.Ledger(ctx, customer)
	if err != nil {
		return nil, err
	}
	recipients, err := r.cfg.Recipients(ctx, customer)
	if err != nil {
		return nil, err
	}
	g := &gathering{r: r, me: me, mask: newMasker([]events.Address{me}, r.cfg.Own, staff), live: map[events.KID]bool{}, hidden: map[string]int{}}
	g.pack = &Pack{
		Schema: PackSchema, Made: r.cfg.Now().UTC().Truncate(time.Second), Position: head.String(), Controller: r.cfg.Brand,
		Person: PackPerson{string(customer), me.Name, me.Address}, Purposes: packPurposes, Recipients: recipients, Rights: yourRights,
		Messages: []PackMessage{}, Other: []PackOther{}, Consents: []PackConsent{}, Retention: []PackRetention{}, Automated: []PackDecision{}, Withheld: []PackWithheld{},
	}
	if g.pack.Recipients == nil {
		g.pack.Recipients = []Recipient{}
	}
	for _, c := range ledger.Consents {
		g.pack.Consents = append(g.pack.Consents, PackConsent{c.Purpose, c.Channel, c.Live, c.Since.UTC(), c.Method})
	}
	slices.SortFunc(g.pack.Consents, func(a, b PackConsent) int { return strings.Compare(a.Purpose, b.Purpose) })
	var streams []events.Stream
	for _, k := range keys {
		kept := PackRetention{Segment: string(k.KID), Category: string(k.Category), Class: string(k.Class), Held: k.Holds > 0}
		if !k.Expires.IsZero() {
			until := k.Expires.UTC()
			kept.Until = &until
		}
		g.live[k.KID] = true
		g.pack.Retention = append(g.pack.Retention, kept)
		if !slices.Contains(streams, k.Stream) {
			streams = append(streams, k.Stream)
		}
	}
	if err := g.streams(ctx, streams); err != nil {
		return nil, err
	}
	slices.SortFunc(g.pack.Messages, func(a, b PackMessage) int { return a.At.Compare(b.At) })
	slices.SortFunc(g.mails, func(a, b bundle.Message) int { return a.At.Compare(b.At) })
	if g.sent > 0 {
		relay := r.cfg.Relay()
		relay.Times = g.sent
		g.pack.Recipients = append(g.pack.Recipients, relay)
	}
	for what, n := range g.hidden {
		g.pack.Withheld = append(g.pack.Withheld, PackWithheld{What: what, N: n, Reason: "not readable: " + what})
	}
	if g.mask.count > 0 {
		g.pack.Withheld = append(g.pack.Withheld, PackWithheld{"passages of other persons, names of staff", g.mask.count, "GDPR 15(4)"})
	}
	return g, nil
}

// streams reads what was said in which of a person's streams. Everybody who is named
// in one of their messages is masked in all of them, so the names come first.
func (g *gathering) streams(ctx context.Context, names []events.Stream) error {
	var all [][]events.Recorded
	for _, s := range names {
		history, err := g.r.cfg.Journal.Load(ctx, s, &officer)
		if err != nil {
			return err
		}
		for _, rec := range history {
			switch e := rec.Event.(type) {
			case events.DeliveryAccepted:
				g.sent++
			case events.InquiryReceived:
				l := e.Letter.Value()
				g.mask = g.mask.with(l.To, l.Cc, l.ReplyTo)
			case events.ReplyWritten:
				g.mask = g.mask.with(e.Envelope.Value().To, e.Envelope.Value().Cc)
			}
		}
		all = append(all, history)
	}
	for _, history := range all {
		for _, rec := range history {
			if err := g.event(ctx, rec); err != nil {
				return fmt.Errorf("event %s: %w", rec.ID, err)
			}
		}
	}
	return nil
}

// event puts what an event holds of the person into the copy.
func (g *gathering) event(ctx context.Context, rec events.Recorded) error {
	_, _, segs, err := events.Split(rec.Event)
	if err != nil {
		return err
	}
	plain := map[string][]byte{}
	for _, s := range segs {
		plain[s.Field] = s.Plain
	}
	name := strings.TrimPrefix(rec.Type, events.TypePrefix)
	for _, ref := range rec.Meta.Segments {
		if !g.live[ref.KID] {
			continue
		}
		if plain[ref.Field] == nil {
			g.hidden["restricted or damaged"]++
			continue
		}
		msg, is, err := g.message(ctx, rec, ref)
		if err != nil {
			return err
		}
		if is {
			msg.Event, msg.Segment = name, string(ref.KID)
			g.pack.Messages = append(g.pack.Messages, msg)
			continue
		}
		var content any
		if err := json.Unmarshal(plain[ref.Field], &content); err != nil {
			return fmt.Errorf("segment %s: malformed", ref.Field)
		}
		g.pack.Other = append(g.pack.Other, PackOther{
			Event: name, Field: ref.Field, At: rec.Meta.At, Segment: string(ref.KID), Content: g.masked(content), Portable: name == "InquiryReceived" || name == "ContactRectified",
		})
	}
	return nil
}

// masked masks every text in a document.
func (g *gathering) masked(v any) any {
	switch x := v.(type) {
	case string:
		return g.mask.text(x)
	case []any:
		for i := range x {
			x[i] = g.masked(x[i])
		}
	case map[string]any:
		for k := range x {
			x[k] = g.masked(x[k])
		}
	}
	return v
}

// message reads a segment that is a message.
func (g *gathering) message(ctx context.Context, rec events.Recorded, ref events.SegmentRef) (PackMessage, bool, error) {
	m := PackMessage{ID: rec.ID.String(), At: rec.Meta.At, To: []string{}, Files: []PackFile{}}
	switch e := rec.Event.(type) {
	case events.InquiryReceived:
		if ref.Field != "Letter" {
			return m, false, nil
		}
		return g.inquiry(ctx, m, e)
	case events.ReplyWritten:
		if ref.Field == "Envelope" {
			return m, false, nil
		}
		env, mask := e.Envelope.Value(), g.mask.with()
		m.Direction, m.From, m.To = "to_you", g.r.cfg.Brand, mask.addresses(slices.Concat(env.To, env.Cc))
		m.Subject, m.Text = mask.words(env.Subject), mask.text(e.Answer.Value().Text)
		return g.done(m, mask, e.MessageID, nil)
	case events.NoteAdded:
		mask := g.mask.with()
		m.Direction, m.From, m.Text = "about_you", maskedStaff, mask.text(e.Note.Value().Text)
		m.Masked, g.mask.count = mask.count-g.mask.count, mask.count
		return m, true, nil
	case events.LetterWritten:
		mask := g.mask.with()
		l := e.Letter.Value()
		m.Direction, m.From, m.To = "to_you", g.r.cfg.Brand, mask.addresses([]events.Address{l.To})
		m.Subject, m.Text = mask.words(l.Subject), mask.text(l.Text)
		return g.done(m, mask, e.MessageID, nil)
	}
	return m, false, nil
}

func (g *gathering) inquiry(ctx context.Context, m PackMessage, e events.InquiryReceived) (PackMessage, bool, error) {
	l := e.Letter.Value()
	mask := g.mask.with()
	m.ID, m.Direction, m.At, m.Portable = string(e.Inquiry), "from_you", e.ArrivedAt, true
	m.From, m.To = g.me.Address, mask.addresses(slices.Concat(l.To, l.Cc))
	m.Subject, m.Text = mask.words(l.Subject), mask.text(l.Text)
	g.pack.Automated = append(g.pack.Automated, PackDecision{At: m.At, What: "class of mail: " + string(e.Class), Rule: e.ClassRule})
	var raw []byte
	var files []bundle.File
	for i, a := range l.Attachments {
		body, err := g.file(ctx, e, a, &raw)
		if err != nil {
			g.hidden["file that could not be read"]++
			continue
		}
		p := fmt.Sprintf("attachments/%s-%02d-%s", m.ID[:min(12, len(m.ID))], i+1, safeName(a.Name))
		sum := sha256.Sum256(body)
		m.Files = append(m.Files, PackFile{a.Name, p, a.Type, int64(len(body)), hex.EncodeToString(sum[:])})
		g.files = append(g.files, bundle.File{Name: p, Body: body})
		files = append(files, bundle.File{Name: a.Name, Body: body})
	}
	return g.done(m, mask, l.MessageID, files)
}

// file reads one file of an inquiry: a blob of its own, or a part of the raw mail.
func (g *gathering) file(ctx context.Context, e events.InquiryReceived, a events.Attachment, raw *[]byte) ([]byte, error) {
	open := func(b events.Blob) ([]byte, error) {
		body, state, err := g.r.cfg.OpenBlob(ctx, officer, b)
		if err == nil && state != events.Plain {
			err = fmt.Errorf("the file is %s", state)
		}
		return body, err
	}
	if a.File > 0 && a.File <= len(e.Files) {
		return open(e.Files[a.File-1])
	}
	if *raw == nil {
		b, err := open(e.Raw)
		if err != nil {
			return nil, err
		}
		*raw = b
	}
	return g.r.cfg.Part(*raw, a)
}

// done puts a message into the mailbox file as well.
func (g *gathering) done(m PackMessage, mask *masker, messageID string, files []bundle.File) (PackMessage, bool, error) {
	m.Masked = mask.count - g.mask.count
	g.mask.count = mask.count
	from, to := mail.Address{Name: g.r.cfg.Brand, Address: "us@" + houseDomain}, mail.Address{Name: g.me.Name, Address: g.me.Address}
	if m.Direction == "from_you" {
		from, to = to, from
	}
	raw, err := bundle.Compose(bundle.Mail{From: from, To: to, Subject: m.Subject, Date: m.At, MessageID: messageID, Text: m.Text, Files: files})
	if err != nil {
		return m, false, err
	}
	g.mails = append(g.mails, bundle.Message{From: from.Address, At: m.At, Raw: raw})
	return m, true, nil
}

// houseDomain stands for the house's address where none is known (RFC 2606).
const houseDomain = "house.invalid"

// safeName leaves of a file's name what every system takes.
func safeName(name string) string {
	name = path.Base(strings.ReplaceAll(name, "\\", "/"))
	var b bytes.Buffer
	for _, r := range name {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' && b.Len() > 0 || r == '-' || r == '_' {
			b.WriteRune(r)
		} else {
			b.WriteByte('_')
		}
	}
	if s := b.String(); s != "" && len(s) <= 80 {
		return s
	}
	return "file" + path.Ext(b.String()[:min(b.Len(), 8)])
}

const readme = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Your data</title>
<h1>Your data</h1>
<p>This archive holds everything we keep about you, as it is on the day it was made.</p>
<ul>
<li><b>data/data.json</b>: all of it, with purposes, recipients and how long each part is kept. schema/access-pack.json describes the format.</li>
<li><b>data/portable.json</b>: what you gave us yourself, to take to somebody else (GDPR article 20).</li>
<li><b>mail/threads.mbox</b>: the messages, for any mail program. <b>attachments/</b>: the files you sent.</li>
<li><b>recipients.json</b>: who was given your data. <b>retention.json</b>: until when each part is kept.</li>
<li><b>manifest.json</b>, <b>manifest.sig</b>: list of the files and its signature.</li>
</ul>
<p>Passages that belong to other persons, and names of our staff, are left out (GDPR article 15(4)).</p></html>
`
