package tickets

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/projections/sqldb"
)

// Conversation is a ticket with its messages, of one moment.
type Conversation struct {
	Ticket       Ticket
	Messages     []Message
	Participants []events.Address // who takes part, without agents
}

// Read returns a ticket (by id or number) and its messages, oldest first,
// opened for the principal who reads.
func (v *View) Read(ctx context.Context, as events.Principal, idOrNumber string) (Conversation, error) {
	var c Conversation
	var boxes [][]byte
	err := v.DB().Read(ctx, func(tx *sqldb.Tx) error {
		t, n, err := find(tx, idOrNumber)
		if err != nil {
			return err
		}
		c.Ticket = t
		c.Messages, boxes, err = messages(tx, n)
		return err
	})
	if err != nil {
		return Conversation{}, fmt.Errorf("read ticket: %w", err)
	}
	if err := v.fill(ctx, as, c.Messages, boxes); err != nil {
		return Conversation{}, fmt.Errorf("read ticket: %w", err)
	}
	for i := range c.Messages {
		if m := &c.Messages[i]; m.Kind == Auto && c.Ticket.Customer.Address != "" {
			m.To = []events.Address{{Name: c.Ticket.Customer.Name, Address: c.Ticket.Customer.Address}}
		}
	}
	c.Participants = participants(c.Messages)
	return c, nil
}

// Messages is Read without the ticket.
func (v *View) Messages(ctx context.Context, as events.Principal, ticket events.TicketID) ([]Message, error) {
	c, err := v.Read(ctx, as, string(ticket))
	return c.Messages, err
}

const selectMessages = `SELECT m.id, m.kind, m.at, m.agent, m.class, m.why, m.warnings, m.unverified, m.commit_pos, m.prepare_pos,
	coalesce(b.sealed, x''), coalesce(rb.sealed, x''), d.message IS NOT NULL, EXISTS (SELECT 1 FROM files f WHERE f.box = m.box AND f.file = 0)
	FROM messages m LEFT JOIN boxes b ON b.n = m.box LEFT JOIN redactions d ON d.message = m.id LEFT JOIN boxes rb ON rb.n = d.box WHERE m.ticket = ? ORDER BY m.seq`

// messages reads the rows of a conversation, with what is still sealed: two boxes
// for each, the message and what a redaction left of it.
func messages(tx *sqldb.Tx, ticket int64) ([]Message, [][]byte, error) {
	var out []Message
	var boxes [][]byte
	var agents []string
	err := tx.Query(func(scan func(...any) error) error {
		var m Message
		var agent, warnings string
		var at, commit, prepare int64
		var box, rest []byte
		if err := scan(&m.ID, &m.Kind, &at, &agent, &m.Class, &m.Why, &warnings, &m.Unverified, &commit, &prepare, &box, &rest, &m.Redacted, &m.Raw); err != nil {
			return err
		}
		m.At, m.QuoteFrom = micros(at), -1
		m.Position = events.Position{Commit: uint64(commit), Prepare: uint64(prepare)}
		var err error
		m.Warnings, err = list(warnings)
		out, boxes, agents = append(out, m), append(boxes, box, rest), append(agents, agent)
		return err
	}, selectMessages, ticket)
	if err != nil {
		return nil, nil, err
	}
	names := agentNames{tx: tx}
	for i := range out {
		if out[i].Agent, err = names.get(agents[i]); err != nil {
			return nil, nil, err
		}
	}
	return out, boxes, deliveries(tx, ticket, out)
}

// rank orders the states of a message to several recipients: the worst counts.
var rank = map[string]int{"accepted": 1, "cancelled": 2, "queued": 3, "deferred": 4, "held": 5, "unknown": 6, "failed": 7, "bounced": 8}

func deliveries(tx *sqldb.Tx, ticket int64, out []Message) error {
	at := map[string]*Message{}
	for i := range out {
		if k := out[i].Kind; k == Reply || k == Auto {
			at[out[i].ID] = &out[i]
		}
	}
	for _, m := range at {
		err := tx.Query(func(scan func(...any) error) error {
			var state, detail string
			var sendAt int64
			if err := scan(&state, &detail, &sendAt); err != nil {
				return err
			}
			if rank[state] > rank[m.Delivery] {
				m.Delivery, m.DeliveryDetail, m.SendAt = state, detail, time.Time{}
				if state == "queued" {
					m.SendAt = micros(sendAt)
				}
			}
			return nil
		}, `SELECT state, detail, send_at FROM deliveries WHERE message = ? AND ticket = ? ORDER BY outbound`, m.ID, ticket)
		if err != nil {
			return err
		}
		if m.Delivery == "" && m.Kind == Reply {
			m.Delivery = "queued" // written, and on its way to the outbox
		}
	}
	return nil
}

// fill opens what is sealed and completes the messages.
func (v *View) fill(ctx context.Context, as events.Principal, out []Message, boxes [][]byte) error {
	opened, err := v.openBoxes(ctx, as, boxes)
	if err != nil {
		return err
	}
	for i := range out {
		text := boxes[2*i]
		if len(boxes[2*i+1]) > 0 {
			text = boxes[2*i+1] // what a redaction left of it
		}
		if out[i].KIDs, err = textKeys(text); err != nil {
			return err
		}
		out[i].fill(opened[2*i])
		if e, ok := opened[2*i+1].(events.MessageRedacted); ok {
			out[i].supersede(e)
		}
		if opened[2*i] == nil && out[i].Kind != Auto {
			out[i].State = events.Erased // its ticket was archived, and the view read anew since
		}
		if out[i].State == events.Unopened {
			out[i].State = events.Denied
		}
	}
	return nil
}

// textKeys names the keys of what was written, not of names and addresses.
func textKeys(box []byte) ([]events.KID, error) {
	if len(box) == 0 {
		return nil, nil
	}
	env, err := unpack(box)
	if err != nil {
		return nil, err
	}
	var out []events.KID
	for _, s := range env.Meta.Segments {
		if s.Category == events.Communication {
			out = append(out, s.KID)
		}
	}
	return out, nil
}

func (m *Message) fill(e events.Event) {
	switch e := e.(type) {
	case events.InquiryReceived:
		letter, state := e.Letter.Open()
		m.State = state
		m.From = e.Contact.Value()
		m.To, m.Cc, m.Subject, m.Fields, m.Cut = letter.To, letter.Cc, letter.Subject, letter.Fields, letter.Cut
		m.Text, m.HTML, m.Attachments = letter.Text, letter.HTML, letter.Attachments
		if state == events.Plain {
			m.QuoteFrom = letter.QuoteFrom
		}
	case events.ReplyWritten:
		m.wrote(e.Answer)
		envelope := e.Envelope.Value()
		m.To, m.Cc, m.Subject = envelope.To, envelope.Cc, envelope.Subject
		for i, f := range e.Answer.Value().Files {
			m.Attachments = append(m.Attachments, events.Attachment{ID: strconv.Itoa(i + 1), Name: f.Name, Type: f.Type, Size: f.Size, File: i + 1})
		}
	case events.NoteAdded:
		m.wrote(e.Note)
	default: // nothing in it is sealed
		m.State = events.Plain
	}
}

func (m *Message) wrote(answer events.Sealed[events.Answer]) {
	a, state := answer.Open()
	m.State, m.Text, m.HTML = state, a.Text, a.HTML
	if m.Agent != nil {
		m.From = events.Address{Name: m.Agent.Name}
	}
}

// participants lists everybody who wrote or was written to, once.
func participants(all []Message) []events.Address {
	out := []events.Address{}
	seen := map[string]int{}
	for _, m := range all {
		var who []events.Address
		switch m.Kind {
		case Inbound:
			who = append([]events.Address{m.From}, m.Cc...)
		case Reply:
			who = append(append(who, m.To...), m.Cc...)
		default: // a note stays inside, an acknowledgement names nobody new
		}
		for _, a := range who {
			i, known := seen[a.Address]
			switch {
			case a.Address == "":
			case !known:
				seen[a.Address] = len(out)
				out = append(out, a)
			case out[i].Name == "":
				out[i].Name = a.Name
			}
		}
	}
	return out
}

// openBoxes opens sealed events in one go; an empty box gives nil. The opener
// returns all events beside the report of an incident (a lost key, changed
// bytes), with the damaged segments Unopened: they never hide the rest, and are
// never shown as erased (PRIVACY 0.7).
func (v *View) openBoxes(ctx context.Context, as events.Principal, boxes [][]byte) ([]events.Event, error) {
	out := make([]events.Event, len(boxes))
	envs := make([]events.Envelope, 0, len(boxes))
	index := make([]int, 0, len(boxes))
	for i, b := range boxes {
		if len(b) == 0 {
			continue
		}
		env, err := unpack(b)
		if err != nil {
			return nil, err
		}
		envs, index = append(envs, env), append(index, i)
	}
	if len(envs) == 0 {
		return out, nil
	}
	opened, err := v.open(ctx, as, envs)
	if err != nil {
		if len(opened) != len(envs) || ctx.Err() != nil {
			return nil, err
		}
		v.log.Error("privacy incident: a segment cannot be opened and has no tombstone", "error", err)
	}
	for k, e := range opened {
		out[index[k]] = e
	}
	return out, nil
}

// File returns a file of a message: 0 is the raw mail, from 1 on the files of a
// form or of an answer in the order of their attachments' File. It is still sealed. message is a Message.ID or an InquiryID from the quarantine.
func (v *View) File(ctx context.Context, message string, file int) (blob events.Blob, err error) {
	err = v.DB().Read(ctx, func(tx *sqldb.Tx) error {
		var meta string
		var inline []byte
		ok, err := tx.Row(`SELECT blob, inline FROM files WHERE file = ?2 AND box IN
			(SELECT box FROM inquiries WHERE id = ?1 UNION ALL SELECT box FROM messages WHERE kind = 'reply' AND id = ?1)`, message, file).
			Find(&meta, &inline)
		if err != nil {
			return fmt.Errorf("find file: %w", err)
		}
		if !ok {
			return ErrNotFound
		}
		if err := json.Unmarshal([]byte(meta), &blob); err != nil {
			return fmt.Errorf("find file: %w", err)
		}
		blob.Inline = inline
		return nil
	})
	return blob, err
}
