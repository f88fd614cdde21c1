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
	Data        json.RawMessage `json:"data,omitempty"`

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

// FromEnvelope makes a message of a sealed event on its way to the journal. Its
// data is {"meta":{…},"event":{"facts":{…},"sealed":[…]}}.
func FromEnvelope(to Subject, source string, env events.Envelope) (Message, error) {
	meta, err := env.Metadata()
	if err != nil {
		return Message{}, fmt.Errorf("encode message %s: %w", env.Type, err)
	}
	data := append([]byte(`{"meta":`), meta...)
	data = append(append(append(data, `,"event":`...), env.Data()...), '}')
	return Message{
		SpecVersion: "1.0", ID: env.ID.String(), Source: source, Type: env.Type, Subject: string(env.Stream),
		Time: env.Meta.At.UTC(), ContentType: "application/json", Data: data, To: to,
	}, nil
}

// Envelope reads back what FromEnvelope made.
func (m Message) Envelope() (events.Envelope, error) {
	id, err := events.ParseUUID(m.ID)
	if err != nil {
		return events.Envelope{}, fmt.Errorf("read message: %w", err)
	}
	var meta, event []byte
	err = events.SplitObject(m.Data, func(key, value []byte) error {
		switch string(key) {
		case "meta":
			meta = value
		case "event":
			event = value
		}
		return nil
	})
	if err != nil {
		return events.Envelope{}, fmt.Errorf("read message %s: %w", m.ID, err)
	}
	env, err := events.ParseEnvelope(id, m.Type, events.Stream(m.Subject), event, meta)
	if err != nil {
		return env, fmt.Errorf("read message %s: %w", m.ID, err)
	}
	return env, nil
}

// encode prints the CloudEvent. Its data goes in as it is: a general encoder
// would go over kilobytes of ciphertext again.
func (m Message) encode() ([]byte, error) {
	data := m.Data
	m.Data = nil
	head, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode message %s: %w", m.ID, err)
	}
	out := make([]byte, 0, len(head)+len(data)+16)
	out = append(out, head[:len(head)-1]...)
	out = append(append(out, `,"data":`...), data...)
	return append(out, '}'), nil
}

// decode reads a CloudEvent.
func decode(doc []byte) (m Message, err error) {
	head := []byte{'{'}
	err = events.SplitObject(doc, func(key, value []byte) error {
		if string(key) == "data" {
			m.Data = value
			return nil
		}
		if len(head) > 1 {
			head = append(head, ',')
		}
		head = append(append(append(head, '"'), key...), '"', ':')
		head = append(head, value...)
		return nil
	})
	if err != nil {
		return m, err
	}
	data := m.Data
	err = json.Unmarshal(append(head, '}'), &m)
	m.Data = data
	return m, err
}
