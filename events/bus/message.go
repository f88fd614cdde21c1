package bus

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/westshore/hub/events"
)

// Message is a CloudEvent 1.0 in structured JSON, so that a worker in any
// language can read it (https://github.com/cloudevents/spec, v1.0.2).
type Message struct {
	SpecVersion string          `json:"specversion"`
	ID          string          `json:"id"`
	Source      string          `json:"source"`
	Type        string          `json:"type"`
	Subject     string          `json:"subject,omitempty"`
	Time        time.Time       `json:"time"`
	ContentType string          `json:"datacontenttype"`
	Data        json.RawMessage `json:"data"`

	// To is the NATS subject; it is not part of the CloudEvent.
	To Subject `json:"-"`
	// Key keeps messages in order: those with the same key are handled one after
	// the other. Empty: in any order. A random id, never personal data.
	Key string `json:"-"`
	// Deliveries counts how often the message was handed out, from 1.
	Deliveries int `json:"-"`
}

// New makes a message with JSON data. The id also is the de-duplication key:
// two publishes of one id within two minutes are one message.
func New(to Subject, id, source, kind string, at time.Time, data any) (Message, error) {
	b, err := json.Marshal(data)
	if err != nil {
		return Message{}, fmt.Errorf("encode message %s: %w", kind, err)
	}
	return Message{
		SpecVersion: "1.0", ID: id, Source: source, Type: kind, Time: at.UTC(),
		ContentType: "application/json", Data: b, To: to,
	}, nil
}

// sealedEvent is the data of a message that carries a sealed event on its way
// to the journal.
type sealedEvent struct {
	Meta   events.Meta     `json:"meta"`
	Facts  json.RawMessage `json:"facts"`
	Sealed [][]byte        `json:"sealed,omitempty"`
}

// FromEnvelope makes a message of a sealed event.
func FromEnvelope(to Subject, source string, env events.Envelope) (Message, error) {
	m, err := New(to, env.ID.String(), source, env.Type, env.Meta.At, sealedEvent{env.Meta, env.Facts, env.Sealed})
	m.Subject = string(env.Stream)
	return m, err
}

// Envelope reads back what FromEnvelope made.
func (m Message) Envelope() (events.Envelope, error) {
	var d sealedEvent
	if err := json.Unmarshal(m.Data, &d); err != nil {
		return events.Envelope{}, fmt.Errorf("read message %s: %w", m.ID, err)
	}
	id, err := events.ParseUUID(m.ID)
	if err != nil {
		return events.Envelope{}, fmt.Errorf("read message: %w", err)
	}
	if len(d.Sealed) != len(d.Meta.Segments) {
		return events.Envelope{}, fmt.Errorf("read message %s: %d sealed segments for %d in the table", m.ID, len(d.Sealed), len(d.Meta.Segments))
	}
	return events.Envelope{ID: id, Type: m.Type, Stream: events.Stream(m.Subject), Meta: d.Meta, Facts: d.Facts, Sealed: d.Sealed}, nil
}
