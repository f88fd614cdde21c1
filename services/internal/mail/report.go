package mail

import (
	"regexp"
	"strings"
)

// Bounce is a delivery report (RFC 3464), or what could be read from one that
// follows no standard (I30). Nothing in it is proof: act only on a token.
type Bounce struct {
	// Standard says that a machine-readable report was found.
	Standard bool
	// ReportingMTA is the server that wrote the report, without type.
	ReportingMTA string
	// EnvelopeID is the ENVID of our submission (RFC 3461).
	EnvelopeID string
	// MessageID is the bare id of the returned message, "" when it is not named.
	MessageID string
	// Recipients holds one entry per recipient.
	Recipients []BounceRecipient
}

// BounceRecipient is what happened to one recipient.
type BounceRecipient struct {
	// Original is the address we sent to where the report gives it, Final the
	// address that failed. Both are bare.
	Original, Final string
	// Action is failed, delayed, delivered, relayed or expanded (RFC 3464
	// section 2.3.3), "" in a report without standard.
	Action string
	// Status is the enhanced status code "5.1.1" (RFC 3463), "" when unknown.
	Status string
	// Diagnostic is the server's own words, without type, at most 1,000 bytes.
	Diagnostic string
}

// Complaint is an abuse report (ARF, RFC 5965).
type Complaint struct {
	// Type is the Feedback-Type: abuse, fraud, not-spam, …
	Type string
	// Recipient is the person who complained where the report says so, Sender the
	// envelope sender of the reported mail (our VERP address), both bare.
	Recipient, Sender string
	// MessageID is the bare id of the reported mail.
	MessageID string
}

// Receipt is a disposition notification (RFC 8098).
type Receipt struct {
	// MessageID is the bare id of the mail it is about, Recipient who read it.
	MessageID, Recipient string
	// Disposition is the last word: displayed, deleted, …
	Disposition string
}

// readReports looks for machine-readable reports anywhere in the tree.
func (p *parser) readReports() {
	p.m.ReportType = strings.ToLower(p.root.ct.raw("report-type"))
	returned := ""
	p.eachLeaf(p.root, func(n *node) {
		switch n.typ {
		case "message/delivery-status", "message/global-delivery-status":
			p.readDSN(n)
		case "message/feedback-report":
			p.readARF(n)
		case "message/disposition-notification", "message/global-disposition-notification":
			p.readMDN(n)
		case "message/rfc822", "message/global", "text/rfc822-headers", "message/rfc822-headers", "message/global-headers":
			if returned == "" {
				returned = p.returnedID(n)
			}
			p.enclosed(n)
		}
	})
	if b := p.m.Bounce; b != nil {
		b.MessageID = returned
	}
	if c := p.m.Complaint; c != nil && c.MessageID == "" {
		c.MessageID = returned
	}
	p.looseBounce(returned)
}

func (p *parser) eachLeaf(n *node, f func(*node)) {
	if len(n.children) == 0 {
		f(n)
	}
	for _, c := range n.children {
		p.eachLeaf(c, f)
	}
}

// groups reads the field groups of a report, separated by empty lines.
func (p *parser) groups(n *node) []Header {
	src := p.work[n.off:min(n.end, n.off+maxReport)]
	if n.enc != EncodingNone {
		src = DecodePart(src, n.enc)
	}
	src = src[:len(src):len(src)]
	var out []Header
	for i := 0; i < len(src) && len(out) <= maxRecipients; {
		if src[i] == '\n' || src[i] == '\r' {
			i++
			continue
		}
		h, next := readHeader(src, i, func(string) {})
		if h.Len() > 0 {
			out = append(out, h)
		}
		if next <= i {
			_, next = line(src, i)
		}
		i = next
	}
	return out
}

func (p *parser) readDSN(n *node) {
	b := p.m.Bounce
	if b == nil {
		b = &Bounce{Standard: true}
		p.m.Bounce = b
	}
	for _, h := range p.groups(n) {
		if h.Has("Reporting-MTA") || h.Has("Original-Envelope-Id") {
			b.ReportingMTA = typed(h.First("Reporting-MTA"))
			b.EnvelopeID = cutBytes(h.First("Original-Envelope-Id"), 200)
		}
		if !h.Has("Final-Recipient") && !h.Has("Original-Recipient") && !h.Has("Action") || len(b.Recipients) >= maxRecipients {
			continue
		}
		action, _, _ := strings.Cut(strings.ToLower(h.First("Action")), " ")
		b.Recipients = append(b.Recipients, BounceRecipient{
			Original: bareAddress(typed(h.First("Original-Recipient"))), Final: bareAddress(typed(h.First("Final-Recipient"))),
			Action: action, Status: statusCode(h.First("Status")), Diagnostic: cutBytes(typed(h.First("Diagnostic-Code")), 1000),
		})
	}
}

func (p *parser) readARF(n *node) {
	c := &Complaint{}
	for _, h := range p.groups(n) {
		if t := strings.ToLower(h.First("Feedback-Type")); t != "" && c.Type == "" {
			c.Type = t
		}
		if c.Recipient == "" {
			c.Recipient = bareAddress(h.First("Original-Rcpt-To"))
		}
		if c.Sender == "" {
			c.Sender = bareAddress(h.First("Original-Mail-From"))
		}
	}
	p.m.Complaint = c
}

func (p *parser) readMDN(n *node) {
	r := &Receipt{}
	for _, h := range p.groups(n) {
		if ids := ParseIDs(h.First("Original-Message-ID")); len(ids) > 0 {
			r.MessageID = ids[0]
		}
		if v := h.First("Final-Recipient"); v != "" {
			r.Recipient = bareAddress(typed(v))
		}
		if v := h.First("Disposition"); v != "" {
			_, d, _ := strings.Cut(v, ";")
			r.Disposition = strings.ToLower(strings.TrimSpace(d))
		}
	}
	p.m.Receipt = r
}

// enclosed notes the head of the first attached mail (I40).
func (p *parser) enclosed(n *node) {
	if p.m.Enclosed != nil || n.typ != "message/rfc822" && n.typ != "message/global" {
		return
	}
	src := p.work[n.off:min(n.end, n.off+maxReport)]
	if n.enc != EncodingNone {
		src = DecodePart(src, n.enc)
	}
	h, _ := readHeader(src, 0, func(string) {})
	if h.Len() == 0 {
		return
	}
	e := &Enclosed{From: parseAddresses(h.rawFirst("From"), func(string) {}), Subject: h.First("Subject")}
	if ids, _ := parseIDs(h.rawFirst("Message-ID")); len(ids) > 0 {
		e.MessageID = ids[0]
	}
	e.Date, _, _ = ParseDate(string(h.rawFirst("Date")))
	p.m.Enclosed = e
}

// returnedID is the Message-ID of a returned message or its headers.
func (p *parser) returnedID(n *node) string {
	src := p.work[n.off:min(n.end, n.off+maxReport)]
	if n.enc != EncodingNone {
		src = DecodePart(src, n.enc)
	}
	h, _ := readHeader(src, 0, func(string) {})
	if ids, _ := parseIDs(h.rawFirst("Message-ID")); len(ids) > 0 {
		return ids[0]
	}
	return ""
}

var (
	statusRE   = regexp.MustCompile(`\b[245]\.\d{1,3}\.\d{1,3}\b`)
	textIDRE   = regexp.MustCompile(`(?im)^[>\s]*message-id:\s*(<[^<>\s]{3,900}>)`)
	textRcptRE = regexp.MustCompile(`<([^<>\s@]{1,64}@[^<>\s@]{1,255})>`)
)

// looseBounce reads what it can from a bounce that carries no report: the
// failed recipients of a header field, or the text.
func (p *parser) looseBounce(returned string) {
	m := p.m
	if m.Bounce != nil || m.Complaint != nil || m.Receipt != nil {
		return
	}
	failed := ParseAddresses(strings.Join(m.Header.All("X-Failed-Recipients"), ","))
	if len(failed) == 0 && bounceSigns(m) < 2 {
		return
	}
	text := cutBytes(m.Text, maxQuoteScan)
	b := &Bounce{MessageID: returned}
	if b.MessageID == "" {
		if s := textIDRE.FindStringSubmatch(text); s != nil {
			b.MessageID = strings.Trim(s[1], "<>")
		}
	}
	status := statusRE.FindString(text)
	if len(failed) == 0 {
		if s := textRcptRE.FindStringSubmatch(text); s != nil {
			failed = []Address{{Address: s[1]}}
		}
	}
	for _, a := range failed[:min(len(failed), maxRecipients)] {
		b.Recipients = append(b.Recipients, BounceRecipient{Final: a.Address, Status: status})
	}
	m.Bounce = b
}

// typed drops the type before the semicolon: "rfc822; a@b".
func typed(s string) string {
	if t, v, ok := strings.Cut(s, ";"); ok && len(t) < 30 {
		return strings.TrimSpace(v)
	}
	return strings.TrimSpace(s)
}

func bareAddress(s string) string {
	if a := ParseAddresses(cutBytes(s, 1000)); len(a) > 0 {
		return a[0].Address
	}
	return ""
}

func statusCode(s string) string { return statusRE.FindString(cutBytes(s, 200)) }
