package disclosure

import (
	"context"
	"fmt"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
)

const (
	// grantMost is the longest that an access to a case's file may last.
	grantMost = 7 * 24 * time.Hour
	// caseMonth is how long a case runs, and how much one extension adds: no case goes
	// on in silence.
	caseMonth = 1
)

// file is where a case stands.
type file struct {
	opened  events.InvestigationOpened
	closed  bool
	until   time.Time
	asked   map[events.AgentID]events.CaseAccessAsked
	granted map[events.AgentID]events.CaseAccessGranted
}

func foldCase(history []events.Recorded) file {
	f := file{asked: map[events.AgentID]events.CaseAccessAsked{}, granted: map[events.AgentID]events.CaseAccessGranted{}}
	for _, rec := range history {
		switch e := rec.Event.(type) {
		case events.InvestigationOpened:
			f.opened, f.until = e, e.Until
		case events.CaseAccessAsked:
			f.asked[e.By] = e
		case events.CaseAccessGranted:
			f.granted[e.Agent] = e
			delete(f.asked, e.Agent)
		case events.InvestigationExtended:
			f.until = e.Until
		case events.InvestigationClosed:
			f.closed = true
		}
	}
	return f
}

// OpenCase begins an investigation ("fraud") or a dispute. Who opens it cannot read
// its file before a second person lets them in.
func (o *Office) OpenCase(ctx context.Context, by journal.By, agent events.AgentID, kind string, subjects []events.SubjectID, tickets []events.TicketID, note events.CaseNote) (events.CaseID, error) {
	if kind != "fraud" && kind != "dispute" || note.Title == "" {
		return "", refuse("kind", "A case is about a fraud or a dispute, and has a title.")
	}
	id := events.CaseID(fresh("case", by))
	_, err := o.j.Execute(ctx, events.CaseStream(id), by, func(history []events.Recorded) ([]events.Event, error) {
		if len(history) > 0 {
			return nil, nil
		}
		return []events.Event{events.InvestigationOpened{
			Case: id, Kind: kind, Subjects: subjects, Tickets: tickets, By: agent, Owner: events.SubjectID(id),
			Until: o.cfg.Now().AddDate(0, caseMonth, 0).UTC(), Note: events.Seal(note),
		}}, nil
	})
	if err != nil {
		return "", fmt.Errorf("open case: %w", err)
	}
	return id, nil
}

func (o *Office) onCase(ctx context.Context, by journal.By, id events.CaseID, decide func(file) ([]events.Event, error)) error {
	if !valid(string(id)) {
		return ErrNotFound
	}
	_, err := o.j.Execute(ctx, events.CaseStream(id), by, func(history []events.Recorded) ([]events.Event, error) {
		f := foldCase(history)
		switch {
		case f.opened.Case == "":
			return nil, ErrNotFound
		case f.closed:
			return nil, refuse("closed", "This case is closed.")
		}
		return decide(f)
	})
	if err != nil {
		return fmt.Errorf("change case: %w", err)
	}
	return nil
}

// AddNote adds to a case's file; adding does not let anybody read.
func (o *Office) AddNote(ctx context.Context, by journal.By, agent events.AgentID, id events.CaseID, note events.CaseNote) error {
	return o.onCase(ctx, by, id, func(f file) ([]events.Event, error) {
		return []events.Event{events.CaseNoteAdded{Case: id, By: agent, Owner: f.opened.Owner, Note: events.Seal(note)}}, nil
	})
}

// AskAccess asks to be let into a case's file, for at most a week.
func (o *Office) AskAccess(ctx context.Context, by journal.By, agent events.AgentID, id events.CaseID, reason string, until time.Time) error {
	now := o.cfg.Now()
	if reason == "" || !until.After(now) || until.After(now.Add(grantMost)) {
		return refuse("access", "Say why, and until when: a week at most.")
	}
	return o.onCase(ctx, by, id, func(file) ([]events.Event, error) {
		return []events.Event{events.CaseAccessAsked{Case: id, By: agent, Reason: reason, Until: until.UTC()}}, nil
	})
}

// GrantAccess lets somebody in who asked, by a second person.
func (o *Office) GrantAccess(ctx context.Context, by journal.By, second events.AgentID, id events.CaseID, agent events.AgentID) error {
	return o.onCase(ctx, by, id, func(f file) ([]events.Event, error) {
		ask, ok := f.asked[agent]
		if !ok {
			return nil, refuse("not_asked", "This person did not ask for access.")
		}
		if err := o.second(ctx, agent, second); err != nil {
			return nil, err
		}
		return []events.Event{events.CaseAccessGranted{Case: id, Agent: agent, Approved: second, Until: ask.Until}}, nil
	})
}

// Entry is one entry of a case's file.
type Entry struct {
	At   time.Time
	By   events.AgentID
	Note events.CaseNote
}

// ReadCase opens a case's file for somebody who was let in and whose time is not
// over. Every reading is noted before anything is shown.
func (o *Office) ReadCase(ctx context.Context, by journal.By, agent events.AgentID, id events.CaseID) ([]Entry, error) {
	if !valid(string(id)) {
		return nil, ErrNotFound
	}
	facts, err := o.j.Load(ctx, events.CaseStream(id), nil)
	if err != nil {
		return nil, fmt.Errorf("read case: %w", err)
	}
	f := foldCase(facts)
	if f.opened.Case == "" {
		return nil, ErrNotFound
	}
	g, ok := f.granted[agent]
	if !ok || !o.cfg.Now().Before(g.Until) {
		return nil, &Refusal{code: "forbidden", Reason: "not_granted", Sentence: "A second person has to let you into this file first."}
	}
	sealed := 0
	for _, rec := range facts {
		sealed += len(rec.Meta.Segments)
	}
	if _, err := o.j.Append(ctx, events.CaseStream(id), events.AnyRevision, by, events.DataAccessed{Case: id, By: agent, Segments: sealed}); err != nil {
		return nil, fmt.Errorf("note the reading of a case: %w", err)
	}
	who := events.Principal{
		Actor: events.AgentActor(agent), Role: events.RoleInvestigator, Purpose: events.PurposeFraud,
		Matter: string(id), Second: events.AgentActor(g.Approved),
	}
	history, err := o.j.Load(ctx, events.CaseStream(id), &who)
	if err != nil {
		return nil, fmt.Errorf("read case: %w", err)
	}
	var out []Entry
	for _, rec := range history {
		switch e := rec.Event.(type) {
		case events.InvestigationOpened:
			out = append(out, Entry{rec.Meta.At, e.By, e.Note.Value()})
		case events.CaseNoteAdded:
			out = append(out, Entry{rec.Meta.At, e.By, e.Note.Value()})
		}
	}
	return out, nil
}

// ExtendCase lets a case go on for one more month, by somebody else than its opener.
func (o *Office) ExtendCase(ctx context.Context, by journal.By, second events.AgentID, id events.CaseID) error {
	return o.onCase(ctx, by, id, func(f file) ([]events.Event, error) {
		if err := o.second(ctx, f.opened.By, second); err != nil {
			return nil, err
		}
		return []events.Event{events.InvestigationExtended{Case: id, Approved: second, Until: f.until.AddDate(0, caseMonth, 0)}}, nil
	})
}

// CloseCase ends a case. An enforcement names the clause of the policy it rests on.
func (o *Office) CloseCase(ctx context.Context, by journal.By, agent events.AgentID, id events.CaseID, outcome, clause string) error {
	if outcome == "" || outcome == "enforced" && clause == "" {
		return refuse("outcome", "Say what came of it; an enforcement names its clause.")
	}
	return o.onCase(ctx, by, id, func(file) ([]events.Event, error) {
		return []events.Event{events.InvestigationClosed{Case: id, Outcome: outcome, Clause: clause, By: agent}}, nil
	})
}
