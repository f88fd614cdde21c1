package events_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
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
)

var update = flag.Bool("update", false, "write golden files and schemas that are missing or stale")

// fill gives every field of a value a value of its own, the same every time.
func fill(v reflect.Value, name string, depth int) {
	switch x := v.Addr().Interface().(type) {
	case *time.Time:
		*x = time.Date(2026, 11, 22, 8, 14, 7, 0, time.UTC)
		return
	case *events.Blob:
		*x = events.Blob{KID: "0123", Size: 3, Digest: "abcd", Inline: []byte{1, 2, 3}, Ref: events.BlobAt{Field: name}}
		return
	case *events.UUID:
		*x = events.DeriveUUID(name)
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(strings.ToLower(name))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64, reflect.Int32:
		v.SetInt(int64(len(name)))
	case reflect.Uint32, reflect.Uint64, reflect.Uint8:
		v.SetUint(uint64(len(name)))
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), name, depth+1)
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key, "key", depth+1)
		fill(value, "value", depth+1)
		v.SetMapIndex(key, value)
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				fill(v.Field(i), f.Name, depth+1)
			}
		}
	}
}

// sample makes an event with every field set; segments get a filled value.
func sample(k events.Kind) events.Event {
	v := reflect.New(reflect.TypeOf(k.Zero)).Elem()
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if _, ok := f.Tag.Lookup("seg"); !ok {
			fill(v.Field(i), f.Name, 0)
			continue
		}
		open, _ := f.Type.MethodByName("Value")
		inner := reflect.New(open.Type.Out(0)).Elem()
		fill(inner, f.Name, 0)
		v.Field(i).Set(sealedOf(v.Field(i).Type(), inner))
	}
	return v.Interface().(events.Event)
}

// sealedOf calls events.Seal for each type of segment there is.
func sealedOf(t reflect.Type, inner reflect.Value) reflect.Value {
	var s any
	switch x := inner.Interface().(type) {
	case events.Address:
		s = events.Seal(x)
	case events.Letter:
		s = events.Seal(x)
	case events.ReplyEnvelope:
		s = events.Seal(x)
	case events.Answer:
		s = events.Seal(x)
	case events.Parcel:
		s = events.Seal(x)
	case events.Profile:
		s = events.Seal(x)
	case events.Needles:
		s = events.Seal(x)
	case events.Redacted:
		s = events.Seal(x)
	case events.Wish:
		s = events.Seal(x)
	case events.PackInfo:
		s = events.Seal(x)
	case events.ConsentProof:
		s = events.Seal(x)
	case events.HouseLetter:
		s = events.Seal(x)
	case events.Matter:
		s = events.Seal(x)
	case events.CaseNote:
		s = events.Seal(x)
	case events.TransferKey:
		s = events.Seal(x)
	default:
		panic(fmt.Sprintf("add %s to sealedOf", t))
	}
	return reflect.ValueOf(s)
}

// stored is what a golden file holds: an event as it rests, with its segments
// in the clear.
type stored struct {
	Type     string            `json:"type"`
	Version  int               `json:"version"`
	Facts    json.RawMessage   `json:"facts"`
	Segments []json.RawMessage `json:"segments,omitempty"`
	Fields   []string          `json:"fields,omitempty"`
}

func take(t *testing.T, e events.Event) stored {
	t.Helper()
	wire, version, segs, err := events.Split(e)
	if err != nil {
		t.Fatal(err)
	}
	facts, err := events.Facts(e)
	if err != nil {
		t.Fatal(err)
	}
	s := stored{Type: wire, Version: version, Facts: facts}
	for _, seg := range segs {
		s.Segments, s.Fields = append(s.Segments, bytes.TrimSpace(seg.Plain)), append(s.Fields, seg.Field)
	}
	return s
}

func join(t *testing.T, s stored) events.Event {
	t.Helper()
	env := events.Envelope{Type: s.Type, Facts: s.Facts, Meta: events.Meta{Version: s.Version}}
	var opened []events.Opened
	for i, f := range s.Fields {
		env.Meta.Segments = append(env.Meta.Segments, events.SegmentRef{Field: f})
		opened = append(opened, events.Opened{State: events.Plain, Plain: s.Segments[i]})
	}
	e, err := events.Join(env, opened)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestEveryVersionEverWrittenCanBeRead(t *testing.T) {
	for _, k := range events.Catalogue() {
		b, _ := json.MarshalIndent(take(t, sample(k)), "", "  ")
		// Fields added later are optional: each such form has a file of its own.
		before, _ := filepath.Glob(filepath.Join("testdata", "golden", fmt.Sprintf("%s.v%d*.json", k.Name, k.Version)))
		if slices.ContainsFunc(before, func(name string) bool {
			old, _ := os.ReadFile(name)
			return bytes.Equal(bytes.TrimSpace(old), b)
		}) {
			continue
		}
		name := filepath.Join("testdata", "golden", fmt.Sprintf("%s.v%d.json", k.Name, k.Version))
		if n := len(before); n > 0 {
			name = filepath.Join("testdata", "golden", fmt.Sprintf("%s.v%d-%d.json", k.Name, k.Version, n+1))
		}
		if !*update {
			t.Errorf("%s version %d has no golden file of all its fields: run go test ./events -update, and never edit it afterwards", k.Name, k.Version)
			continue
		}
		if err := os.WriteFile(name, append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	files, _ := filepath.Glob("testdata/golden/*.json")
	if len(files) < len(events.Catalogue()) {
		t.Fatalf("%d golden files for %d events", len(files), len(events.Catalogue()))
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var s stored
			if err := json.Unmarshal(b, &s); err != nil {
				t.Fatal(err)
			}
			e := join(t, s)
			for _, k := range events.Catalogue() {
				if events.TypePrefix+k.Name == s.Type && k.Version == s.Version {
					same(t, s, take(t, withoutLater(t, sample(k), s.Facts)), take(t, e))
				}
			}
		})
	}
}

// same compares two events as they rest. Fields of a segment that the golden file
// does not know were added after it was written, and must be empty in what was
// read from it.
func same(t *testing.T, golden, want, got stored) {
	t.Helper()
	for i, known := range golden.Segments {
		var keys, fields map[string]json.RawMessage
		if json.Unmarshal(known, &keys) != nil || json.Unmarshal(want.Segments[i], &fields) != nil {
			continue // a list or a word
		}
		for name := range fields {
			if _, there := keys[name]; !there {
				delete(fields, name)
			}
		}
		want.Segments[i], _ = json.Marshal(fields)
		fields = nil
		if json.Unmarshal(got.Segments[i], &fields) == nil {
			got.Segments[i], _ = json.Marshal(fields)
		}
	}
	a, _ := json.Marshal(want)
	b, _ := json.Marshal(got)
	if diff := cmp.Diff(string(a), string(b)); diff != "" {
		t.Error(diff)
	}
}

// withoutLater empties the fields that a golden file does not know: they were
// added after it was written, and must be optional.
func withoutLater(t *testing.T, e events.Event, facts json.RawMessage) events.Event {
	t.Helper()
	var known map[string]json.RawMessage
	if err := json.Unmarshal(facts, &known); err != nil {
		t.Fatal(err)
	}
	v := reflect.New(reflect.TypeOf(e)).Elem()
	v.Set(reflect.ValueOf(e))
	for i := range v.NumField() {
		name, options, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		if _, there := known[name]; there || name == "-" {
			continue
		}
		if !strings.HasPrefix(options, "omit") {
			t.Errorf("%T.%s was added later and is not optional: give it omitempty, or raise the version", e, v.Type().Field(i).Name)
		}
		v.Field(i).SetZero()
	}
	return v.Interface().(events.Event)
}

// exempt are types whose values are random ids or keyed hashes by construction.
var exempt = map[string]bool{
	"InquiryID": true, "TicketID": true, "SubjectID": true, "AgentID": true, "OutboundID": true, "MessageID": true,
	"MailboxID": true, "FormID": true, "NoticeID": true, "TemplateID": true, "Hash": true, "UUID": true, "KID": true, "bool": true,
	"HoldID": true, "DemandID": true, "CaseID": true, "TransferID": true, "RequestID": true,
	"Position": true, "Blob": true, "Role": true,
}

func TestEveryFieldIsAFactWithAReasonOrSealed(t *testing.T) {
	for _, k := range events.Catalogue() {
		typ := reflect.TypeOf(k.Zero)
		for i := range typ.NumField() {
			f := typ.Field(i)
			if tag, ok := f.Tag.Lookup("seg"); ok {
				if parts := strings.Split(tag, ","); len(parts) < 4 {
					t.Errorf("%s.%s: seg tag wants category, class, subject and at least one purpose", k.Name, f.Name)
				}
				continue
			}
			base := f.Type
			for base.Kind() == reflect.Slice {
				base = base.Elem()
			}
			tag := f.Tag.Get("pd")
			if exempt[base.Name()] && tag == "" {
				continue
			}
			if !strings.HasPrefix(tag, "none,") || len(tag) < len("none,")+8 {
				t.Errorf("%s.%s (%s) is clear text without a reason: seal it, or tag it pd:\"none,why\" (PRIVACY 4.2)", k.Name, f.Name, f.Type)
			}
		}
	}
}

func TestPersonalDataNeverPrints(t *testing.T) {
	const secret = "ada-lovelace"
	e := events.InquiryReceived{
		Contact: events.Seal(events.Address{Address: secret}), Raw: events.NewBlob([]byte(secret)),
		Letter: events.Seal(events.Letter{Text: secret}),
	}
	var logged bytes.Buffer
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("x", "event", e, "contact", e.Contact, "raw", e.Raw)
	j, _ := json.Marshal(e)
	for _, out := range []string{fmt.Sprint(e), fmt.Sprintf("%v %+v %#v %s %q %x", e, e, e.Contact, e.Contact, e.Contact, e.Raw), logged.String(), string(j)} {
		if strings.Contains(out, secret) || strings.Contains(out, fmt.Sprintf("%x", secret)) {
			t.Errorf("printed: %s", out)
		}
	}
}

func TestFactsHoldNothingSealed(t *testing.T) {
	for _, k := range events.Catalogue() {
		facts, err := events.Facts(sample(k))
		if err != nil {
			t.Fatal(err)
		}
		var doc map[string]any
		if err := json.Unmarshal(facts, &doc); err != nil {
			t.Fatalf("%s: %v", k.Name, err)
		}
		typ := reflect.TypeOf(k.Zero)
		for i := range typ.NumField() {
			if f := typ.Field(i); f.Tag.Get("seg") != "" {
				if _, ok := doc[strings.ToLower(f.Name)]; ok {
					t.Errorf("%s: segment %s is among the facts", k.Name, f.Name)
				}
			}
		}
	}
}

func TestUnknownTypeIsRecognised(t *testing.T) {
	for _, wire := range []string{"hub.NeverHeardOf", "TicketOpened", "other.TicketOpened"} {
		if _, err := events.Join(events.Envelope{Type: wire, Facts: []byte("{}")}, nil); err == nil {
			t.Errorf("%s was read", wire)
		}
	}
	if _, err := events.Join(events.Envelope{Type: "hub.TicketOpened", Facts: []byte("{}"), Meta: events.Meta{Version: 99}}, nil); err == nil {
		t.Error("an event of a newer version was read")
	}
}

func TestIDs(t *testing.T) {
	if events.DeriveUUID("a", "bc") == events.DeriveUUID("ab", "c") {
		t.Error("parts run together")
	}
	id := events.NewUUID()
	back, err := events.ParseUUID(id.String())
	if err != nil || back != id {
		t.Errorf("parse %s: %v, %v", id, back, err)
	}
	for _, p := range []events.Position{{}, {Commit: 7, Prepare: 7}, {Commit: 9, Prepare: 8}} {
		if got, err := events.ParsePosition(p.String()); err != nil || got != p {
			t.Errorf("position %v: %v, %v", p, got, err)
		}
	}
}

// TestSchemasAreCurrent keeps events/schema, by which programs in other languages
// read our messages, in step with the structs.
func TestSchemasAreCurrent(t *testing.T) {
	for _, k := range events.Catalogue() {
		typ := reflect.TypeOf(k.Zero)
		var fields []reflect.StructField
		for i := range typ.NumField() {
			if f := typ.Field(i); f.Tag.Get("seg") == "" {
				fields = append(fields, f)
			}
		}
		r := jsonschema.Reflector{Anonymous: true, ExpandedStruct: true, DoNotReference: true, AllowAdditionalProperties: true}
		s := r.ReflectFromType(reflect.StructOf(fields))
		s.Title, s.Description = events.TypePrefix+k.Name, fmt.Sprintf("Clear facts of %s, version %d.", k.Name, k.Version)
		b, err := json.MarshalIndent(s, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		b = append(b, '\n')
		name := filepath.Join("schema", fmt.Sprintf("%s.v%d.json", k.Name, k.Version))
		if *update {
			if err := os.WriteFile(name, b, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		have, err := os.ReadFile(name)
		if err != nil || !bytes.Equal(have, b) {
			t.Errorf("%s is not current (%v): run go test ./events -update", name, err)
		}
	}
}
