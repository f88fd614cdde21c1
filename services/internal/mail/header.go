package mail

import (
	"bytes"
	"strings"
)

// Header is one header block: every field in the order of the mail, as it came.
type Header struct {
	fields []field
}

type field struct {
	name  string // as written
	value []byte // raw, still folded, without the final line end
}

// First is the decoded value of the first field of that name, "" when there is
// none. Names are compared without regard to case.
func (h Header) First(name string) string {
	if f := h.find(name); f != nil {
		s, _ := decodeHeader(f.value)
		return s
	}
	return ""
}

// All are the decoded values of all fields of that name, in order.
func (h Header) All(name string) []string {
	var out []string
	for i := range h.fields {
		if h.fields[i].is(name) {
			s, _ := decodeHeader(h.fields[i].value)
			out = append(out, s)
		}
	}
	return out
}

// Raw are the values of all fields of that name as they came, unfolded but not
// decoded; they may hold any bytes.
func (h Header) Raw(name string) []string {
	var out []string
	for i := range h.fields {
		if h.fields[i].is(name) {
			out = append(out, string(unfold(h.fields[i].value)))
		}
	}
	return out
}

// Has reports whether a field of that name exists.
func (h Header) Has(name string) bool { return h.find(name) != nil }

// Len is the number of fields.
func (h Header) Len() int { return len(h.fields) }

// Names are the field names as written, in order, with repetitions.
func (h Header) Names() []string {
	out := make([]string, len(h.fields))
	for i := range h.fields {
		out[i] = h.fields[i].name
	}
	return out
}

func (f *field) is(name string) bool {
	return len(f.name) == len(name) && strings.EqualFold(f.name, name)
}

func (h Header) find(name string) *field {
	for i := range h.fields {
		if h.fields[i].is(name) {
			return &h.fields[i]
		}
	}
	return nil
}

// rawFirst is the unfolded first value, nil when there is none.
func (h Header) rawFirst(name string) []byte {
	if f := h.find(name); f != nil {
		return unfold(f.value)
	}
	return nil
}

func (h Header) count(name string) int {
	n := 0
	for i := range h.fields {
		if h.fields[i].is(name) {
			n++
		}
	}
	return n
}

// unfold removes line ends from a raw value and cuts it to the field limit. The
// result may share memory with its argument.
func unfold(v []byte) []byte {
	if len(v) > maxFieldBytes {
		v = v[:maxFieldBytes]
	}
	v = bytes.TrimSpace(v)
	if bytes.IndexByte(v, '\n') < 0 && bytes.IndexByte(v, '\r') < 0 {
		return v
	}
	out := make([]byte, 0, len(v))
	for _, c := range v {
		if c != '\r' && c != '\n' {
			out = append(out, c)
		}
	}
	return out
}

// line is one line of b from i: its end without line break and the start of the
// next line.
func line(b []byte, i int) (end, next int) {
	n := bytes.IndexByte(b[i:], '\n')
	if n < 0 {
		return len(b), len(b)
	}
	end, next = i+n, i+n+1
	if end > i && b[end-1] == '\r' {
		end--
	}
	return end, next
}

// headerReader splits one header block with the repairs of I14.
type headerReader struct {
	b      []byte
	warn   func(string)
	fields []field
	junk   [][]byte
	start  int // of the block
}

// readHeader reads the header of b[start:] and gives the offset of the body.
func readHeader(b []byte, start int, warn func(string)) (Header, int) {
	// The capacity must end with b: extend finds offsets by it.
	r := &headerReader{b: b[:len(b):len(b)], warn: warn, start: start}
	body := r.run()
	for _, j := range r.junk {
		r.fields = append(r.fields, field{name: "X-Hub-Junk", value: j})
	}
	return Header{fields: r.fields}, body
}

func (r *headerReader) run() int {
	b := r.b
	if n := countFields(b[r.start:]); n > 4 {
		r.fields = make([]field, 0, n)
	}
	for i := r.start; i < len(b); {
		end, next := line(b, i)
		if i-r.start > maxHeaderBytes {
			r.warn(WarnHeaderLimit)
			return skipHeader(b, i)
		}
		text := b[i:end]
		switch kind := r.kind(text, next); kind {
		case lineEnd:
			return next
		case lineBody:
			return i
		case lineFold:
			last := &r.fields[len(r.fields)-1]
			last.value = extend(b, last.value, end)
		case lineField, lineIndented:
			if kind == lineIndented {
				r.warn(WarnIndented)
				text = bytes.TrimLeft(text, " \t")
			}
			r.add(text)
		case lineJunk:
			r.warn(WarnJunkLine)
			if len(r.junk) < 20 {
				r.junk = append(r.junk, text)
			}
		case lineSkip:
		}
		i = next
	}
	return len(b)
}

// extend grows a value that is a slice of b up to the offset end of b. Both must
// end their capacity at the end of b.
func extend(b, value []byte, end int) []byte {
	off := cap(b) - cap(value)
	return b[off:end:len(b)]
}

func (r *headerReader) add(text []byte) {
	colon := bytes.IndexByte(text, ':')
	if len(r.fields) >= maxFields {
		r.warn(WarnFieldLimit)
		r.fields[len(r.fields)-1] = field{name: "X-Hub-Dropped", value: text[colon+1:]}
		return
	}
	name := string(bytes.TrimRight(text[:colon], " \t"))
	r.fields = append(r.fields, field{name: name, value: text[colon+1:]})
}

type lineKind int

const (
	lineEnd      lineKind = iota // the empty line after the header
	lineBody                     // the body begins here, without an empty line
	lineField                    // name: value
	lineIndented                 // the same, indented, as the first line
	lineFold                     // continues the field before
	lineJunk                     // neither, to be kept aside
	lineSkip                     // mbox envelope line
)

func (r *headerReader) kind(text []byte, next int) lineKind {
	if len(text) == 0 {
		return lineEnd
	}
	if text[0] == ' ' || text[0] == '\t' {
		return r.indented(text, next)
	}
	if fieldName(text) > 0 {
		return lineField
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return lineEnd
	}
	if bytes.HasPrefix(text, []byte("From ")) || bytes.HasPrefix(text, []byte(">From ")) {
		// An envelope line holds a time; prose that begins so most often does not.
		if nextIsField(r.b, next) || len(r.fields) == 0 && bytes.IndexByte(text, ':') > 0 {
			r.warn(WarnMbox)
			return lineSkip
		}
	}
	if len(r.fields) == 0 {
		if nextIsField(r.b, next) && r.start == 0 {
			return lineJunk
		}
		return lineBody
	}
	if bytes.HasPrefix(text, []byte("--")) && r.isMultipart() {
		r.warn(WarnNoBlankLine)
		return lineBody
	}
	if r.unfoldedParam(text) {
		r.warn(WarnUnfolded)
		return lineFold
	}
	// Before an empty line it may be either: shown as text nothing is lost, but
	// it would damage an encoded body.
	if nextIsField(r.b, next) || r.encoded() && nextIsBlank(r.b, next) {
		return lineJunk
	}
	r.warn(WarnNoBlankLine)
	return lineBody
}

func (r *headerReader) indented(text []byte, next int) lineKind {
	if len(bytes.TrimSpace(text)) == 0 {
		// RFC 5322 section 4.2 allows white space alone inside a folded field;
		// most often it is a damaged empty line.
		if len(r.fields) > 0 && next < len(r.b) && (knownField(r.b, next) || (r.b[next] == ' ' || r.b[next] == '\t') && !nextIsBlank(r.b, next)) {
			return lineFold
		}
		return lineEnd
	}
	if len(r.fields) > 0 {
		return lineFold
	}
	if fieldName(bytes.TrimLeft(text, " \t")) > 0 {
		return lineIndented
	}
	return lineBody
}

func (r *headerReader) isMultipart() bool {
	for i := range r.fields {
		if r.fields[i].is("Content-Type") {
			v := bytes.TrimSpace(r.fields[i].value)
			return len(v) >= 10 && bytes.EqualFold(v[:10], []byte("multipart/"))
		}
	}
	return false
}

// encoded reports whether the body that follows is base64.
func (r *headerReader) encoded() bool {
	for i := range r.fields {
		if r.fields[i].is("Content-Transfer-Encoding") {
			enc, _ := normalEncoding(string(unfold(r.fields[i].value)))
			return enc == EncodingBase64
		}
	}
	return false
}

// unfoldedParam reports whether text is a parameter that lost its indentation,
// after a Content-Type or Content-Disposition.
func (r *headerReader) unfoldedParam(text []byte) bool {
	last := r.fields[len(r.fields)-1].name
	if !strings.EqualFold(last, "Content-Type") && !strings.EqualFold(last, "Content-Disposition") {
		return false
	}
	eq := bytes.IndexByte(text, '=')
	if eq <= 0 {
		return false
	}
	switch strings.ToLower(strings.TrimRight(string(text[:eq]), "*0123456789 ")) {
	case "boundary", "charset", "name", "filename", "format", "delsp", "type", "start", "report-type", "protocol", "micalg", "size", "method":
		return true
	}
	return false
}

// fieldName is the length of the field name at the start of text, or 0. White
// space between the name and the colon is tolerated (RFC 5322 section 4.5).
func fieldName(text []byte) int {
	for i, c := range text {
		if c == ':' {
			return i
		}
		if c == ' ' || c == '\t' {
			rest := bytes.TrimLeft(text[i:min(len(text), i+8)], " \t")
			if i > 0 && len(rest) > 0 && rest[0] == ':' {
				return i
			}
			return 0
		}
		if c < 33 || c > 126 || i > 200 {
			return 0
		}
	}
	return 0
}

func nextIsField(b []byte, next int) bool {
	if next >= len(b) {
		return false
	}
	end, _ := line(b, next)
	return fieldName(b[next:end]) > 0
}

func nextIsBlank(b []byte, next int) bool {
	if next >= len(b) {
		return true
	}
	end, _ := line(b[:min(len(b), next+200)], next)
	return len(bytes.TrimSpace(b[next:end])) == 0
}

// knownField reports whether a field everybody knows begins at i.
func knownField(b []byte, i int) bool {
	end, _ := line(b, i)
	n := fieldName(b[i:end])
	if n == 0 {
		return false
	}
	switch strings.ToLower(string(b[i : i+n])) {
	case "from", "to", "cc", "subject", "date", "message-id", "mime-version", "content-type", "received",
		"content-transfer-encoding", "content-disposition", "reply-to", "references", "in-reply-to", "return-path", "sender":
		return true
	}
	return false
}

// skipHeader finds the body of a header that is too long to read.
func skipHeader(b []byte, i int) int {
	for i < len(b) {
		end, next := line(b, i)
		if end == i {
			return next
		}
		i = next
	}
	return len(b)
}

// countFields guesses how many fields follow, to allocate once.
func countFields(b []byte) int {
	b = b[:min(len(b), 4096)]
	if i := bytes.Index(b, []byte("\n\r\n")); i >= 0 {
		b = b[:i]
	} else if i := bytes.Index(b, []byte("\n\n")); i >= 0 {
		b = b[:i]
	}
	return bytes.Count(b, []byte("\n")) + 4
}
