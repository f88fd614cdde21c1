package mail

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"
)

// Parse reads one raw message. It never fails and never panics: an internal
// error gives a message whose only content is the raw mail as a file, with the
// warning WarnPanic. Attachments refer to raw, which must not change while they
// are in use.
func Parse(raw []byte, opt Options) (m *Message) {
	defer func() {
		if recover() != nil {
			m = opaque(raw, opt)
		}
	}()
	p := newParser(raw, opt)
	p.run()
	return p.m
}

// opaque is the message for a mail that the parser could not survive.
func opaque(raw []byte, opt Options) *Message {
	sum := sha256.Sum256(raw)
	return &Message{
		QuoteFrom: -1, Date: opt.InternalDate, DateSource: DateUnknown,
		Warnings: []string{WarnPanic},
		Attachments: []Attachment{{
			Name: "message.eml", Type: "message/rfc822", Declared: "message/rfc822",
			Size: int64(len(raw)), SHA256: hex.EncodeToString(sum[:]), Length: len(raw),
		}},
	}
}

// parser holds one parse. raw is the mail as it came; work has the same length
// and offsets and differs only in line ends (I14, CR alone).
type parser struct {
	raw, work []byte
	opt       Options
	m         *Message
	parts     int
	root      *node
	inside    int // containers this one is in
}

func newParser(raw []byte, opt Options) *parser {
	if opt.MaxText <= 0 {
		opt.MaxText = DefaultMaxText
	}
	if opt.MaxHTML <= 0 {
		opt.MaxHTML = DefaultMaxHTML
	}
	if opt.Now.IsZero() {
		opt.Now = opt.InternalDate
	}
	return &parser{raw: raw, work: raw, opt: opt, m: &Message{QuoteFrom: -1, DateSource: DateUnknown}}
}

func (p *parser) warn(code string) {
	if !slices.Contains(p.m.Warnings, code) {
		p.m.Warnings = append(p.m.Warnings, code)
	}
}

func (p *parser) run() {
	start := p.repairStart()
	if start >= len(p.work) {
		p.warn(WarnEmpty)
	}
	p.root = p.readNode(start, len(p.work), 0, nil, "text/plain")
	p.m.Header = p.root.header
	if p.root.header.Len() == 0 {
		p.warn(WarnNoHeader)
	}
	p.readFields()
	p.m.ContentType = p.root.typ
	p.readBody()
	p.readReports()
	p.m.QuoteFrom = QuoteFrom(p.m.Text)
	p.m.Auth = readAuth(p.m.Header, p.opt.AuthServIDs, p.m.From)
}

// repairStart applies the repairs of I14 that come before the header and gives
// its offset.
func (p *parser) repairStart() int {
	if bytes.IndexByte(p.work, '\n') < 0 && bytes.IndexByte(p.work, '\r') >= 0 {
		p.warn(WarnCROnly)
		p.work = bytes.ReplaceAll(p.work, []byte{'\r'}, []byte{'\n'})
	}
	b := p.work
	start := 0
	if bytes.HasPrefix(b, []byte("\xef\xbb\xbf")) {
		p.warn(WarnBOM)
		start = 3
	}
	for start < len(b) {
		end, next := line(b, start)
		if len(bytes.TrimSpace(b[start:end])) > 0 {
			break
		}
		p.warn(WarnLeadingBlank)
		start = next
	}
	return start
}

// readFields fills everything that comes from the outermost header.
func (p *parser) readFields() {
	h, m := p.m.Header, p.m
	for _, f := range h.fields {
		if len(f.value) > maxFieldBytes && !f.is("References") {
			p.warn(WarnFieldSize)
			break
		}
	}
	m.Subject = squeezeSubject(p.header("Subject"))
	m.From = p.authors()
	m.Sender = p.addresses("Sender")
	m.ReplyTo = p.addresses("Reply-To")
	m.To = p.addresses("To")
	m.Cc = p.addresses("Cc")
	m.DeliveredTo = p.deliveredTo()
	if len(m.ReplyTo) > 0 && len(m.From) > 0 && m.ReplyTo[0].Domain() != m.From[0].Domain() {
		p.warn(WarnReplyToDomain)
	}
	p.readIDs()
	p.readDate()
	for _, name := range []string{"Subject", "Date", "To", "Cc", "In-Reply-To", "References", "Content-Type"} {
		if h.count(name) > 1 {
			p.warn(WarnDuplicateHeader)
		}
	}
}

// header decodes the first field of that name and remembers a guess.
func (p *parser) header(name string) string {
	f := p.m.Header.find(name)
	if f == nil {
		return ""
	}
	s, guessed := decodeHeader(f.value)
	if guessed {
		p.guessed()
	}
	return s
}

func (p *parser) guessed() {
	p.m.CharsetGuessed = true
	p.warn(WarnCharsetGuessed)
}

func squeezeSubject(s string) string { return strings.TrimSpace(strings.ReplaceAll(s, "\t", " ")) }

// addresses joins the addresses of all fields of that name.
func (p *parser) addresses(name string) []Address {
	var out []Address
	for i := range p.m.Header.fields {
		if f := &p.m.Header.fields[i]; f.is(name) {
			out = append(out, parseAddresses(f.value, p.warn)...)
			if len(out) > maxAddresses {
				p.warn(WarnAddressLimit)
				return out[:maxAddresses]
			}
		}
	}
	return out
}

// authors reads From: the first complete address is the sender, the others
// follow (I22).
func (p *parser) authors() []Address {
	from := p.addresses("From")
	if len(from) > 1 {
		p.warn(WarnManyFrom)
		if i := slices.IndexFunc(from, func(a Address) bool { return strings.Contains(a.Address, "@") }); i > 0 {
			first := from[i]
			copy(from[1:i+1], from[:i])
			from[0] = first
		}
	}
	if len(from) == 0 || from[0].Address == "" {
		p.warn(WarnNoFrom)
	}
	if len(from) > 0 {
		a := from[0]
		if at := strings.IndexByte(a.Name, '@'); at > 0 && strings.Contains(a.Name[at:], ".") && !strings.Contains(Key(a.Name), Key(a.Address)) {
			p.warn(WarnNameSpoof)
		}
		if mixedScript(a.Address) {
			p.warn(WarnMixedScript)
		}
	}
	return from
}

// deliveredTo collects our real recipient (I23).
func (p *parser) deliveredTo() []string {
	var out []string
	for _, name := range []string{"Delivered-To", "X-Original-To", "X-Delivered-To", "Envelope-To", "X-Envelope-To", "X-Forwarded-To"} {
		for i := range p.m.Header.fields {
			f := &p.m.Header.fields[i]
			if !f.is(name) || len(out) >= 50 {
				continue
			}
			for _, a := range parseAddresses(f.value, p.warn) {
				if a.Address != "" && !slices.Contains(out, a.Address) && len(out) < 50 {
					out = append(out, a.Address)
				}
			}
		}
	}
	return out
}

func (p *parser) readIDs() {
	m := p.m
	for i := range m.Header.fields {
		f := &m.Header.fields[i]
		switch {
		case f.is("Message-ID"):
			ids := p.ids(f.value)
			if len(ids) > 0 && m.MessageID == "" {
				m.MessageID = ids[0]
			} else if len(ids) > 0 && ids[0] != m.MessageID {
				p.warn(WarnManyMessageID)
			}
		case f.is("In-Reply-To"):
			m.InReplyTo = append(m.InReplyTo, p.ids(f.value)...)
		case f.is("References"):
			m.References = append(m.References, p.ids(f.value)...)
		}
	}
	m.InReplyTo = p.limitIDs(m.InReplyTo)
	m.References = p.limitIDs(m.References)
	if m.MessageID == "" {
		p.warn(WarnNoMessageID)
	}
}

func (p *parser) ids(raw []byte) []string {
	ids, cut := parseIDs(raw)
	if cut {
		p.warn(WarnIDLimit)
	}
	return ids
}

// limitIDs keeps the first and the last ones: the thread's root and its end.
func (p *parser) limitIDs(ids []string) []string {
	if len(ids) <= maxIDs {
		return ids
	}
	p.warn(WarnIDLimit)
	return append(ids[:1:1], ids[len(ids)-maxIDs+1:]...)
}

// readDate finds the date (I21): the field, the topmost Received, the server.
func (p *parser) readDate() {
	m := p.m
	if v := m.Header.rawFirst("Date"); v != nil {
		if t, zone, ok := ParseDate(string(v)); ok {
			m.Date, m.DateSource = t, DateFromHeader
			if !zone {
				p.warn(WarnDateNoZone)
			}
		}
	}
	if m.DateSource == DateUnknown {
		p.warn(WarnNoDate)
		if v := m.Header.rawFirst("Received"); v != nil {
			if i := bytes.LastIndexByte(v, ';'); i >= 0 {
				if t, _, ok := ParseDate(string(v[i+1:])); ok {
					m.Date, m.DateSource = t, DateFromReceived
				}
			}
		}
	}
	if m.DateSource == DateUnknown && !p.opt.InternalDate.IsZero() {
		m.Date, m.DateSource = p.opt.InternalDate, DateFromInternal
	}
	if m.DateSource == DateUnknown {
		return
	}
	if !p.opt.Now.IsZero() && m.Date.After(p.opt.Now.Add(24*time.Hour)) {
		p.warn(WarnDateFuture)
	}
	if m.Date.Year() < 1990 {
		p.warn(WarnDateAncient)
	}
}
