package events

import (
	"bytes"
	"encoding/base64"
	"errors"
)

// errShape says that a document is not the JSON object it should be.
var errShape = errors.New("not a JSON object of the expected shape")

// SplitObject hands over the raw values of a JSON object's members (RFC 8259) in
// one pass, without decoding or checking the values: whoever uses one decodes it.
// Envelopes hold kilobytes of ciphertext, which a general decoder would go over
// four times. Keys with escapes are refused.
func SplitObject(doc []byte, member func(key, value []byte) error) error {
	p := splitter{doc: doc}
	if !p.eat('{') {
		return errShape
	}
	if p.eat('}') {
		return p.end()
	}
	for {
		key, ok := p.value()
		if !ok || len(key) < 2 || key[0] != '"' || bytes.IndexByte(key, '\\') >= 0 || !p.eat(':') {
			return errShape
		}
		value, ok := p.value()
		if !ok {
			return errShape
		}
		if err := member(key[1:len(key)-1], value); err != nil {
			return err
		}
		switch {
		case p.eat(','):
		case p.eat('}'):
			return p.end()
		default:
			return errShape
		}
	}
}

// splitter walks over a JSON document.
type splitter struct {
	doc []byte
	at  int
}

func (p *splitter) space() {
	for p.at < len(p.doc) && (p.doc[p.at] == ' ' || p.doc[p.at] == '\n' || p.doc[p.at] == '\t' || p.doc[p.at] == '\r') {
		p.at++
	}
}

func (p *splitter) eat(c byte) bool {
	p.space()
	if p.at < len(p.doc) && p.doc[p.at] == c {
		p.at++
		return true
	}
	return false
}

func (p *splitter) end() error {
	if p.space(); p.at != len(p.doc) {
		return errShape
	}
	return nil
}

// value steps over one value and returns its bytes.
func (p *splitter) value() ([]byte, bool) {
	p.space()
	from, depth := p.at, 0
	for p.at < len(p.doc) {
		switch c := p.doc[p.at]; c {
		case '"':
			if !p.text() {
				return nil, false
			}
		case '{', '[':
			depth++
			p.at++
		case '}', ']', ',':
			if depth == 0 {
				return p.doc[from:p.at], p.at > from
			}
			if c != ',' {
				depth--
			}
			p.at++
		case ':', ' ', '\n', '\t', '\r':
			if depth == 0 {
				return p.doc[from:p.at], p.at > from
			}
			p.at++
		default:
			p.at++
			continue
		}
		if depth == 0 {
			return p.doc[from:p.at], true
		}
	}
	return p.doc[from:p.at], depth == 0 && p.at > from
}

// text steps over a string.
func (p *splitter) text() bool {
	for p.at++; ; p.at++ {
		i := bytes.IndexByte(p.doc[p.at:], '"')
		if i < 0 {
			return false
		}
		end := p.at + i
		slashes := 0
		for k := end - 1; k >= p.at && p.doc[k] == '\\'; k-- {
			slashes++
		}
		if p.at = end; slashes%2 == 0 {
			p.at++
			return true
		}
	}
}

// appendBytes appends an array of base64 strings, as encoding/json prints [][]byte.
func appendBytes(out []byte, list [][]byte) []byte {
	out = append(out, '[')
	for i, b := range list {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, '"')
		out = base64.StdEncoding.AppendEncode(out, b)
		out = append(out, '"')
	}
	return append(out, ']')
}

// parseBytes reads what appendBytes printed.
func parseBytes(doc []byte) (out [][]byte, err error) {
	err = splitArray(doc, func(value []byte) error {
		b, err := base64Text(value)
		out = append(out, b)
		return err
	})
	return out, err
}

// base64Text reads a JSON string of base64 (RFC 4648 section 4); null is nil.
func base64Text(value []byte) ([]byte, error) {
	if string(value) == "null" {
		return nil, nil
	}
	if len(value) < 2 || value[0] != '"' {
		return nil, errShape
	}
	b, err := base64.StdEncoding.AppendDecode(make([]byte, 0, base64.StdEncoding.DecodedLen(len(value)-2)), value[1:len(value)-1])
	if err != nil {
		return nil, errShape
	}
	return b, nil
}

// splitArray hands over the raw values of a JSON array; null has none.
func splitArray(doc []byte, element func(value []byte) error) error {
	p := splitter{doc: doc}
	if string(doc) == "null" {
		return nil
	}
	if !p.eat('[') {
		return errShape
	}
	if p.eat(']') {
		return p.end()
	}
	for {
		value, ok := p.value()
		if !ok {
			return errShape
		}
		if err := element(value); err != nil {
			return err
		}
		switch {
		case p.eat(','):
		case p.eat(']'):
			return p.end()
		default:
			return errShape
		}
	}
}
