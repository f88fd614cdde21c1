package mail

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// mediaType is a parsed Content-Type or Content-Disposition.
type mediaType struct {
	value  string // lower case, without parameters
	params []param
}

type param struct {
	name  string // lower case, without the marks of RFC 2231
	value []byte // raw, unquoted
	part  int    // continuation number, -1 for the plain form
	ext   bool   // percent-encoded (RFC 2231)
}

// parseParams reads a structured value (RFC 2045 section 5.1, RFC 2231) with
// everything senders do to it: no semicolon, no closing quote, spaces in
// unquoted values, comments.
func parseParams(raw []byte, warn func(string)) mediaType {
	v := unfold(raw)
	i := bytes.IndexAny(v, "; \t(")
	if i < 0 {
		i = len(v)
	}
	mt := mediaType{value: strings.ToLower(strings.Trim(string(v[:i]), "\"'<>,"))}
	if eq := strings.IndexByte(mt.value, '='); eq >= 0 { // no type, only parameters
		mt.value, i = "", 0
	}
	for i < len(v) {
		if len(mt.params) >= maxParams {
			warn(WarnParamLimit)
			break
		}
		var p param
		p, i = nextParam(v, i)
		if p.name != "" {
			mt.params = append(mt.params, p)
		}
	}
	return mt
}

// nextParam reads one parameter at or after v[i:].
func nextParam(v []byte, i int) (param, int) {
	for i < len(v) && (v[i] == ';' || v[i] == ' ' || v[i] == '\t' || v[i] == ',') {
		i++
	}
	if i < len(v) && v[i] == '(' { // comment
		depth := 0
		for ; i < len(v); i++ {
			switch v[i] {
			case '(':
				depth++
			case ')':
				if depth--; depth == 0 {
					return param{}, i + 1
				}
			}
		}
		return param{}, i
	}
	start := i
	for i < len(v) && v[i] != '=' && v[i] != ';' {
		i++
	}
	name := strings.ToLower(strings.TrimSpace(string(v[start:i])))
	if i >= len(v) || v[i] == ';' {
		return param{}, i
	}
	i++
	for i < len(v) && (v[i] == ' ' || v[i] == '\t') {
		i++
	}
	p := param{part: -1}
	p.name, p.part, p.ext = splitParamName(name)
	if i < len(v) && v[i] == '"' {
		p.value, i = quotedString(v, i+1)
		return p, i
	}
	start = i
	for i < len(v) && v[i] != ';' {
		i++
	}
	p.value = unquotedValue(v[start:i])
	return p, i
}

// unquotedValue ends where the next parameter begins when the semicolon between
// them is missing.
func unquotedValue(v []byte) []byte {
	v = bytes.TrimSpace(v)
	if j := bytes.IndexByte(v, '('); j > 0 && v[j-1] == ' ' && v[len(v)-1] == ')' {
		v = bytes.TrimSpace(v[:j])
	}
	return bytes.Trim(v, "\"")
}

// quotedString reads to the closing quote, or to the end where it is missing.
func quotedString(v []byte, i int) ([]byte, int) {
	start := i
	for i < len(v) && v[i] != '"' && v[i] != '\\' {
		i++
	}
	if i >= len(v) || v[i] == '"' {
		return v[start:i], min(i+1, len(v))
	}
	out := append([]byte(nil), v[start:i]...)
	for ; i < len(v) && v[i] != '"'; i++ {
		// A backslash quotes only a quote or itself: Windows paths stay whole.
		if v[i] == '\\' && i+1 < len(v) && (v[i+1] == '"' || v[i+1] == '\\') {
			i++
		}
		out = append(out, v[i])
	}
	return out, min(i+1, len(v))
}

func splitParamName(name string) (base string, part int, ext bool) {
	part = -1
	if strings.HasSuffix(name, "*") {
		ext, name = true, name[:len(name)-1]
	}
	if star := strings.LastIndexByte(name, '*'); star > 0 {
		if n, err := strconv.Atoi(name[star+1:]); err == nil && n >= 0 {
			return name[:star], n, ext
		}
	}
	return name, part, ext
}

// raw is the plain value of a parameter, for ASCII values like boundary. The
// continuation form is joined.
func (mt mediaType) raw(name string) string {
	for _, p := range mt.params {
		if p.name == name && p.part < 0 && !p.ext {
			return string(p.value)
		}
	}
	return mt.extended(name)
}

// text is the decoded value of a parameter: RFC 2231 first, then the plain form
// with encoded words, which is illegal but common (I15, I16).
func (mt mediaType) text(name string) (s string, guessed bool) {
	if s := mt.extended(name); s != "" {
		return s, false
	}
	for _, p := range mt.params {
		if p.name == name && p.part < 0 && !p.ext {
			return decodeHeader(p.value)
		}
	}
	return "", false
}

// extended joins the RFC 2231 segments of a parameter, "" when there are none.
func (mt mediaType) extended(name string) string {
	var segs []param
	for _, p := range mt.params {
		if p.name != name {
			continue
		}
		if p.ext && p.part < 0 {
			return decodeExtended([]param{p})
		}
		if p.part >= 0 {
			segs = append(segs, p)
		}
	}
	if len(segs) == 0 {
		return ""
	}
	slices.SortStableFunc(segs, func(a, b param) int { return cmp.Compare(a.part, b.part) })
	return decodeExtended(segs)
}

func decodeExtended(segs []param) string {
	cs := ""
	var b []byte
	for i, p := range segs {
		v := p.value
		if i == 0 && p.ext {
			if a := bytes.IndexByte(v, '\''); a >= 0 {
				if z := bytes.IndexByte(v[a+1:], '\''); z >= 0 {
					cs, v = string(v[:a]), v[a+1+z+1:]
				}
			}
		}
		if !p.ext {
			b = append(b, v...)
			continue
		}
		for j := 0; j < len(v); j++ {
			if v[j] == '%' && j+2 < len(v) && isHex(v[j+1]) && isHex(v[j+2]) {
				b = append(b, unhex(v[j+1])<<4|unhex(v[j+2]))
				j += 2
				continue
			}
			b = append(b, v[j])
		}
	}
	if cs == "" && bytes.Contains(b, []byte("=?")) {
		s, _ := decodeHeader(b)
		return s
	}
	s, _ := decodeDeclared(b, cs)
	return cleanLine(s)
}
