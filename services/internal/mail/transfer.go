package mail

import (
	"bytes"
	"encoding/base64"
	"strconv"
	"strings"
)

// The transfer encodings of Attachment.Encoding. Anything else is identity.
//
// A file inside a container (winmail.dat, signed S/MIME, uuencoded text) has a
// path of steps instead, applied from left to right and separated by "/": an
// encoding, "pkcs7" for the content of signed data, or "120+4000" for a range of
// what the step before gave: "base64/pkcs7/120+4000/base64".
const (
	EncodingNone   = ""
	EncodingBase64 = "base64"
	EncodingQP     = "quoted-printable"
	EncodingUU     = "uuencode"

	stepPKCS7 = "pkcs7"
	maxSteps  = 16
)

// DecodePart gives the content of a part from its encoded bytes, the range
// raw[Offset:Offset+Length] of an Attachment. It never fails: foreign signs are
// skipped and missing padding is accepted (I18).
func DecodePart(encoded []byte, encoding string) []byte {
	if strings.IndexByte(encoding, '/') >= 0 {
		return decodeSteps(encoded, encoding)
	}
	if encoding == EncodingNone {
		return bytes.Clone(encoded)
	}
	out := make([]byte, 0, len(encoded)*3/4+16)
	decodeTo(encoding, encoded, func(b []byte) { out = append(out, b...) })
	return out
}

func decodeSteps(b []byte, path string) []byte {
	for i, step := range strings.SplitN(path, "/", maxSteps+1) {
		off, length, isRange := strings.Cut(step, "+")
		switch {
		case i == maxSteps:
			return nil
		case isRange:
			from, err1 := strconv.Atoi(off)
			n, err2 := strconv.Atoi(length)
			if err1 != nil || err2 != nil || from < 0 || n < 0 || from > len(b) || n > len(b)-from {
				return nil
			}
			b = b[from : from+n]
		case step == stepPKCS7:
			b, _ = signedContent(b)
		case step != EncodingNone:
			b = DecodePart(b, step)
		}
	}
	return bytes.Clone(b)
}

// lift describes a file that an inner reader found in what a container held: its
// range is that of the container, and the way to it goes through path.
func (a Attachment) lift(n *node, path string) Attachment {
	a.Encoding = n.enc + "/" + path + strconv.Itoa(a.Offset) + "+" + strconv.Itoa(a.Length) + "/" + a.Encoding
	a.Offset, a.Length = n.off, n.end-n.off
	return a
}

// normalEncoding names a Content-Transfer-Encoding; known is false for one that
// RFC 2045 and habit do not know.
func normalEncoding(v string) (enc string, known bool) {
	v = strings.ToLower(strings.Trim(v, " \t\"';,."))
	if i := strings.IndexAny(v, " \t;("); i > 0 {
		v = v[:i]
	}
	switch v {
	case "base64", "base-64", "b64", "x-base64":
		return EncodingBase64, true
	case "quoted-printable", "quoted_printable", "quotedprintable", "quoted-printible", "qp":
		return EncodingQP, true
	case "x-uuencode", "x-uue", "uuencode", "uue":
		return EncodingUU, true
	case "", "7bit", "8bit", "binary", "7-bit", "8-bit", "7bits", "8bits", "none", "us-ascii", "ascii", "utf-8", "plain":
		return EncodingNone, true
	}
	return EncodingNone, false
}

// chunk is how many decoded bytes are held at a time.
const chunk = 32 << 10

// decodeTo decodes src and hands the content to emit in pieces that are valid
// during the call only. It reports whether the encoding was damaged.
func decodeTo(encoding string, src []byte, emit func([]byte)) (damaged bool) {
	switch encoding {
	case EncodingBase64:
		return decodeBase64(src, emit)
	case EncodingQP:
		return decodeQP(src, emit)
	case EncodingUU:
		return decodeUU(src, emit)
	}
	if len(src) > 0 {
		emit(src)
	}
	return false
}

// base64Value maps a sign to its value: 0–63, 64 for white space, 65 for "=",
// 66 for anything foreign. "-" and "_" of the URL alphabet are accepted.
var base64Value = func() (t [256]byte) {
	for i := range t {
		t[i] = 66
	}
	for i, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") {
		t[c] = byte(i)
	}
	t['-'], t['_'] = 62, 63
	t[' '], t['\t'], t['\r'], t['\n'] = 64, 64, 64, 64
	t['='] = 65
	return t
}()

// base64State carries bits between pieces of base64.
type base64State struct {
	acc     uint32
	n       int // sextets in acc, 0–3
	damaged bool
}

// slow decodes sign by sign.
func (s *base64State) slow(dst, src []byte) []byte {
	for _, c := range src {
		v := base64Value[c]
		if v < 64 {
			s.acc = s.acc<<6 | uint32(v)
			if s.n++; s.n == 4 {
				dst = append(dst, byte(s.acc>>16), byte(s.acc>>8), byte(s.acc))
				s.acc, s.n = 0, 0
			}
			continue
		}
		switch v {
		case 65:
			dst = s.finish(dst)
		case 66:
			s.damaged = true
		}
	}
	return dst
}

// finish writes the bytes of an incomplete group.
func (s *base64State) finish(dst []byte) []byte {
	switch s.n {
	case 1:
		s.damaged = true
	case 2:
		dst = append(dst, byte(s.acc>>4))
	case 3:
		dst = append(dst, byte(s.acc>>10), byte(s.acc>>2))
	}
	s.acc, s.n = 0, 0
	return dst
}

func appendBase64(dst, src []byte) []byte {
	var s base64State
	dst = s.slow(dst, src)
	return s.finish(dst)
}

// decodeBase64 decodes whole clean lines with the standard library and falls
// back to the tolerant loop for every other line.
func decodeBase64(src []byte, emit func([]byte)) bool {
	var s base64State
	buf := make([]byte, 0, chunk)
	for i := 0; i < len(src); {
		end, next := line(src, i)
		for end-i > chunk { // a file on one line
			buf = s.slow(buf, src[i:i+chunk])
			i += chunk
			emit(buf)
			buf = buf[:0]
		}
		l := src[i:end]
		i = next
		if len(buf)+len(l) > chunk {
			emit(buf)
			buf = buf[:0]
		}
		if s.n == 0 && len(l)%4 == 0 && len(l) > 0 && l[len(l)-1] != '=' {
			n, err := base64.StdEncoding.Decode(buf[len(buf):cap(buf)], l)
			if err == nil && n == len(l)/4*3 {
				buf = buf[:len(buf)+n]
				continue
			}
		}
		buf = s.slow(buf, l)
	}
	buf = s.finish(buf)
	if len(buf) > 0 {
		emit(buf)
	}
	return s.damaged
}

// decodeQP decodes quoted-printable line by line (RFC 2045 section 6.7). A "="
// that begins no escape stays as it is.
func decodeQP(src []byte, emit func([]byte)) (damaged bool) {
	buf := make([]byte, 0, min(chunk, len(src)+2))
	for i := 0; i < len(src); {
		// A line is looked for within one chunk, or one endless line would be
		// searched again for each of its pieces.
		end, next := line(src[:min(len(src), i+chunk+2)], i)
		if end-i > chunk {
			end, next = i+chunk, i+chunk
			for k := 0; k < 2 && src[end-1-k] != '='; k++ {
				if src[end-2-k] == '=' { // do not cut an escape
					end -= k + 2
					next = end
					break
				}
			}
			if src[end-1] == '=' {
				end--
				next = end
			}
		}
		if len(buf)+next-i > chunk {
			emit(buf)
			buf = buf[:0]
		}
		var bad bool
		buf, bad = appendQPLine(buf, src[i:end], src[end:next])
		damaged = damaged || bad
		i = next
	}
	if len(buf) > 0 {
		emit(buf)
	}
	return damaged
}

// appendQPLine decodes one line and its line end.
func appendQPLine(dst, l, eol []byte) (out []byte, damaged bool) {
	if len(eol) > 0 {
		l = bytes.TrimRight(l, " \t")
	}
	for {
		j := bytes.IndexByte(l, '=')
		if j < 0 {
			return append(append(dst, l...), eol...), damaged
		}
		dst = append(dst, l[:j]...)
		l = l[j:]
		switch {
		case len(l) == 1: // soft line break
			return dst, damaged
		case len(l) >= 3 && isHex(l[1]) && isHex(l[2]):
			dst = append(dst, unhex(l[1])<<4|unhex(l[2]))
			l = l[3:]
		case l[1] == '\r': // soft line break of a file with CR alone
			l = l[2:]
		default:
			damaged = true
			dst = append(dst, '=')
			l = l[1:]
		}
	}
}

// decodeUU decodes uuencode; the begin and end lines are optional.
func decodeUU(src []byte, emit func([]byte)) (damaged bool) {
	buf := make([]byte, 0, chunk)
	for i := 0; i < len(src); {
		end, next := line(src, i)
		l := src[i:end]
		i = next
		if len(l) == 0 || bytes.HasPrefix(l, []byte("begin ")) {
			continue
		}
		if bytes.Equal(l, []byte("end")) {
			break
		}
		n := int(l[0]-' ') & 63
		if len(buf)+64 > chunk {
			emit(buf)
			buf = buf[:0]
		}
		want := len(buf) + n
		for l = l[1:]; len(l) > 0 && len(buf) < want; l = l[min(4, len(l)):] {
			var q [4]byte
			for k := range q {
				if k < len(l) {
					q[k] = (l[k] - ' ') & 63
				}
			}
			buf = append(buf, q[0]<<2|q[1]>>4, q[1]<<4|q[2]>>2, q[2]<<6|q[3])
		}
		damaged = damaged || len(buf) < want
		buf = buf[:min(len(buf), want)]
	}
	if len(buf) > 0 {
		emit(buf)
	}
	return damaged
}
