package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/westshore/hub/deploy/mailtest"
	"github.com/westshore/hub/services/mailbox"
)

// Mail is what `hub bench mail` measures: the reader alone, and the intake of a
// large mailbox by the built hub.
type Mail struct {
	Reader Reader  `json:"reader"`
	Intake *Intake `json:"intake,omitempty"`
	// Single is from LMTP's 250 to the live feed and the API, with Dovecot and IDLE;
	// absent where there is no Dovecot.
	Single *Latency `json:"single_mail_visible_ms,omitempty"`
	IMAP   string   `json:"imap_server"`
}

// Reader is the walker on one core, the best of the runs of a second.
type Reader struct {
	AttachmentMB float64            `json:"attachment_mb_per_s"` // raw bytes, base64 decoded, hashed and sniffed
	SmallMails   float64            `json:"small_mails_per_s"`   // 1.4 KB of text
	Growth       map[string]float64 `json:"growth"`              // time for four times the bytes, divided by four: 1 is linear
	WorstBomb    string             `json:"worst_bomb"`
	WorstBombMS  float64            `json:"worst_bomb_ms"`
}

// RunMail measures the reader, the intake of mib megabytes of mails of kib
// kilobytes on average, and singles single mails through Dovecot.
func RunMail(ctx context.Context, mib, kib, singles int) (*Mail, error) {
	m := &Mail{IMAP: "built in, mails made while they are fetched"}
	m.Reader = readerFigures()
	var err error
	if mib > 0 {
		if m.Intake, err = intake(ctx, mib, kib); err != nil {
			return nil, err
		}
	}
	if singles > 0 && mailtest.Missing() == nil {
		p, err := RunPipeline(ctx, 20, singles)
		if err != nil {
			return nil, err
		}
		m.Single = &p.Single
	}
	return m, nil
}

// Print writes the figures.
func (m *Mail) Print(w *json.Encoder) error {
	w.SetIndent("", "  ")
	return w.Encode(m)
}

func readerFigures() Reader {
	r := Reader{Growth: map[string]float64{}}
	big := bigMail(24 << 20)
	r.AttachmentMB = float64(len(big)) / 1e6 / perRun(big, time.Second).Seconds()
	small := message(1)
	r.SmallMails = 1 / perRun(small, time.Second).Seconds()
	for name, grow := range growing {
		one, four := perRun(grow(1), 200*time.Millisecond), perRun(grow(4), 200*time.Millisecond)
		r.Growth[name] = float64(four) / float64(one) / 4
		if d := ms(four); d > r.WorstBombMS {
			r.WorstBomb, r.WorstBombMS = name, d
		}
	}
	return r
}

// perRun is the time of one reading, the best of those that fit into a while.
func perRun(raw []byte, while time.Duration) time.Duration {
	best := time.Hour
	for began := time.Now(); time.Since(began) < while; {
		at := time.Now()
		mailbox.ReadOnly(raw)
		best = min(best, time.Since(at))
	}
	return best
}

func bigMail(n int) []byte {
	b := &bigMailbox{sizes: []int{n}, lines: base64Lines(1 << 20)}
	var out bytes.Buffer
	out.Grow(n + 1024)
	_ = b.write(&out, 0) // into memory
	_, raw, _ := bytes.Cut(out.Bytes(), []byte("\r\n"))
	return raw
}

const bombHead = "From: a@b.example\r\nTo: support@hub.test\r\nSubject: bomb\r\n"

// growing are mails, honest and hostile, of a size that grows with n.
var growing = map[string]func(n int) []byte{
	"attachment":       func(n int) []byte { return bigMail(n << 20) },
	"text":             repeat("\r\n", "An honest line of text.\r\n", 10_000),
	"html":             repeat("Content-Type: text/html\r\n\r\n", "<p>An <b>honest</b> line.</p>\r\n", 10_000),
	"parts":            repeat("Content-Type: multipart/mixed; boundary=b\r\n\r\n", "--b\r\n\r\n", 50_000),
	"nested":           repeat("", "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n", 10_000),
	"look-alikes":      repeat("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n", "--bb\r\n--b x\r\n", 50_000),
	"header lines":     repeat("", "X-A: b\r\n", 50_000),
	"folded":           repeat("X-A: b\r\n", " c\r\n", 50_000),
	"addresses":        repeat("Cc: ", "a@b.example, ", 50_000),
	"references":       repeat("References: ", "<a@b.example>\r\n ", 20_000),
	"parameters":       repeat("Content-Type: application/x; ", "name*0=a; ", 20_000),
	"encoded words":    repeat("X-A: ", "=?utf-8?q?a?= ", 50_000),
	"html nesting":     repeat("Content-Type: text/html\r\n\r\n", "<div><blockquote>", 20_000),
	"html open tags":   repeat("Content-Type: text/html\r\n\r\n", "<a <", 100_000),
	"quoted printable": repeat("Content-Type: application/x\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n", "=3D=", 100_000),
	"uuencode":         repeat("\r\n", "begin 644 a\r\nM\r\n", 20_000),
	"quotes":           repeat("\r\n", "> On Mon, A wrote:\r\n> x\r\ny\r\n", 20_000),
}

func repeat(head, s string, n int) func(int) []byte {
	return func(k int) []byte { return []byte(bombHead + head + strings.Repeat(s, n*k)) }
}
