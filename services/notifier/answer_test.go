package notifier_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/westshore/hub/deploy/mailtest"
	"github.com/westshore/hub/deploy/sandbox"
	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/vault"
	"github.com/westshore/hub/projections/outbox"
	"github.com/westshore/hub/services/notifier"
)

func (p *post) links() *notifier.Links {
	return &notifier.Links{
		Journal: p.Journal, OpenBlob: p.Sealer.OpenBlob, Key: p.Vault.Secret("file links"), URL: func() string { return "https://help.test/files/" },
		Keep: 24 * time.Hour, Now: p.now,
	}
}

// withFiles writes an answer with files of these sizes.
func (p *post) withFiles(to string, sizes ...int) events.MessageID {
	p.t.Helper()
	id, msg := events.TicketID(events.NewUUID().String()), events.MessageID(events.NewUUID().String())
	answer := events.Answer{Text: "Hello " + string(msg), HTML: "<p>Hello</p>"}
	var blobs []events.Blob
	for i, n := range sizes {
		answer.Files = append(answer.Files, events.AnswerFile{Name: strings.Repeat("f", i+1) + ".bin", Type: "application/octet-stream", Size: int64(n)})
		blobs = append(blobs, events.NewBlob(bytes.Repeat([]byte{byte('a' + i)}, n)))
	}
	p.append(events.TicketStream(id), events.TicketOpened{Ticket: id, Number: 7, Channel: events.Email, Customer: "c"}, events.ReplyWritten{
		Ticket: id, Message: msg, Number: 7, Mailbox: "support", Agent: "a", Customer: "c", MessageID: p.marks.MessageID(id, msg, "support"),
		Envelope: events.Seal(events.ReplyEnvelope{To: []events.Address{{Address: to}}, Subject: "Re: Help"}),
		Answer:   events.Seal(answer), Files: blobs,
	})
	return msg
}

// mail is what a mailbox received, decoded.
func (p *post) mail(address string) string {
	p.t.Helper()
	all, err := mailtest.ReadFolder(p.box.IMAPAddr(), address, p.box.Password(), "INBOX")
	if err != nil || len(all) != 1 {
		p.t.Fatalf("%d mails, %v", len(all), err)
	}
	return string(all[0].Raw)
}

var fileLink = regexp.MustCompile(`https://help\.test/files/([A-Za-z0-9_=\r\n-]+)`)

// token finds the link of a mail: quoted-printable may have broken it.
func token(raw string) string {
	m := fileLink.FindStringSubmatch(raw)
	if m == nil {
		return ""
	}
	s := strings.ReplaceAll(m[1], "=\r\n", "")
	s, _, _ = strings.Cut(s, "\r\n")
	return s
}

// TestO21SmallFilesInsideLargeOnesAsLinks: what fits travels in the mail, the rest
// is fetched under a link that nobody can change, that ends, and that is dead when
// the answer is erased.
func TestO21SmallFilesInsideLargeOnesAsLinks(t *testing.T) {
	p := openPost(t)
	p.tune = func(all *parts) {
		all.clerk.OpenBlob, all.clerk.Links, all.clerk.Attach = p.Sealer.OpenBlob, p.links(), 5000
	}
	stop := p.run("one", p.relay())
	defer stop()
	msg := p.withFiles("ada@cust.test", 4000, 60_000)
	item := p.await(msg, outbox.Accepted, 1)[0]
	raw := p.mail("ada@cust.test")
	inside := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{'a'}, 4000))
	if got := strings.ReplaceAll(raw, "\r\n", ""); !strings.Contains(got, inside[:1000]) || strings.Contains(got, base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{'b'}, 300))) {
		t.Error("the small file is not inside, or the large one is")
	}
	tok := token(raw)
	f, content, err := p.links().Fetch(t.Context(), tok)
	if err != nil || f.Name != "ff.bin" || !bytes.Equal(content, bytes.Repeat([]byte{'b'}, 60_000)) {
		t.Fatalf("link gives %v, %d bytes, %v", f, len(content), err)
	}
	code := func(token string) string {
		_, _, err := p.links().Fetch(t.Context(), token)
		var e *notifier.LinkError
		if !errors.As(err, &e) {
			t.Fatalf("want a LinkError, have %v", err)
		}
		return e.Code()
	}
	for _, bad := range []string{"", "x", tok[:len(tok)-1], "A" + tok[1:], tok + "A"} {
		if bad != tok && code(bad) != "not_found" {
			t.Errorf("token %q is believed", bad)
		}
	}
	kids, err := p.Vault.StreamKeys(t.Context(), events.TicketStream(item.Ticket))
	if err != nil {
		t.Fatal(err)
	}
	var list []events.KID
	for _, k := range kids {
		list = append(list, k.KID)
	}
	if _, err := p.Vault.Destroy(t.Context(), vault.Order{ID: events.NewUUID(), Cause: vault.CauseSubject}, list); err != nil {
		t.Fatal(err)
	}
	if code(tok) != "gone" {
		t.Error("the link outlives the answer")
	}
	p.skew.Store(int64(25 * time.Hour))
	if code(tok) != "gone" {
		t.Error("the link does not end")
	}
}

// TestO6TooBigGoesOnceMoreWithLinks: a server that takes no such mail gets it again
// without files inside, to the same person, and once only.
func TestO6TooBigGoesOnceMoreWithLinks(t *testing.T) {
	p := openPostTo(t, sandbox.Config{MaxSize: 20_000})
	p.tune = func(all *parts) { all.clerk.OpenBlob, all.clerk.Links = p.Sealer.OpenBlob, p.links() }
	stop := p.run("one", p.relay())
	defer stop()
	msg := p.withFiles("ada@cust.test", 30_000)
	p.await(msg, outbox.Cancelled, 1)
	items := p.await(msg, outbox.Accepted, 1)
	if len(items) != 2 {
		t.Fatalf("%d messages, want the one that was too big and the one with links", len(items))
	}
	if _, content, err := p.links().Fetch(t.Context(), token(p.mail("ada@cust.test"))); err != nil || len(content) != 30_000 {
		t.Errorf("link gives %d bytes, %v", len(content), err)
	}
}

// TestO6ASCIIAddressWhereAServerTakesNoOther: an address that needs SMTPUTF8 fails
// at a server without it, and the message goes to the person's ASCII address.
func TestO6ASCIIAddressWhereAServerTakesNoOther(t *testing.T) {
	p := openPostTo(t, sandbox.Config{ASCII: true})
	p.tune = func(all *parts) {
		all.clerk.OpenBlob = p.Sealer.OpenBlob
		all.clerk.Contact = func(_ context.Context, who events.SubjectID) (events.Address, error) {
			return events.Address{Address: string(who) + "@cust.test"}, nil
		}
	}
	stop := p.run("one", p.relay())
	defer stop()
	msg := p.write("jürgen@cust.test")
	for _, i := range p.await(msg, outbox.Accepted, 1) {
		if i.State == outbox.Accepted && i.To.Address != "c@cust.test" {
			t.Errorf("accepted for %s", i.To.Address)
		}
	}
}

// TestI33AnswersCarryAMarkThatPeopleQuote: text and HTML end with it.
func TestI33AnswersCarryAMarkThatPeopleQuote(t *testing.T) {
	p := openPost(t)
	p.tune = func(all *parts) { all.clerk.OpenBlob = p.Sealer.OpenBlob }
	stop := p.run("one", p.relay())
	defer stop()
	p.await(p.withFiles("ada@cust.test"), outbox.Accepted, 1)
	if n := strings.Count(p.mail("ada@cust.test"), "ref:"); n != 2 {
		t.Errorf("%d marks, want one in the text and one in the HTML", n)
	}
}
