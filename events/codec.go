package events

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// Segment is one segment of an event before sealing.
type Segment struct {
	Field    string
	Subject  SubjectID
	Category Category
	Class    Class
	Purposes []Purpose
	Plain    []byte // JSON; nil when the event carries no value for the field
}

// Opened is what came of opening one segment.
type Opened struct {
	State State
	Plain []byte
	Tomb  Tombstone
	Why   string
}

// Split takes an event apart: its wire type, its schema version and the plain
// segments in field order. Blobs are reached with BlobsOf.
func Split(e Event) (wire string, version int, segs []Segment, err error) {
	ent, err := entryOf(e)
	if err != nil {
		return "", 0, nil, err
	}
	v := reflect.ValueOf(e)
	for _, f := range ent.segs {
		p := reflect.New(v.Field(f.index).Type())
		p.Elem().Set(v.Field(f.index))
		plain, ok, err := p.Interface().(segment).plain()
		if err != nil {
			return "", 0, nil, fmt.Errorf("encode %s.%s: %w", ent.name, f.name, err)
		}
		if !ok {
			continue
		}
		segs = append(segs, Segment{
			Field: f.name, Category: f.category, Class: f.class, Purposes: f.purposes, Plain: plain,
			Subject: SubjectID(v.FieldByIndex([]int{f.subject}).String()),
		})
	}
	return TypePrefix + ent.name, ent.version, segs, nil
}

// Facts encodes the clear fields of an event as a JSON object: segments carry
// json:"-" and stay out.
func Facts(e Event) ([]byte, error) {
	ent, err := entryOf(e)
	if err != nil {
		return nil, err
	}
	b, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", ent.name, err)
	}
	return b, nil
}

// Join puts an event together from an envelope and what came of opening its
// segments; opened is nil when nobody asked, and then every segment is Unopened.
// An unknown type is an error that IsUnknown recognises, so that a reader may
// skip what a newer version wrote.
func Join(env Envelope, opened []Opened) (Event, error) {
	ent, ok := byName[strings.TrimPrefix(env.Type, TypePrefix)]
	if !ok || !strings.HasPrefix(env.Type, TypePrefix) {
		return nil, &UnknownError{Type: env.Type}
	}
	facts, err := ent.upcastFacts(env.Meta.Version, env.Facts)
	if err != nil {
		return nil, fmt.Errorf("decode %s: %w", ent.name, err)
	}
	v := reflect.New(ent.typ)
	if err := json.Unmarshal(facts, v.Interface()); err != nil {
		return nil, fmt.Errorf("decode %s: %w", ent.name, err)
	}
	if err := ent.fillBlobs(v.Elem(), env.Files); err != nil {
		return nil, fmt.Errorf("decode %s: %w", ent.name, err)
	}
	for i, ref := range env.Meta.Segments {
		if i >= len(opened) {
			break
		}
		f, ok := ent.segField(ref.Field)
		if !ok {
			continue
		}
		s := v.Elem().Field(f.index).Addr().Interface().(segment)
		fill := s.fill
		switch opened[i].State {
		case Plain:
		case Masked:
			fill = s.partly
		default:
			s.mark(opened[i].State, opened[i].Tomb, opened[i].Why)
			continue
		}
		if err := fill(opened[i].Plain); err != nil {
			if opened[i].State == Masked { // a number or bytes in a text's clothes
				s.mark(Denied, Tombstone{}, "the value cannot be shown in part")
				continue
			}
			// Not wrapped: a JSON error may quote the text it failed on.
			return nil, fmt.Errorf("decode %s.%s: malformed segment", ent.name, ref.Field)
		}
	}
	return v.Elem().Interface().(Event), nil
}

// fillBlobs gives the files that travel along to the blobs they belong to.
// Without any, as where a view keeps them elsewhere, there is nothing to give.
func (ent *entry) fillBlobs(v reflect.Value, files [][]byte) error {
	if len(files) == 0 {
		return nil
	}
	fill := func(b *Blob) error {
		switch {
		case b.Carried == 0:
			return nil
		case b.Carried < 0 || b.Carried > len(files):
			return errShape
		}
		b.Inline = files[b.Carried-1]
		return nil
	}
	for _, f := range ent.blobs {
		switch b := v.Field(f.index).Addr().Interface().(type) {
		case *Blob:
			if err := fill(b); err != nil {
				return err
			}
		case *[]Blob:
			for i := range *b {
				if err := fill(&(*b)[i]); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// Known reports whether a wire type is in the catalogue.
func Known(wire string) bool {
	name, ours := strings.CutPrefix(wire, TypePrefix)
	return ours && byName[name] != nil
}

// UnknownError is an event type that is not in the catalogue.
type UnknownError struct{ Type string }

func (e *UnknownError) Error() string { return "unknown event type " + e.Type }

// MapBlobs returns a copy of the event in which every blob that is not empty is
// replaced by what fn makes of it. Owner is the field of the segment whose key
// the blob shares; at lacks the event's id, which only the caller knows.
func MapBlobs(e Event, fn func(b Blob, owner string, at BlobAt) (Blob, error)) (Event, error) {
	ent, err := entryOf(e)
	if err != nil || len(ent.blobs) == 0 {
		return e, err
	}
	v := reflect.New(ent.typ).Elem()
	v.Set(reflect.ValueOf(e))
	for _, f := range ent.blobs {
		switch b := v.Field(f.index).Addr().Interface().(type) {
		case *Blob:
			if b.Empty() {
				continue
			}
			if *b, err = fn(*b, f.owner, BlobAt{Field: f.name}); err != nil {
				return nil, err
			}
		case *[]Blob:
			*b = append([]Blob(nil), *b...)
			for i := range *b {
				if (*b)[i], err = fn((*b)[i], f.owner, BlobAt{Field: f.name, Index: i}); err != nil {
					return nil, err
				}
			}
		}
	}
	return v.Interface().(Event), nil
}

// Data encodes what the store keeps as the event's data: clear facts beside
// sealed segments (PRIVACY 4.2).
//
//	{"facts":{…},"sealed":["base64",…],"files":["base64",…]}
func (e Envelope) Data() []byte {
	size := len(e.Facts) + 64
	for _, list := range [][][]byte{e.Sealed, e.Files} {
		for _, b := range list {
			size += base64.StdEncoding.EncodedLen(len(b)) + 3
		}
	}
	out := append(append(make([]byte, 0, size), `{"facts":`...), e.Facts...)
	if len(e.Sealed) > 0 {
		out = appendBytes(append(out, `,"sealed":`...), e.Sealed)
	}
	if len(e.Files) > 0 {
		out = appendBytes(append(out, `,"files":`...), e.Files)
	}
	return append(out, '}')
}

// Metadata encodes what the store keeps as the event's metadata.
func (e Envelope) Metadata() ([]byte, error) { return json.Marshal(e.Meta) }

// ParseEnvelope reads an event as the store returned it.
func ParseEnvelope(id UUID, wire string, stream Stream, data, metadata []byte) (Envelope, error) {
	env := Envelope{ID: id, Type: wire, Stream: stream}
	err := SplitObject(data, func(key, value []byte) (err error) {
		switch string(key) {
		case "facts":
			env.Facts = value
		case "sealed":
			env.Sealed, err = parseBytes(value)
		case "files":
			env.Files, err = parseBytes(value)
		}
		return err
	})
	if err != nil {
		return env, fmt.Errorf("parse data of %s: %w", wire, err)
	}
	if env.Meta, err = parseMeta(metadata); err != nil {
		return env, fmt.Errorf("parse metadata of %s: %w", wire, err)
	}
	if len(env.Sealed) != len(env.Meta.Segments) {
		return env, fmt.Errorf("parse %s: %d sealed segments for %d in the table", wire, len(env.Sealed), len(env.Meta.Segments))
	}
	return env, nil
}
