package mail_test

import (
	"bytes"
	"encoding/base64"
	"math/rand/v2"
	"testing"

	"github.com/westshore/hub/services/internal/mail"
)

// BenchmarkSmall is mails per second: what most support mail looks like.
func BenchmarkSmall(b *testing.B) {
	raw := compose(&testing.T{}, outgoing())
	raw = append([]byte("Return-Path: <ann@example.org>\r\nDelivered-To: support@hub.test\r\nReceived: from mx.example.org by mx.hub.test with ESMTPS id 4XyZ;\r\n Mon, 02 Mar 2026 10:11:13 +0100\r\n"+
		"Authentication-Results: mx.hub.test; spf=pass smtp.mailfrom=example.org; dkim=pass header.d=example.org; dmarc=pass header.from=example.org\r\n"), raw...)
	raw = append(raw, "Please help me =\r\nwith this.\r\n\r\nOn Mon, 2 Mar 2026, Support wrote:\r\n> Did it work?\r\n"...)
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		mail.Parse(raw, mail.Options{AuthServIDs: []string{"mx.hub.test"}})
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "mails/s")
}

// BenchmarkAlternative is a small mail with plain text and HTML.
func BenchmarkAlternative(b *testing.B) {
	o := outgoing()
	o.HTML = "<html><body><p>Hello</p><p>See <a href=\"https://example.org\">this</a></p></body></html>"
	raw := compose(&testing.T{}, o)
	for b.Loop() {
		mail.Parse(raw, mail.Options{})
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "mails/s")
}

// BenchmarkAttachment is raw megabytes per second through walk, base64 and hash.
func BenchmarkAttachment(b *testing.B) {
	content := make([]byte, 22<<20)
	r := rand.NewChaCha8([32]byte{1})
	if _, err := r.Read(content); err != nil {
		b.Fatal(err)
	}
	o := outgoing()
	o.Attachments = []mail.OutgoingFile{{Name: "a.bin", Type: "application/x-test", Content: content}}
	raw := compose(&testing.T{}, o)
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		mail.Parse(raw, mail.Options{})
	}
}

// BenchmarkBase64 is the tolerant decoder alone.
func BenchmarkBase64(b *testing.B) {
	enc := base64.StdEncoding.EncodeToString(make([]byte, 3<<20))
	var lines bytes.Buffer
	for len(enc) > 76 {
		lines.WriteString(enc[:76] + "\r\n")
		enc = enc[76:]
	}
	b.SetBytes(int64(lines.Len()))
	for b.Loop() {
		mail.DecodePart(lines.Bytes(), mail.EncodingBase64)
	}
}

func BenchmarkCompose(b *testing.B) {
	o := full()
	for b.Loop() {
		if _, err := mail.Compose(o); err != nil {
			b.Fatal(err)
		}
	}
}
