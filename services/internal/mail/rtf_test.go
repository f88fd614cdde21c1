package mail_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/westshore/hub/services/internal/mail"
)

// compressed is the first example of [MS-OXRTFCP] section 4.1.1, and crossed the
// second: a reference that crosses the end of what is written.
var (
	compressed = []byte("\x2d\x00\x00\x00\x2b\x00\x00\x00\x4c\x5a\x46\x75\xf1\xc5\xc7\xa7\x03\x00\x0a\x00\x72\x63\x70\x67\x31\x32\x35\x42\x32\x0a\xf3\x20\x68\x65\x6c\x09\x00\x20\x62\x77\x05\xb0\x6c\x64\x7d\x0a\x80\x0f\xa0")
	crossed    = []byte("\x1a\x00\x00\x00\x1c\x00\x00\x00\x4c\x5a\x46\x75\xe2\xd4\x4b\x51\x41\x00\x04\x20\x57\x58\x59\x5a\x0d\x6e\x7d\x01\x0e\xb0")
)

// winmail is a mail whose only content is a winmail.dat with an RTF body.
func winmail(rtf []byte) string {
	le := binary.LittleEndian
	props := le.AppendUint32(nil, 1)
	props = append(le.AppendUint32(props, 0x10090102), 1, 0, 0, 0)
	props = append(le.AppendUint32(props, uint32(len(rtf))), rtf...)
	props = append(props, make([]byte, (4-len(rtf)%4)%4)...)
	b := append(le.AppendUint32(nil, 0x223e9f78), 1, 0)
	b = le.AppendUint32(append(b, 1), 0x00069003)
	b = append(append(le.AppendUint32(b, uint32(len(props))), props...), 0, 0)
	return "From: a@b.example\r\nContent-Type: application/ms-tnef; name=winmail.dat\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.StdEncoding.EncodeToString(b) + "\r\n"
}

func stored(rtf string) []byte {
	b := make([]byte, 16, 16+len(rtf))
	binary.LittleEndian.PutUint32(b, uint32(len(rtf)+12))
	binary.LittleEndian.PutUint32(b[4:], uint32(len(rtf)))
	copy(b[8:], "MELA")
	return append(b, rtf...)
}

// MAIL I25: a body that Outlook sends as compressed RTF alone is read.
func TestRTFBody(t *testing.T) {
	for name, c := range map[string]struct {
		rtf  []byte
		want string
	}{
		"example 1 of the specification": {compressed, "hello world\n"},
		"example 2, not RTF at all":      {crossed, "WXYZWXYZWXYZWXYZWXYZ"},
		"not compressed":                 {stored(`{\rtf1\ansi one\par two\tab three\line}`), "one\ntwo\tthree\n"},
		"character sets":                 {stored(`{\rtf1\ansi\ansicpg1251 \'cf\'f0\'e8\'e2\'e5\'f2 {\uc1\u26085?\u26412?}\u-10179?\u-8704?\emdash}`), "Привет 日本😀—"},
		"what is no text":                {stored(`{\rtf1{\fonttbl{\f0 Arial;}}{\colortbl;\red0;}{\*\generator x;}{\info{\author Eve}}{\pict\bin5 a}b}{}x{\b y}\{z\}}`), "xy{z}"},
		"HTML inside":                    {stored(`{\rtf1\ansi\fromhtml1 {\*\htmltag64 <p>}Hello{\*\htmltag84 <br>}\htmlrtf \line\htmlrtf0 there}`), "Hello\nthere"},
		"cut in a reference":             {compressed[:len(compressed)-6], "hello"},
		"an unknown compression":         {append(append([]byte{}, compressed[:8]...), make([]byte, 40)...), ""},
		"too short":                      {compressed[:10], ""},
	} {
		t.Run(name, func(t *testing.T) {
			raw := winmail(c.rtf)
			m := parse(raw)
			checkMessage(t, []byte(raw), m)
			if diff := cmp.Diff(strings.TrimSpace(c.want), strings.TrimSpace(m.Text)); diff != "" && !strings.HasPrefix(m.Text, c.want) {
				t.Error(diff)
			}
			if len(m.Attachments) != 1 || m.Attachments[0].Name != "winmail.dat" {
				t.Errorf("the container is not kept: %+v", m.Attachments)
			}
		})
	}
}

// MAIL I13: a reference of two bytes becomes at most seventeen, and no more than
// the bound whatever the size says.
func TestRTFBombs(t *testing.T) {
	bomb := append([]byte("\xff\xff\xff\x7f\xff\xff\xff\x7fLZFu\x00\x00\x00\x00"), bytes.Repeat([]byte("\xff\x00\x0f\x00\x0f\x00\x0f\x00\x0f\x00\x0f\x00\x0f\x00\x0f\x00\x0f"), 200_000)...)
	deep := stored(strings.Repeat("{", 500_000) + "x" + strings.Repeat(`{\*`, 200_000) + strings.Repeat(`\uc10\u1`, 100_000))
	for _, rtf := range [][]byte{bomb, deep} {
		raw := winmail(rtf)
		m := parse(raw)
		checkMessage(t, []byte(raw), m)
		if len(m.Text) > mail.DefaultMaxText {
			t.Errorf("%d bytes of text", len(m.Text))
		}
	}
}
