package mail

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// Address is one mailbox of an address field. Both parts are decoded and as the
// sender wrote them; Address may lack a domain ("MAILER-DAEMON") and is "" for
// a name alone.
type Address struct {
	Name    string
	Address string
}

// Key is the form of the address for comparison, see Key.
func (a Address) Key() string { return Key(a.Address) }

// Domain is the domain of the address in A-labels and lower case, "" when it
// has none.
func (a Address) Domain() string {
	_, d := splitAddress(a.Address)
	return asciiDomain(d)
}

// Key brings an address to the form in which two spellings of one mailbox are
// equal: NFC, lower case, the domain as A-labels (RFC 5891), no trailing dot.
func Key(address string) string {
	local, domain := splitAddress(strings.TrimSpace(address))
	local = strings.ToLower(norm.NFC.String(local))
	if domain == "" {
		return local
	}
	return local + "@" + asciiDomain(domain)
}

func asciiDomain(d string) string {
	d = strings.TrimSuffix(strings.ToLower(norm.NFC.String(d)), ".")
	if isASCII([]byte(d)) {
		return d
	}
	if a, err := idna.Lookup.ToASCII(d); err == nil {
		return a
	}
	return d
}

// splitAddress cuts at the last "@".
func splitAddress(a string) (local, domain string) {
	if i := strings.LastIndexByte(a, '@'); i >= 0 {
		return a[:i], a[i+1:]
	}
	return a, ""
}

// ParseAddresses reads an address list as it stands in a header field, decoded
// or not (I22). It never fails; what holds neither name nor address is left out.
func ParseAddresses(s string) []Address {
	return parseAddresses([]byte(s), func(string) {})
}

// parseAddresses splits before it decodes, so that a comma inside an encoded
// word or a quoted string separates nothing.
func parseAddresses(raw []byte, warn func(string)) []Address {
	if len(raw) > maxFieldBytes {
		warn(WarnFieldSize)
	}
	p := addressParser{v: unfold(raw)}
	for p.i < len(p.v) {
		if len(p.out) >= maxAddresses {
			warn(WarnAddressLimit)
			break
		}
		p.step()
	}
	p.end()
	return p.out
}

// addressParser reads one list in one pass. phrase collects what may be a
// display name or a bare address, angle what stands between < and >.
type addressParser struct {
	v        []byte
	i        int
	out      []Address
	phrase   []byte
	comment  []byte
	angle    []byte
	hasAngle bool
	nameEnd  int  // length of phrase before the angle bracket
	quoted   bool // the phrase holds a quoted string
	group    bool
}

func (p *addressParser) step() {
	c := p.v[p.i]
	switch c {
	case ',':
		p.end()
		p.i++
	case ';':
		p.end()
		p.group = false
		p.i++
	case ':':
		p.colon()
	case '"':
		s, next := quotedPhrase(p.v, p.i+1)
		if next < len(p.v) && p.v[next] == '@' { // quoted local part
			p.phrase = append(p.phrase, p.v[p.i:next]...)
		} else {
			p.phrase = append(p.phrase, s...)
			p.quoted = true
		}
		p.i = next
	case '(':
		p.i = p.readComment(p.i)
	case '<':
		p.readAngle()
	case '=':
		if n := atomicWord(p.v[p.i:]); n > 0 {
			p.phrase = append(p.phrase, p.v[p.i:p.i+n]...)
			p.i += n
			return
		}
		fallthrough
	default:
		p.phrase = append(p.phrase, c)
		p.i++
	}
}

// colon begins a group, unless it belongs to a domain literal or a name.
func (p *addressParser) colon() {
	p.i++
	if p.hasAngle || bytes.IndexByte(p.phrase, '[') >= 0 || bytes.IndexByte(p.phrase, '@') >= 0 || p.group {
		p.phrase = append(p.phrase, ':')
		return
	}
	p.phrase, p.comment, p.quoted = p.phrase[:0], p.comment[:0], false
	p.group = true
}

func (p *addressParser) readComment(i int) int {
	depth := 0
	for ; i < len(p.v); i++ {
		switch p.v[i] {
		case '(':
			if depth++; depth == 1 {
				continue
			}
		case ')':
			if depth--; depth == 0 {
				return i + 1
			}
		case '\\':
			if i+1 < len(p.v) {
				i++
			}
		}
		p.comment = append(p.comment, p.v[i])
	}
	return i
}

func (p *addressParser) readAngle() {
	if p.hasAngle { // "A <a@x> B <b@x>": the comma is missing
		next := bytes.Clone(p.phrase[p.nameEnd:])
		p.phrase = p.phrase[:p.nameEnd]
		p.end()
		p.phrase = append(p.phrase, next...)
	}
	p.nameEnd = len(p.phrase)
	rest := p.v[p.i+1:]
	n := bytes.IndexByte(rest, '>')
	if n < 0 {
		if n = bytes.IndexByte(rest, ','); n < 0 {
			n = len(rest)
		}
		p.angle, p.i = rest[:n], p.i+1+n
	} else {
		p.angle, p.i = rest[:n], p.i+1+n+1
	}
	p.hasAngle = true
}

// end finishes one entry.
func (p *addressParser) end() {
	a, ok := p.entry()
	if ok {
		p.out = append(p.out, a)
	}
	p.phrase, p.comment, p.angle = p.phrase[:0], p.comment[:0], nil
	p.hasAngle, p.quoted = false, false
}

func (p *addressParser) entry() (Address, bool) {
	if p.hasAngle {
		a := Address{Name: phraseText(p.phrase), Address: cleanAddress(p.angle)}
		if a.Name == "" && len(p.comment) > 0 {
			a.Name = phraseText(p.comment)
		}
		if a.Address == "" && !p.quoted && bytes.IndexByte(p.phrase, '@') >= 0 { // "a@x <>"
			a = Address{Address: cleanAddress(p.phrase)}
		}
		return a, a.Name != "" || a.Address != ""
	}
	phrase := bytes.TrimSpace(p.phrase)
	if len(phrase) == 0 {
		return Address{}, false
	}
	if at := bytes.LastIndexByte(phrase, '@'); at > 0 {
		name, addr := splitBare(phrase, at)
		if name == "" {
			name = phraseText(p.comment)
		}
		return Address{Name: name, Address: addr}, true
	}
	if !bytes.ContainsAny(phrase, " \t") && !p.quoted && !bytes.Contains(phrase, []byte("=?")) {
		return Address{Name: phraseText(p.comment), Address: cleanAddress(phrase)}, true
	}
	return Address{Name: phraseText(phrase)}, true
}

// splitBare separates "Name user@host" written without angle brackets.
func splitBare(phrase []byte, at int) (name, addr string) {
	if phrase[0] == '"' {
		return "", cleanAddress(phrase)
	}
	start := bytes.LastIndexAny(phrase[:at], " \t") + 1
	end := len(phrase)
	if n := bytes.IndexAny(phrase[at:], " \t"); n > 0 {
		end = at + n
	}
	if start == at || end == at+1 { // "user @ host"
		return "", cleanAddress(phrase)
	}
	return phraseText(phrase[:start]), cleanAddress(phrase[start:end])
}

func phraseText(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	s, _ := decodeHeader(b)
	s = squeeze(s)
	if len(s) >= 2 && (s[0] == '"' && s[len(s)-1] == '"' || s[0] == '\'' && s[len(s)-1] == '\'') {
		s = strings.TrimSpace(s[1 : len(s)-1])
	}
	return s
}

// cleanAddress removes a source route, white space and quotes around the whole.
func cleanAddress(b []byte) string {
	b = bytes.TrimSpace(b)
	if len(b) > 0 && b[0] == '@' { // route: @a,@b:user@host
		if i := bytes.IndexByte(b, ':'); i > 0 {
			b = b[i+1:]
		}
	}
	if i := bytes.IndexByte(b, '('); i >= 0 && (len(b) == 0 || b[0] != '"') {
		b = stripComments(b)
	}
	b = bytes.TrimPrefix(bytes.TrimSpace(b), []byte("mailto:"))
	if bytes.Contains(b, []byte("=?")) {
		s, _ := decodeHeader(b)
		b = []byte(s)
	}
	if !utf8.Valid(b) {
		s := guessText(b)
		b = []byte(s)
	}
	if len(b) > 2 && (b[0] == '\'' && b[len(b)-1] == '\'' || b[0] == '<') {
		b = bytes.Trim(b, "'<>")
	}
	quoted := len(b) > 0 && b[0] == '"'
	s := strings.Map(func(r rune) rune {
		if isControl(r) || unicode.IsSpace(r) && !quoted {
			return -1
		}
		return r
	}, string(b))
	if quoted {
		s = unquoteLocal(s)
	}
	return norm.NFC.String(strings.TrimSuffix(s, "."))
}

// unquoteLocal drops the quotes of a local part that does not need them.
func unquoteLocal(s string) string {
	end := strings.LastIndexByte(s, '"')
	if end <= 0 {
		return s
	}
	inner := s[1:end]
	if inner == "" || strings.ContainsAny(inner, " \"\\(),:;<>@[]\t") || strings.HasPrefix(inner, ".") || strings.HasSuffix(inner, ".") || strings.Contains(inner, "..") {
		return s
	}
	return inner + s[end+1:]
}

// atomicWord is the length of an encoded word at the start of v, so that a raw
// comma inside it separates nothing; 0 when there is none.
func atomicWord(v []byte) int {
	if len(v) < 2 || v[1] != '?' {
		return 0
	}
	_, _, body, end, _ := parseWord(v[:min(len(v), 1000)], 0)
	if end == 0 || bytes.ContainsAny(body, "<>@") {
		return 0
	}
	return end
}

func quotedPhrase(v []byte, i int) ([]byte, int) {
	var out []byte
	for ; i < len(v) && v[i] != '"'; i++ {
		if v[i] == '\\' && i+1 < len(v) {
			i++
		}
		out = append(out, v[i])
	}
	return out, min(i+1, len(v))
}

// mixedScript reports whether the letters of an address come from more than one
// of the scripts that are confused with each other.
func mixedScript(s string) bool {
	if isASCII([]byte(s)) {
		return false
	}
	local, domain := splitAddress(s)
	for _, label := range append(strings.Split(domain, "."), local) {
		latin, other := false, false
		for _, r := range label {
			switch {
			case unicode.Is(unicode.Latin, r):
				latin = true
			case unicode.In(r, unicode.Cyrillic, unicode.Greek, unicode.Armenian, unicode.Cherokee):
				other = true
			}
		}
		if latin && other {
			return true
		}
	}
	return false
}
