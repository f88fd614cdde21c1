package bundle

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"strings"
	"time"
)

// Message is one message of a mailbox file.
type Message struct {
	From string // bare address; empty: MAILER-DAEMON
	At   time.Time
	Raw  []byte // RFC 5322, with any line ends
}

// Mbox writes messages as one mailbox file (RFC 4155) in the mboxrd form: lines that
// begin with "From " after any number of ">" get one more ">", so that nothing is
// lost and nothing looks like the start of a message.
func Mbox(list []Message) []byte {
	var out bytes.Buffer
	for _, m := range list {
		from := m.From
		if from == "" || strings.ContainsAny(from, " \r\n") {
			from = "MAILER-DAEMON"
		}
		fmt.Fprintf(&out, "From %s %s\n", from, m.At.UTC().Format(time.ANSIC))
		body := bytes.TrimRight(bytes.ReplaceAll(m.Raw, []byte("\r\n"), []byte("\n")), "\n")
		for line := range bytes.Lines(body) {
			if bytes.HasPrefix(bytes.TrimLeft(line, ">"), []byte("From ")) {
				out.WriteByte('>')
			}
			out.Write(line)
		}
		out.WriteString("\n\n")
	}
	return out.Bytes()
}

// ReadMbox takes a mailbox file of Mbox apart.
func ReadMbox(b []byte) [][]byte {
	var out [][]byte
	var now *bytes.Buffer
	end := func() {
		if now != nil {
			out = append(out, bytes.TrimRight(now.Bytes(), "\n"))
		}
	}
	for line := range bytes.Lines(b) {
		if bytes.HasPrefix(line, []byte("From ")) {
			end()
			now = &bytes.Buffer{}
			continue
		}
		if now == nil {
			continue
		}
		if bytes.HasPrefix(line, []byte(">")) && bytes.HasPrefix(bytes.TrimLeft(line, ">"), []byte("From ")) {
			line = line[1:]
		}
		now.Write(line)
	}
	end()
	return out
}

// Mail is what Compose renders.
type Mail struct {
	From, To  mail.Address
	Subject   string
	Date      time.Time
	MessageID string // bare; may be empty
	Text      string
	Files     []File
}

// Compose renders a mail anew: plain text and files (RFC 5322, RFC 2045). The same
// input gives the same bytes.
func Compose(m Mail) ([]byte, error) {
	var out bytes.Buffer
	field := func(name, value string) {
		fmt.Fprintf(&out, "%s: %s\n", name, strings.Map(func(r rune) rune {
			if r < ' ' {
				return ' '
			}
			return r
		}, value))
	}
	field("From", m.From.String())
	field("To", m.To.String())
	field("Subject", mime.QEncoding.Encode("utf-8", m.Subject))
	field("Date", m.Date.UTC().Format(time.RFC1123Z))
	if m.MessageID != "" {
		field("Message-ID", "<"+m.MessageID+">")
	}
	field("MIME-Version", "1.0")
	w := multipart.NewWriter(&out)
	if err := w.SetBoundary("hub-" + Digest([]byte(m.MessageID + m.Date.String() + m.Text))[:40]); err != nil {
		return nil, fmt.Errorf("compose mail: %w", err)
	}
	fmt.Fprintf(&out, "Content-Type: multipart/mixed; boundary=%q\n\n", w.Boundary())
	part, err := w.CreatePart(textproto.MIMEHeader{
		"Content-Type": {"text/plain; charset=utf-8"}, "Content-Transfer-Encoding": {"quoted-printable"},
	})
	if err != nil {
		return nil, fmt.Errorf("compose mail: %w", err)
	}
	qp := quotedprintable.NewWriter(part)
	if _, err = qp.Write([]byte(m.Text)); err == nil {
		err = qp.Close()
	}
	for _, f := range m.Files {
		if err != nil {
			break
		}
		part, err = w.CreatePart(textproto.MIMEHeader{
			"Content-Type": {"application/octet-stream"}, "Content-Transfer-Encoding": {"base64"},
			"Content-Disposition": {mime.FormatMediaType("attachment", map[string]string{"filename": f.Name})},
		})
		if err == nil {
			_, err = part.Write(lines(base64.StdEncoding.EncodeToString(f.Body)))
		}
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("compose mail: %w", err)
	}
	return bytes.ReplaceAll(out.Bytes(), []byte("\r\n"), []byte("\n")), nil
}

// lines breaks text every 76 characters (RFC 2045 section 6.8).
func lines(s string) []byte {
	var b bytes.Buffer
	for len(s) > 76 {
		b.WriteString(s[:76] + "\n")
		s = s[76:]
	}
	b.WriteString(s)
	return b.Bytes()
}
