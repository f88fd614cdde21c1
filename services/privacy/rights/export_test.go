package rights_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/mail"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/invopop/jsonschema"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/services/privacy/bundle"
	"github.com/westshore/hub/services/privacy/rights"
)

var update = flag.Bool("update", false, "write the schema of access packs")

// The schema that travels with every copy is that of the struct.
func TestPackSchemaIsCurrent(t *testing.T) {
	r := jsonschema.Reflector{ExpandedStruct: true, DoNotReference: true, Anonymous: true}
	s := r.ReflectFromType(reflect.TypeFor[rights.Pack]())
	s.Title = rights.PackSchema
	b, err := json.MarshalIndent(s, "", "  ")
	check(t, err)
	b = append(b, '\n')
	if *update {
		check(t, os.WriteFile(filepath.Join("schema", "access-pack.json"), b, 0o644))
	}
	have, err := os.ReadFile(filepath.Join("schema", "access-pack.json"))
	check(t, err)
	if !bytes.Equal(have, b) {
		t.Error("schema/access-pack.json is not current: go test ./services/privacy/rights -update")
	}
}

// conforms checks a document against the part of JSON Schema that our schema uses:
// type, properties, required, additionalProperties, items, enum.
func conforms(at string, schema map[string]any, v any) []string {
	var bad []string
	if kind, ok := schema["type"].(string); ok && v != nil {
		is := map[string]bool{
			"object": reflect.TypeOf(v) == reflect.TypeFor[map[string]any](), "array": reflect.TypeOf(v) == reflect.TypeFor[[]any](),
			"string": reflect.TypeOf(v).Kind() == reflect.String, "boolean": reflect.TypeOf(v).Kind() == reflect.Bool,
			"integer": reflect.TypeOf(v).Kind() == reflect.Float64, "number": reflect.TypeOf(v).Kind() == reflect.Float64,
		}
		if !is[kind] {
			bad = append(bad, fmt.Sprintf("%s is %T, not %s", at, v, kind))
		}
	} else if ok && schema["type"] == "array" {
		bad = append(bad, at+" is null, not an array")
	}
	switch x := v.(type) {
	case map[string]any:
		properties, _ := schema["properties"].(map[string]any)
		required, _ := schema["required"].([]any)
		for _, name := range required {
			if _, there := x[name.(string)]; !there {
				bad = append(bad, at+" lacks "+name.(string))
			}
		}
		for name, value := range x {
			p, known := properties[name].(map[string]any)
			if !known && schema["additionalProperties"] == false && properties[name] == nil {
				bad = append(bad, at+" has "+name)
			}
			bad = append(bad, conforms(at+"."+name, p, value)...)
		}
	case []any:
		items, _ := schema["items"].(map[string]any)
		for i, value := range x {
			bad = append(bad, conforms(fmt.Sprintf("%s[%d]", at, i), items, value)...)
		}
	}
	return bad
}

// PRIVACY 6, test 27: the copy of a person's data validates against its schema, its
// mailbox parses, other persons and the staff are not named, recipients are the actual
// ones, dates are the vault's, the portable subset is exact, and its link works once.
//
// clause: 1.1 1.3 3.1
func TestAccessPack(t *testing.T) {
	h, ctx := newHouse(t), t.Context()
	raw := "Subject: broken\r\n\r\nFILE-CONTENT"
	letter := events.Letter{
		Subject: "Broken lamp", MessageID: "1@customer.example", To: []events.Address{{Address: "help@house.example"}},
		Cc: []events.Address{{Name: "Charles Babbage", Address: "charles@neighbour.example"}},
		Text: "Hello Grace Hopper,\nCharles Babbage next door, charles@neighbour.example, has it too.\n\n" +
			"On Monday Charles Babbage <charles@neighbour.example> wrote:\n> the secret of Charles\n>> and deeper\n\n" +
			"On Tuesday House <help@house.example> wrote:\n> please tell us more\nAda",
		Attachments: []events.Attachment{{ID: "a", Name: "../my lamp.txt", Type: "text/plain", Size: 12, Offset: int64(strings.Index(raw, "FILE")), Length: 12}},
	}
	ada, inquiry := h.writes(events.Address{Name: "Ada Byron", Address: "ada@customer.example"}, letter, raw)
	charles, _ := h.writes(events.Address{Name: "Charles Babbage", Address: "charles@neighbour.example"}, events.Letter{Text: "I am Charles"}, "raw of charles")
	ticket := events.TicketID(randomID())
	_, err := h.Append(ctx, events.TicketStream(ticket), events.NoStream, h.by(),
		events.TicketOpened{Ticket: ticket, Customer: ada, Channel: events.Email},
		events.ReplyWritten{
			Ticket: ticket, Message: "m", Customer: ada, MessageID: "2@house.example",
			Envelope: events.Seal(events.ReplyEnvelope{
				To:      []events.Address{{Name: "Ada Byron", Address: "ada@customer.example"}, {Name: "Charles Babbage", Address: "charles@neighbour.example"}},
				Subject: "Re: Broken lamp",
			}),
			Answer: events.Seal(events.Answer{Text: "Dear Ada,\nwe mend it.\nGrace Hopper"}),
		},
		events.NoteAdded{Ticket: ticket, Message: "n", Customer: ada, Note: events.Seal(events.Answer{Text: "friendly; ask Charles Babbage too"})},
		// What belongs to somebody else in the same ticket.
		events.NoteAdded{Ticket: ticket, Message: "o", Customer: charles, Note: events.Seal(events.Answer{Text: "words about charles alone"})},
	)
	check(t, err)
	check(t, h.rights.Grant(ctx, h.by(), ada, rights.Promo, "en", "agent"))
	h.to = []rights.Recipient{{ID: "parcel-service", Name: "Parcel", Purposes: []string{"support"}, Categories: []string{"C-CONTACT"}, Times: 1}}

	token := h.centre("ada@customer.example")
	id, err := h.rights.AskByLink(ctx, token, events.RequestAccess, events.Wish{}, "", "en")
	check(t, err)
	keys, err := h.Vault.SubjectKeys(ctx, ada)
	check(t, err)
	check(t, h.rights.Export(ctx, h.by(), id))
	link := h.token("/privacy/pack/")
	check(t, h.rights.PackReady(ctx, link))
	name, archive, err := h.rights.FetchPack(ctx, link)
	check(t, err)
	if !strings.HasPrefix(name, "your-data-") {
		t.Errorf("called %s", name)
	}
	// The link dies with its use, and so does the key.
	if _, _, err := h.rights.FetchPack(ctx, link); err == nil {
		t.Error("the link of a copy works twice")
	}
	q, err := h.rights.Get(ctx, id)
	check(t, err)
	tombs, err := h.Vault.Tombs(ctx, []events.KID{q.PackKey})
	check(t, err)
	if _, dead := tombs[q.PackKey]; !dead || !q.Closed {
		t.Error("the key of a fetched copy lives, or the request is open")
	}

	b, err := bundle.Open(archive, h.rights.PublicKey())
	check(t, err)
	for file, body := range b.Files {
		if strings.HasPrefix(file, "schema/") || strings.HasPrefix(file, "README") {
			continue
		}
		for _, secret := range []string{"Charles", "charles@", "secret of", "Grace", "Hopper", "words about"} {
			if strings.Contains(string(body), secret) {
				t.Errorf("%s names %q", file, secret)
			}
		}
	}
	var schema map[string]any
	check(t, json.Unmarshal(b.Files["schema/access-pack.json"], &schema))
	for _, file := range []string{"data/data.json", "data/portable.json"} {
		var doc any
		check(t, json.Unmarshal(b.Files[file], &doc))
		if bad := conforms(file, schema, doc); len(bad) > 0 {
			t.Error(strings.Join(bad, "\n"))
		}
	}
	var pack, portable rights.Pack
	check(t, json.Unmarshal(b.Files["data/data.json"], &pack))
	check(t, json.Unmarshal(b.Files["data/portable.json"], &portable))
	checkMessages(t, pack, string(inquiry))

	// Dates are the vault's, one for each key there was.
	var got []string
	for _, r := range pack.Retention {
		got = append(got, r.Segment)
	}
	for _, k := range keys {
		if !slices.Contains(got, string(k.KID)) {
			t.Errorf("key of %s has no date in the copy", k.Class)
		}
	}
	expiries, err := h.Vault.Expiries(ctx, kidsOf(pack))
	check(t, err)
	for _, r := range pack.Retention {
		want, has := expiries[events.KID(r.Segment)]
		if has != (r.Until != nil) || has && !want.UTC().Equal(*r.Until) {
			t.Errorf("kept until %v, the vault says %v", r.Until, want)
		}
	}
	if len(pack.Recipients) != 1 || pack.Recipients[0].ID != "parcel-service" {
		t.Errorf("recipients %+v", pack.Recipients)
	}
	// Portable is what the person gave, and nothing else (art. 20).
	for _, m := range portable.Messages {
		if m.Direction != "from_you" {
			t.Errorf("portable: %s", m.Direction)
		}
	}
	if len(portable.Messages) != 1 || len(portable.Other) != 1 || portable.Other[0].Field != "Contact" {
		t.Errorf("portable subset: %d messages, %+v", len(portable.Messages), portable.Other)
	}
	checkMail(t, b)
}

func kidsOf(p rights.Pack) (out []events.KID) {
	for _, r := range p.Retention {
		out = append(out, events.KID(r.Segment))
	}
	return out
}

func checkMessages(t *testing.T, pack rights.Pack, inquiry string) {
	t.Helper()
	by := map[string]rights.PackMessage{}
	for _, m := range pack.Messages {
		by[m.Event] = m
	}
	in := by["InquiryReceived"]
	want := "Hello [our staff],\n[another person, withheld: Art. 15(4) GDPR] next door, [another person, withheld: Art. 15(4) GDPR], has it too.\n\n" +
		"On Monday [another person, withheld: Art. 15(4) GDPR] <[another person, withheld: Art. 15(4) GDPR]> wrote:\n> [text of another person, withheld: Art. 15(4) GDPR]\n\n" +
		"On Tuesday House <help@house.example> wrote:\n> please tell us more\nAda"
	if d := cmp.Diff(want, in.Text); d != "" {
		t.Error(d)
	}
	if in.ID != inquiry || in.Direction != "from_you" || in.Masked == 0 || !in.Portable || len(in.Files) != 1 {
		t.Errorf("inquiry %+v", in)
	}
	if f := in.Files[0]; f.Path != "attachments/"+inquiry[:12]+"-01-my_lamp.txt" {
		t.Errorf("file at %s", f.Path)
	}
	if r := by["ReplyWritten"]; r.Direction != "to_you" || r.Portable || !strings.Contains(r.Text, "we mend it") {
		t.Errorf("reply %+v", r)
	}
	if n := by["NoteAdded"]; n.Direction != "about_you" || !strings.Contains(n.Text, "friendly") {
		t.Errorf("note %+v", n)
	}
}

func checkMail(t *testing.T, b *bundle.Bundle) {
	t.Helper()
	list := bundle.ReadMbox(b.Files["mail/threads.mbox"])
	var subjects []string
	for _, raw := range list {
		m, err := mail.ReadMessage(bytes.NewReader(raw))
		check(t, err)
		if _, err := m.Header.Date(); err != nil {
			t.Error(err)
		}
		subjects = append(subjects, m.Header.Get("Subject"))
	}
	if !slices.Contains(subjects, "Broken lamp") || !slices.Contains(subjects, "Re: Broken lamp") {
		t.Errorf("mailbox holds %q", subjects)
	}
	for file, body := range b.Files {
		if strings.HasPrefix(file, "attachments/") && string(body) != "FILE-CONTENT" {
			t.Errorf("%s holds %q", file, body)
		}
	}
}

// A copy that nobody fetched cannot be fetched after 14 days, and nobody gets one who
// was not recognised.
//
// clause: 1.1
func TestAccessPackExpires(t *testing.T) {
	h, ctx := newHouse(t), t.Context()
	ada := h.ada()
	id, err := h.rights.Receive(ctx, h.by(), rights.Intake{Kind: events.RequestAccess, Customer: ada, Channel: "mail"})
	check(t, err)
	if got := reasonOf(h.rights.Export(ctx, h.by(), id)); got != "unverified" {
		t.Errorf("a copy for whoever asks: %q", got)
	}
	check(t, h.rights.Verify(ctx, h.by(), id, "desk"))
	check(t, h.rights.Export(ctx, h.by(), id))
	link := h.token("/privacy/pack/")
	h.tick(15 * 24 * time.Hour)
	if _, _, err := h.rights.FetchPack(ctx, link); err == nil {
		t.Error("the link works after 14 days")
	}
}

// The archive is one that every program opens, and names no path outside of it.
func TestAccessPackIsAnArchive(t *testing.T) {
	h, ctx := newHouse(t), t.Context()
	ada := h.ada()
	raw, _, err := h.rights.Build(ctx, ada, "")
	check(t, err)
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	check(t, err)
	for _, f := range z.File {
		if strings.Contains(f.Name, "..") || strings.HasPrefix(f.Name, "/") {
			t.Errorf("path %s", f.Name)
		}
		r, err := f.Open()
		check(t, err)
		_, err = io.Copy(io.Discard, r)
		check(t, err)
	}
}
