package tickets

import (
	"context"
	"fmt"
	"strings"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/projections/sqldb"
)

// History returns what happened to a ticket (by id or number), oldest first.
func (v *View) History(ctx context.Context, idOrNumber string) (out []Line, err error) {
	err = v.DB().Read(ctx, func(tx *sqldb.Tx) error {
		_, n, err := find(tx, idOrNumber)
		if err != nil {
			return err
		}
		var args []string
		err = tx.Query(func(scan func(...any) error) error {
			var l Line
			var at, commit, prepare int64
			var arg string
			err := scan(&commit, &prepare, &at, &l.Type, &l.Actor, &arg)
			l.Position, l.At = events.Position{Commit: uint64(commit), Prepare: uint64(prepare)}, micros(at)
			out, args = append(out, l), append(args, arg)
			return err
		}, `SELECT commit_pos, prepare_pos, at, type, actor, arg FROM history WHERE ticket = ? ORDER BY commit_pos, prepare_pos`, n)
		if err != nil {
			return err
		}
		names := agentNames{tx: tx}
		for i := range out {
			if err := out[i].tell(&names, args[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read history: %w", err)
	}
	return out, nil
}

// sentences says each event as a person would; %s is its argument.
var sentences = map[string]string{
	"TicketOpened":           "Opened by %s",
	"MessageAttached":        "Message received",
	"MessageDetached":        "Message moved to another ticket: %s",
	"MessageComplained":      "The recipient called it unwanted: %s",
	"AcknowledgementWritten": "Acknowledgement written",
	"ReplyWritten":           "Reply written",
	"NoteAdded":              "Note added",
	"MessageRedacted":        "Message redacted: %s",
	"SegmentsErased":         "Personal data erased: %s",
	"TicketAssigned":         "Assigned to %s",
	"TicketUnassigned":       "Unassigned",
	"PriorityChanged":        "Priority set to %s",
	"TagAdded":               "Tag %s added",
	"TagRemoved":             "Tag %s removed",
	"TicketResolved":         "Resolved",
	"TicketReopened":         "Reopened: %s",
	"TicketArchived":         "Its text was destroyed; facts are left",
	"DeliveryFailed":         "Delivery failed: %s",
	"DeliveryUnknown":        "Delivery unknown: %s",
	"DeliveryResolved":       "Delivery settled by a person: %s",
	"MessageBounced":         "Returned by the recipient's server: %s",
	"MessageCancelled":       "Delivery cancelled",
}

// causes are the arguments of TicketReopened.
var causes = map[string]string{
	"agent": "by an agent", "message": "the customer wrote again", "delivery": "a reply could not be delivered",
}

// lost are the arguments of DeliveryUnknown.
var lost = map[string]string{
	"connection_lost": "the connection broke after the message had gone out",
	"worker_lost":     "the hub stopped while the message was going out",
}

// tell makes the line readable.
func (l *Line) tell(names *agentNames, arg string) error {
	switch l.Type {
	case "TicketAssigned":
		agent, err := names.get(arg)
		if err != nil {
			return err
		}
		if agent != nil && agent.Name != "" {
			arg = agent.Name
		}
	case "TicketReopened":
		if c, ok := causes[arg]; ok {
			arg = c
		}
	case "DeliveryUnknown":
		if w, ok := lost[arg]; ok {
			arg = w
		}
	}
	l.Text = sentences[l.Type]
	if strings.Contains(l.Text, "%s") {
		l.Text = strings.TrimRight(strings.ReplaceAll(l.Text, "%s", arg), ": ")
	}
	if id, ok := strings.CutPrefix(l.Actor, "agent:"); ok {
		agent, err := names.get(id)
		if err != nil {
			return err
		}
		if agent.Name != "" {
			l.Actor = agent.Name
		}
	}
	return nil
}
