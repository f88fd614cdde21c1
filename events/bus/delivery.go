package bus

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/westshore/hub/events"
)

// Task asks a worker to deliver one message on one attempt. It carries no text:
// the worker claims the payload (EVENTS 2).
type Task struct {
	Outbound events.OutboundID `json:"outbound"`
	Attempt  int               `json:"attempt"`
	Channel  events.Channel    `json:"channel"`
}

// TaskMessage puts a task on the bus. Handed out twice by the same dispatcher, it
// is the same message; one that inherits an attempt hands it out anew.
func TaskMessage(t Task, dispatcher string, at time.Time) (Message, error) {
	id := events.DeriveUUID("task", string(t.Outbound), fmt.Sprint(t.Attempt), dispatcher).String()
	return New(OutboundOn(t.Channel), id, "/outbox", "hub.task", at, t)
}

// TaskOf reads a task.
func TaskOf(m Message) (Task, error) {
	var t Task
	if err := json.Unmarshal(m.Data, &t); err != nil || t.Outbound == "" || t.Attempt < 1 {
		return t, fmt.Errorf("read task %s: malformed", m.ID)
	}
	return t, nil
}

// Outcome is how an attempt ended.
type Outcome string

// The outcomes of an attempt (MAIL O2).
const (
	Accepted Outcome = "accepted"
	Deferred Outcome = "deferred"
	Failed   Outcome = "failed"
	Unknown  Outcome = "unknown"
)

// Delivery is a worker's result: codes and classes, never a customer's text.
type Delivery struct {
	Outbound events.OutboundID `json:"outbound"`
	Attempt  int               `json:"attempt"`
	Worker   string            `json:"worker"`
	Outcome  Outcome           `json:"outcome"`
	Class    string            `json:"class,omitempty"` // MAIL O6
	Code     string            `json:"code,omitempty"`  // reply code and enhanced status
	Queue    string            `json:"queue,omitempty"` // the next hop's queue id
	Until    time.Time         `json:"until,omitzero"`  // of Deferred
}

// DeliveryMessage puts a result on the bus.
func DeliveryMessage(channel events.Channel, d Delivery, at time.Time) (Message, error) {
	id := events.DeriveUUID("delivery", string(d.Outbound), fmt.Sprint(d.Attempt), string(d.Outcome)).String()
	return New(DeliveryOn(channel), id, "/worker/"+d.Worker, "hub.delivery", at, d)
}

// DeliveryOf reads a result.
func DeliveryOf(m Message) (Delivery, error) {
	var d Delivery
	if err := json.Unmarshal(m.Data, &d); err != nil || d.Outbound == "" || d.Attempt < 1 {
		return d, fmt.Errorf("read delivery %s: malformed", m.ID)
	}
	_, err := d.Event()
	return d, err
}

// Event is what the result says, as an event.
func (d Delivery) Event() (events.Event, error) {
	switch d.Outcome {
	case Accepted:
		return events.DeliveryAccepted{Outbound: d.Outbound, Attempt: d.Attempt, Code: d.Code, Queue: d.Queue}, nil
	case Deferred:
		return events.DeliveryDeferred{Outbound: d.Outbound, Attempt: d.Attempt, Class: d.Class, Code: d.Code, Until: d.Until}, nil
	case Failed:
		return events.DeliveryFailed{Outbound: d.Outbound, Attempt: d.Attempt, Class: d.Class, Code: d.Code}, nil
	case Unknown:
		return events.DeliveryUnknown{Outbound: d.Outbound, Attempt: d.Attempt, Class: d.Class}, nil
	}
	return nil, fmt.Errorf("read delivery: unknown outcome %q", d.Outcome)
}
