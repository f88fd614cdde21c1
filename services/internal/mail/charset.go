package mail

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/wlynxg/chardet"
	"golang.org/x/net/html/charset"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode/utf32"
)

// replacement is what unreadable bytes become.
const replacement = "\uFFFD"

// chardetMin is the length from which statistics beat windows-1252.
const chardetMin = 100

// textDecoder turns the bytes of one text part into a string, following I17.
type textDecoder struct {
	warn    func(string)
	guessed *bool
}

// decode reads b in the declared character set ("" when none was declared).
func (d textDecoder) decode(b []byte, declared string) string {
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	s, guessed, unknown := decodeCharset(b, normalCharset(declared))
	if unknown {
		d.warn(WarnCharset)
	}
	if declared != "" && normalCharset(declared) == "utf-7" {
		d.warn(WarnUTF7)
	}
	if guessed {
		*d.guessed = true
		d.warn(WarnCharsetGuessed)
	}
	if strings.Contains(s, replacement) {
		d.warn(WarnCharsetDamaged)
	}
	return s
}

// decodeDeclared is decodeCharset for headers and parameters.
func decodeDeclared(b []byte, declared string) (s string, guessed bool) {
	s, guessed, unknown := decodeCharset(b, normalCharset(declared))
	return s, guessed || unknown
}

// decodeCharset converts b from the named character set, which must be
// normalised. The result is valid UTF-8.
func decodeCharset(b []byte, cs string) (s string, guessed, unknown bool) {
	if isASCII(b) && !stateful(cs) && bytes.IndexByte(b, 0x1b) < 0 {
		return string(b), false, false
	}
	switch cs {
	case "utf-8":
		if utf8.Valid(b) {
			return string(b), false, false
		}
		return repairUTF8(b)
	case "", "us-ascii":
		if utf8.Valid(b) && bytes.IndexByte(b, 0x1b) < 0 {
			return string(b), cs == "", false
		}
		return guessText(b), true, false
	case "utf-7":
		return decodeUTF7(b), false, false
	case "iso-2022-kr":
		b, cs = shiftKorean(b), "euc-kr"
	}
	enc := lookupCharset(cs)
	if enc == nil {
		return guessText(b), true, true
	}
	out, err := enc.NewDecoder().Bytes(b)
	if err != nil || !utf8.Valid(out) {
		out = bytes.ToValidUTF8(out, []byte(replacement))
	}
	if bytes.Contains(out, []byte(replacement)) {
		return secondThought(b, string(out))
	}
	return string(out), false, false
}

// secondThought is for text that its declared character set cannot explain:
// valid UTF-8 is UTF-8, and a guess without damage beats damage.
func secondThought(b []byte, s string) (string, bool, bool) {
	if utf8.Valid(b) && !isASCII(b) {
		return string(b), true, false
	}
	if len(b) >= chardetMin && !isASCII(b) {
		if g, ok := detect(b); ok && strings.Count(g, replacement)*10 < strings.Count(s, replacement) {
			return g, true, false
		}
	}
	return s, false, false
}

// repairUTF8 reads damaged UTF-8: with some valid multi-byte characters it is
// damaged, with none it is something else.
func repairUTF8(b []byte) (string, bool, bool) {
	good, bad := 0, 0
	for i := 0; i < len(b); {
		if b[i] < utf8.RuneSelf {
			i++
			continue
		}
		_, n := utf8.DecodeRune(b[i:])
		if n == 1 {
			bad++
		} else {
			good++
		}
		i += n
	}
	if good < bad {
		return guessText(b), true, false
	}
	return strings.ToValidUTF8(string(b), replacement), false, false
}

// guessText reads bytes nobody declared: UTF-8 if valid, ISO-2022-JP by its
// escapes, statistics where there is enough text, else windows-1252.
func guessText(b []byte) string {
	if bytes.Contains(b, []byte("\x1b$")) || bytes.Contains(b, []byte("\x1b(J")) {
		if out, err := lookupCharset("iso-2022-jp").NewDecoder().Bytes(b); err == nil && !bytes.Contains(out, []byte(replacement)) {
			return string(out)
		}
	}
	if utf8.Valid(b) {
		return string(b)
	}
	if len(b) >= chardetMin {
		if s, ok := detect(b); ok {
			return s
		}
	}
	out, _ := charmap.Windows1252.NewDecoder().Bytes(b)
	return string(out)
}

// detect asks the statistics and takes an answer only when it reads the text
// without loss.
func detect(b []byte) (s string, ok bool) {
	defer func() {
		if recover() != nil {
			s, ok = "", false
		}
	}()
	r := chardet.Detect(sample(b))
	if r.Encoding == "" || r.Confidence < 0.4 {
		return "", false
	}
	enc := lookupCharset(normalCharset(r.Encoding))
	if enc == nil {
		return "", false
	}
	out, err := enc.NewDecoder().Bytes(b)
	if err != nil || !utf8.Valid(out) || bytes.Count(out, []byte(replacement))*200 > len(b) {
		return "", false
	}
	return string(out), true
}

// sample is the first 4 KiB of the lines that hold 8-bit bytes.
func sample(b []byte) []byte {
	const limit = 4 << 10
	if len(b) <= limit {
		return b
	}
	out := make([]byte, 0, limit)
	for i := 0; i < len(b) && len(out) < limit; {
		end, next := line(b, i)
		if l := b[i:min(end, i+limit-len(out))]; !isASCII(l) {
			out = append(append(out, l...), '\n')
		}
		i = next
	}
	return out
}

func stateful(cs string) bool {
	return cs == "utf-7" || strings.HasPrefix(cs, "iso-2022") || strings.HasPrefix(cs, "utf-16") || strings.HasPrefix(cs, "utf-32") || cs == "hz-gb-2312"
}

// normalCharset gives the labels found in mail one spelling each.
func normalCharset(label string) string {
	label = strings.ToLower(strings.Trim(label, " \t\"'<>;,="))
	label = strings.TrimPrefix(label, "charset=")
	if i := strings.IndexAny(label, " \t;,"); i > 0 {
		label = label[:i]
	}
	if s, ok := charsetAliases[label]; ok {
		return s
	}
	if strings.HasPrefix(label, "gb") && label != "gb_1988-80" {
		return "gb18030"
	}
	return label
}

var charsetAliases = map[string]string{
	"utf8": "utf-8", "utf_8": "utf-8", "utf-8": "utf-8", "unicode-1-1-utf-8": "utf-8", "x-utf-8": "utf-8", "utf8mb4": "utf-8",
	"ascii": "us-ascii", "us-ascii": "us-ascii", "usascii": "us-ascii", "us_ascii": "us-ascii", "ansi_x3.4-1968": "us-ascii",
	"iso646-us": "us-ascii", "iso_646.irv:1991": "us-ascii", "7bit": "us-ascii", "8bit": "", "unknown": "", "unknown-8bit": "",
	"x-unknown": "", "default": "", "default_charset": "", "none": "", "binary": "",
	"utf7": "utf-7", "unicode-1-1-utf-7": "utf-7", "utf-7": "utf-7", "csunicode11utf7": "utf-7", "unicode-2-0-utf-7": "utf-7",
	"iso-2022-jp-1": "iso-2022-jp", "iso-2022-jp-2": "iso-2022-jp", "iso-2022-jp-3": "iso-2022-jp", "iso-2022-jp-ms": "iso-2022-jp",
	"cp50220": "iso-2022-jp", "cp50221": "iso-2022-jp", "cp50222": "iso-2022-jp", "csiso2022jp": "iso-2022-jp", "jis": "iso-2022-jp",
	"sjis": "shift_jis", "x-sjis": "shift_jis", "shift-jis": "shift_jis", "cp932": "shift_jis", "ms932": "shift_jis", "windows-31j": "shift_jis", "ms_kanji": "shift_jis",
	"ks_c_5601": "euc-kr", "ks_c_5601-1987": "euc-kr", "cp949": "euc-kr", "uhc": "euc-kr", "ms949": "euc-kr", "x-windows-949": "euc-kr", "johab": "euc-kr",
	"cp936": "gb18030", "x-gbk": "gb18030", "ms936": "gb18030", "chinese": "gb18030", "hz": "hz-gb-2312", "hz-gb-2312": "hz-gb-2312",
	"cp950": "big5", "big5-eten": "big5", "x-big5": "big5",
	"latin1": "windows-1252", "latin-1": "windows-1252", "iso8859-1": "windows-1252", "iso_8859-1": "windows-1252", "ansi": "windows-1252", "x-ansi": "windows-1252",
	"iso-8859-8-i": "windows-1255", "iso-8859-8": "windows-1255", "iso-8859-6": "windows-1256",
	"cp850": "ibm850", "ibm-850": "ibm850", "cp-850": "ibm850", "cp437": "ibm437", "ibm-437": "ibm437", "cp852": "ibm852", "cp858": "ibm858",
	"cp1250": "windows-1250", "cp1251": "windows-1251", "cp1252": "windows-1252", "cp1253": "windows-1253", "cp1254": "windows-1254",
	"cp1255": "windows-1255", "cp1256": "windows-1256", "cp1257": "windows-1257", "cp1258": "windows-1258", "win-1251": "windows-1251",
	"win-1252": "windows-1252", "windows1251": "windows-1251", "windows1252": "windows-1252", "windows-874": "windows-874", "tis620": "windows-874",
	"maccyrillic": "x-mac-cyrillic", "macroman": "macintosh", "unicode": "utf-16", "ucs-2": "utf-16", "ucs-4": "utf-32", "utf-32le": "utf-32", "utf-32be": "utf-32",
	"iso-2022-kr": "iso-2022-kr", "csiso2022kr": "iso-2022-kr", "viscii": "windows-1258", "koi8": "koi8-r", "koi8-ru": "koi8-u",
}

var extraCharsets = map[string]encoding.Encoding{
	"hz-gb-2312": simplifiedchinese.HZGB2312, "ibm850": charmap.CodePage850, "ibm437": charmap.CodePage437,
	"ibm852": charmap.CodePage852, "ibm858": charmap.CodePage858, "utf-32": utf32.UTF32(utf32.LittleEndian, utf32.UseBOM),
}

// lookupCharset finds the decoder for a normalised label, nil when unknown.
func lookupCharset(cs string) encoding.Encoding {
	if e, ok := extraCharsets[cs]; ok {
		return e
	}
	e, err := htmlindex.Get(cs)
	if err != nil || e == encoding.Replacement {
		return nil
	}
	return e
}

// htmlCharset is the character set an HTML document declares for itself in its
// first KiB, "" when it declares none.
func htmlCharset(b []byte) string {
	head := b[:min(len(b), 1024)]
	if !bytes.Contains(bytes.ToLower(head), []byte("charset")) {
		return ""
	}
	_, name, _ := charset.DetermineEncoding(head, "")
	if name == "windows-1252" && !bytes.Contains(bytes.ToLower(head), []byte("1252")) && !bytes.Contains(bytes.ToLower(head), []byte("8859-1")) {
		return ""
	}
	return name
}

func isASCII(b []byte) bool {
	for len(b) >= 8 {
		if b[0]|b[1]|b[2]|b[3]|b[4]|b[5]|b[6]|b[7] >= 0x80 {
			return false
		}
		b = b[8:]
	}
	for _, c := range b {
		if c >= 0x80 {
			return false
		}
	}
	return true
}
