package tickets

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/westshore/hub/events"
)

// A box keeps an event's sealed segments with the metadata that opening needs.
// The facts stand in columns and are left out, unless the event was written
// under an older schema and has to be lifted when it is opened.
//
// Format 1, all in one BLOB: the byte 1; then, each as uvarint length and bytes
// (numbers: as uvarint or varint): event id, wire type, stream, facts; schema
// version, recorded time (Unix nanoseconds), actor, correlation, causation,
// policy, schedule; number of segments, and for each: field, kid, subject,
// category, class, number of purposes, purposes, commitment, ciphertext.
const boxFormat = 1

type packer struct{ b []byte }

func (p *packer) bytes(b []byte) {
	p.b = binary.AppendUvarint(p.b, uint64(len(b)))
	p.b = append(p.b, b...)
}

func (p *packer) text(s string) {
	p.b = binary.AppendUvarint(p.b, uint64(len(s)))
	p.b = append(p.b, s...)
}

func (p *packer) number(n int64) { p.b = binary.AppendVarint(p.b, n) }

var currentVersion = func() map[string]int {
	m := map[string]int{}
	for _, k := range events.Catalogue() {
		m[events.TypePrefix+k.Name] = k.Version
	}
	return m
}()

func pack(env events.Envelope) []byte {
	facts := "{}"
	if env.Meta.Version != currentVersion[env.Type] {
		facts = string(env.Facts)
	}
	size := 256 + len(facts)
	for _, c := range env.Sealed {
		size += len(c) + 192
	}
	p := packer{make([]byte, 0, size)}
	p.b = append(p.b, boxFormat)
	p.bytes(env.ID[:])
	p.text(env.Type)
	p.text(string(env.Stream))
	p.text(facts)
	m := env.Meta
	p.number(int64(m.Version))
	p.number(m.At.UnixNano())
	p.text(string(m.Actor))
	p.bytes(m.Correlation[:])
	p.bytes(m.Causation[:])
	p.text(m.Policy)
	p.number(int64(m.Schedule))
	p.number(int64(len(m.Segments)))
	for i, s := range m.Segments {
		p.text(s.Field)
		p.text(string(s.KID))
		p.text(string(s.Subject))
		p.text(string(s.Category))
		p.text(string(s.Class))
		p.number(int64(len(s.Purposes)))
		for _, u := range s.Purposes {
			p.text(string(u))
		}
		p.bytes(s.Commit)
		p.bytes(env.Sealed[i])
	}
	return p.b
}

var errBox = errors.New("malformed box")

type unpacker struct {
	b   []byte
	bad bool
}

func (u *unpacker) bytes() []byte {
	n, k := binary.Uvarint(u.b)
	if k <= 0 || n > uint64(len(u.b)-k) {
		u.bad, u.b = true, nil
		return nil
	}
	out := u.b[k : k+int(n)]
	u.b = u.b[k+int(n):]
	return out
}

func (u *unpacker) text() string { return string(u.bytes()) }

func (u *unpacker) id() (id events.UUID) {
	if copy(id[:], u.bytes()) != len(id) {
		u.bad = true
	}
	return id
}

func (u *unpacker) number() int64 {
	n, k := binary.Varint(u.b)
	if k <= 0 {
		u.bad, u.b = true, nil
		return 0
	}
	u.b = u.b[k:]
	return n
}

// unpack keeps b.
func unpack(b []byte) (events.Envelope, error) {
	var env events.Envelope
	if len(b) == 0 || b[0] != boxFormat {
		return env, errBox
	}
	u := unpacker{b: b[1:]}
	env.ID = u.id()
	env.Type, env.Stream, env.Facts = u.text(), events.Stream(u.text()), u.bytes()
	m := &env.Meta
	m.Version = int(u.number())
	m.At = time.Unix(0, u.number()).UTC()
	m.Actor = events.Actor(u.text())
	m.Correlation, m.Causation = u.id(), u.id()
	m.Policy, m.Schedule = u.text(), int(u.number())
	for n := u.number(); n > 0 && !u.bad; n-- {
		s := events.SegmentRef{
			Field: u.text(), KID: events.KID(u.text()), Subject: events.SubjectID(u.text()),
			Category: events.Category(u.text()), Class: events.Class(u.text()),
		}
		for k := u.number(); k > 0 && !u.bad; k-- {
			s.Purposes = append(s.Purposes, events.Purpose(u.text()))
		}
		s.Commit = u.bytes()
		m.Segments = append(m.Segments, s)
		env.Sealed = append(env.Sealed, u.bytes())
	}
	if u.bad {
		return env, errBox
	}
	return env, nil
}
