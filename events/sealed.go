package events

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"
)

// State says what came of opening a sealed segment (PRIVACY 0.7).
type State uint8

// The results of opening. Unopened is the zero value: nobody asked. Folds only
// ever see Unopened, so that a replay gives the same state whatever was erased.
const (
	Unopened State = iota
	Plain
	Erased
	Restricted
	Denied
	Masked // a part of the value, such as j***@e…
)

// String names the state as the HTTP API does.
func (s State) String() string {
	return [...]string{"unopened", "plain", "erased", "restricted", "denied", "masked"}[s]
}

// Tombstone is what stays of a destroyed key: that it was destroyed, by which
// order, for what cause ("subject", "retention", "redaction", …) and when.
type Tombstone struct {
	Order UUID      `json:"order"`
	Cause string    `json:"cause"`
	At    time.Time `json:"at"`
}

// KID names the key of one segment: 32 hexadecimal digits, random.
type KID string

// Sealed is one segment of an event: the part that belongs to one person, one
// data category and one retention class. The value rests encrypted under a key
// of its own; here it is present only while its State is Plain.
//
// A field of this type carries the tag
//
//	seg:"category,class,Field,purpose…"
//
// where Field is the field of the same struct that names the subject.
type Sealed[T any] struct {
	value T
	state State
	tomb  Tombstone
	why   string
}

// Seal makes a segment of a value that is still to be sealed.
func Seal[T any](v T) Sealed[T] { return Sealed[T]{value: v, state: Plain} }

// Open returns the value and what came of opening it; the value is zero unless
// the state is Plain, or Masked: then it shows a part of the truth.
func (s Sealed[T]) Open() (T, State) { return s.value, s.state }

// Value returns the value, zero unless the state is Plain or Masked.
func (s Sealed[T]) Value() T { return s.value }

// State says what came of opening the segment.
func (s Sealed[T]) State() State { return s.state }

// Tombstone returns what is left of an erased segment.
func (s Sealed[T]) Tombstone() (Tombstone, bool) { return s.tomb, s.state == Erased }

// Why returns the rule behind Restricted or Denied, for the agent.
func (s Sealed[T]) Why() string { return s.why }

const redacted = "[sealed]"

// String hides the value from %v and %s.
func (s Sealed[T]) String() string { return redacted }

// GoString hides the value from %#v.
func (s Sealed[T]) GoString() string { return redacted }

// Format hides the value from every other verb.
func (s Sealed[T]) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue hides the value from slog.
func (s Sealed[T]) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON hides the value from encoding/json; the codec does not use it.
func (s Sealed[T]) MarshalJSON() ([]byte, error) { return json.Marshal(redacted) }

// UnmarshalJSON refuses: a segment is only filled by opening it.
func (s *Sealed[T]) UnmarshalJSON([]byte) error {
	return fmt.Errorf("unmarshal segment: segments are opened, not parsed")
}

// segment is how the codec reaches into a Sealed of any type.
type segment interface {
	plain() ([]byte, bool, error)
	fill(plain []byte) error
	partly(plain []byte) error
	mark(state State, tomb Tombstone, why string)
}

func (s *Sealed[T]) plain() ([]byte, bool, error) {
	if s.state != Plain {
		return nil, false, nil
	}
	// Without escaping for HTML pages, which would make mail six times as long.
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(s.value)
	return b.Bytes(), true, err
}

func (s *Sealed[T]) fill(plain []byte) error {
	s.state = Plain
	return json.Unmarshal(plain, &s.value)
}

func (s *Sealed[T]) partly(plain []byte) error {
	s.state = Masked
	return json.Unmarshal(plain, &s.value)
}

func (s *Sealed[T]) mark(state State, tomb Tombstone, why string) {
	*s = Sealed[T]{state: state, tomb: tomb, why: why}
}

// Blob is a file that belongs to a segment of the same event and is sealed with
// that segment's key: the raw mail, an attachment of a form, a rendered message.
// Small ones travel inside the event, others rest in the blob store under the
// digest of their ciphertext.
//
// A field of type Blob or []Blob carries the tag blob:"Field", the segment whose
// key it shares.
type Blob struct {
	KID    KID    `json:"kid"`
	Size   int64  `json:"size"`   // bytes of plaintext
	Digest Hash   `json:"digest"` // SHA-256 of the ciphertext
	Ref    BlobAt `json:"ref"`    // what the ciphertext is bound to

	// Inline is the ciphertext of a file that travels inside its event. On the wire
	// it stands beside the facts, in Envelope.Files, and Carried is its number
	// there, from 1 on: a decoder of facts does not go over kilobytes of it.
	Inline  []byte `json:"inline,omitempty"`
	Carried int    `json:"carried,omitempty"`

	plain []byte
}

// BlobAt is the associated data of a blob's ciphertext: it opens only as this
// file of this event.
type BlobAt struct {
	Event UUID   `json:"event"`
	Field string `json:"field"`
	Index int    `json:"index"`
}

// NewBlob makes a blob of bytes that are still to be sealed. It keeps b.
func NewBlob(b []byte) Blob { return Blob{Size: int64(len(b)), plain: b} }

// Pending returns the bytes given to NewBlob, nil once sealed.
func (b Blob) Pending() []byte { return b.plain }

// Empty reports whether there is no file at all.
func (b Blob) Empty() bool { return b.KID == "" && b.plain == nil }

// Format hides a blob's bytes from every verb.
func (b Blob) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue hides a blob's bytes from slog.
func (b Blob) LogValue() slog.Value { return slog.StringValue(redacted) }
