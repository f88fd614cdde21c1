package mail

import (
	"bytes"
	"strings"
	"time"
)

// Calendar is what an invitation says (RFC 5545, RFC 6047), for people to read.
// Nothing is ever answered by itself.
type Calendar struct {
	// Method is REQUEST, CANCEL, REPLY, …, upper case.
	Method string
	// Summary, Location and Organizer are as written; Organizer is a bare
	// address where it is one.
	Summary, Location, Organizer string
	// Start and End are "2026-03-02 10:00" with the zone as the invitation names
	// it ("UTC", "Europe/Berlin", or nothing), or a date alone.
	Start, End string
}

// maxCalendar bounds how much of an invitation is read.
const maxCalendar = 64 << 10

// readCalendar notes the first event of the first calendar part.
func (p *parser) readCalendar(n *node) {
	if p.m.Calendar != nil {
		return
	}
	src := p.raw[n.off:min(n.end, n.off+2*maxCalendar)]
	b := DecodePart(src, n.enc)
	s, _ := decodeDeclared(b[:min(len(b), maxCalendar)], n.ct.raw("charset"))
	cal := &Calendar{Method: strings.ToUpper(cutBytes(n.ct.raw("method"), 20))}
	inEvent := false
	for _, l := range calendarLines([]byte(s)) {
		name, params, value := calendarField(l)
		switch name {
		case "BEGIN":
			inEvent = inEvent || strings.EqualFold(value, "VEVENT")
		case "END":
			if strings.EqualFold(value, "VEVENT") {
				p.m.Calendar = cal
				return
			}
		case "METHOD":
			cal.Method = strings.ToUpper(cutBytes(value, 20))
		}
		if inEvent {
			cal.field(name, params, value)
		}
	}
	if inEvent {
		p.m.Calendar = cal
	}
}

func (c *Calendar) field(name, params, value string) {
	switch name {
	case "SUMMARY":
		c.Summary = calendarText(value)
	case "LOCATION":
		c.Location = calendarText(value)
	case "ORGANIZER":
		c.Organizer = strings.TrimPrefix(strings.TrimPrefix(cutBytes(value, 300), "mailto:"), "MAILTO:")
	case "DTSTART":
		c.Start = calendarTime(params, value)
	case "DTEND":
		c.End = calendarTime(params, value)
	}
}

// calendarLines unfolds content lines (RFC 5545 section 3.1).
func calendarLines(b []byte) []string {
	b = bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n"))
	b = bytes.ReplaceAll(b, []byte("\n "), nil)
	b = bytes.ReplaceAll(b, []byte("\n\t"), nil)
	return strings.Split(string(b), "\n")
}

// calendarField splits "NAME;PARAM=x:value" at the first colon outside quotes.
func calendarField(l string) (name, params, value string) {
	quoted := false
	for i := range len(l) {
		switch {
		case l[i] == '"':
			quoted = !quoted
		case l[i] == ':' && !quoted:
			name, params, _ = strings.Cut(l[:i], ";")
			return strings.ToUpper(name), params, strings.TrimSpace(l[i+1:])
		}
	}
	return "", "", ""
}

var calendarEscapes = strings.NewReplacer(`\n`, " ", `\N`, " ", `\,`, ",", `\;`, ";", `\\`, `\`)

func calendarText(s string) string {
	return squeeze(cleanLine(calendarEscapes.Replace(cutBytes(s, 500))))
}

func calendarTime(params, value string) string {
	for _, layout := range []string{"20060102T150405Z", "20060102T150405", "20060102"} {
		t, err := time.Parse(layout, value)
		if err != nil {
			continue
		}
		if layout == "20060102" {
			return t.Format("2006-01-02")
		}
		zone := ""
		if layout[len(layout)-1] == 'Z' {
			zone = " UTC"
		}
		for p := range strings.SplitSeq(params, ";") {
			if k, v, ok := strings.Cut(p, "="); ok && strings.EqualFold(k, "TZID") {
				zone = " " + cleanLine(cutBytes(strings.Trim(v, `"`), 60))
			}
		}
		return t.Format("2006-01-02 15:04") + zone
	}
	return cleanLine(cutBytes(value, 40))
}

// Text is the invitation in a few lines.
func (c *Calendar) Text() string {
	var b strings.Builder
	for _, f := range [][2]string{{"Invitation", c.Summary}, {"From", c.Start}, {"Until", c.End}, {"Where", c.Location}, {"Organizer", c.Organizer}} {
		if f[1] != "" {
			b.WriteString(f[0] + ": " + f[1] + "\n")
		}
	}
	return b.String()
}
