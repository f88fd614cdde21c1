package acceptance_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// What the API answers, as far as the tests look.
type (
	person struct {
		ID, Name, Address string
	}
	ticket struct {
		ID         string
		Number     int64
		Subject    string
		Status     string
		Channel    string
		Customer   person
		Unverified bool
		LastKind   string `json:"last_kind"`
		Related    string
		Messages   []message
	}
	message struct {
		ID             string
		Kind           string
		From           person
		Text           string
		Delivery       string
		DeliveryDetail string `json:"delivery_detail"`
		Unverified     bool
		Class          string
		Warnings       []string
		Why            string
		Attachments    []struct{ Name, Type string }
	}
	outbound struct {
		ID, Kind, To, Subject, State string
		Attempts                     int
		LastCode                     string     `json:"last_code"`
		LastDetail                   string     `json:"last_detail"`
		Ticket                       string     `json:"ticket"`
		Next                         *time.Time `json:"next_attempt_at"`
		MessageID                    string     `json:"message_id"`
	}
	quarantined struct {
		ID, Mailbox, Reason, Detail, From, Subject, State string
	}
	mailboxState struct {
		ID, Address, State string
		LastError          string `json:"last_error"`
	}
	problem struct {
		Code, Title, Detail string
	}
)

// call asks the API with the token. A status that is not 2xx is a refusal.
func (h *hub) call(method, path string, in, out any, header ...string) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(h.t.Context(), method, h.url+"/api/v1"+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+h.token)
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := h.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode/100 != 2 {
		r := &refusal{status: res.StatusCode}
		_ = json.Unmarshal(b, &r.problem)
		return r
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(b, out)
}

type refusal struct {
	status int
	problem
}

func (r *refusal) Error() string { return fmt.Sprintf("%d %s: %s", r.status, r.Code, r.Detail) }

// list reads every page of a list.
func list[T any](h *hub, path string) (all []T, err error) {
	glue := "?"
	if strings.Contains(path, "?") {
		glue = "&"
	}
	after := ""
	for {
		var page struct {
			Items []T
			Next  string
		}
		if err := h.call("GET", path+glue+"limit=200&after="+url.QueryEscape(after), nil, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
		if after = page.Next; after == "" {
			return all, nil
		}
	}
}

func must[T any](h *hub) func(T, error) T {
	return func(v T, err error) T {
		h.t.Helper()
		if err != nil {
			h.t.Fatal(err)
		}
		return v
	}
}

// read returns a ticket with its messages.
func (h *hub) read(id string) (t ticket, err error) {
	err = h.call("GET", "/tickets/"+id, nil, &t)
	return t, err
}

// ticketWith waits for a ticket whose subject holds a text, and returns it with
// its messages.
func (h *hub) ticketWith(subject string) (found ticket) {
	h.t.Helper()
	until(h.t, "a ticket with "+subject, func() (bool, string) {
		all, err := list[ticket](h, "/tickets?view=all")
		if err != nil {
			return false, err.Error()
		}
		for _, t := range all {
			if strings.Contains(t.Subject, subject) {
				found, err = h.read(t.ID)
				return err == nil, fmt.Sprint(err)
			}
		}
		return false, fmt.Sprintf("%d tickets without it", len(all))
	})
	return found
}

// messageIn waits until a ticket holds a message with a text.
func (h *hub) messageIn(id, text string) (t ticket, found message) {
	h.t.Helper()
	until(h.t, "a message with "+text, func() (bool, string) {
		var err error
		if t, err = h.read(id); err != nil {
			return false, err.Error()
		}
		for _, m := range t.Messages {
			if strings.Contains(m.Text, text) {
				found = m
				return true, ""
			}
		}
		return false, fmt.Sprintf("%d other messages", len(t.Messages))
	})
	return t, found
}

// reply answers a ticket.
func (h *hub) reply(id, text string, resolve bool, header ...string) error {
	return h.call("POST", "/tickets/"+id+"/reply", map[string]any{"text": text, "resolve": resolve}, nil, header...)
}

// sent waits until the reply of a ticket is in one of the given states in the
// outbox.
func (h *hub) sent(ticketID string, states ...string) (found outbound) {
	h.t.Helper()
	until(h.t, "a reply that is "+strings.Join(states, " or "), func() (bool, string) {
		all, err := list[outbound](h, "/outbox")
		if err != nil {
			return false, err.Error()
		}
		have := "none"
		for _, o := range all {
			if o.Ticket == ticketID && o.Kind == "reply" {
				found, have = o, o.State
				for _, s := range states {
					if o.State == s {
						return true, ""
					}
				}
			}
		}
		return false, have
	})
	return found
}
