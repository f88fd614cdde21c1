package search

import (
	"context"
	"slices"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/projections/sqldb"
)

// Erase reads a person's messages again with the keys of today, and takes out of
// the index the words that stand in their tickets no more.
func (v *View) Erase(ctx context.Context, tx *sqldb.Tx, subject events.SubjectID) (int, error) {
	var owned []*text
	err := tx.Query(func(scan func(...any) error) error {
		t := &text{owner: subject}
		err := scan(&t.id, &t.ticket, &t.stream, &t.redacted)
		owned = append(owned, t)
		return err
	}, `SELECT id, ticket, stream, redacted FROM texts WHERE owner = ? ORDER BY rowid`, string(subject))
	if err != nil {
		return 0, err
	}
	if err := v.refresh(ctx, owned); err != nil {
		return 0, err
	}
	byTicket := map[int64][]*text{}
	var order []int64
	for _, t := range owned {
		if byTicket[t.ticket] == nil {
			order = append(order, t.ticket)
		}
		byTicket[t.ticket] = append(byTicket[t.ticket], t)
	}
	for _, n := range order {
		if err := replace(tx, n, byTicket[n]); err != nil {
			return 0, err
		}
	}
	return len(owned), nil
}

// replace writes texts anew and moves the ticket's words with them.
func replace(tx *sqldb.Tx, ticket int64, now []*text) error {
	var was, is bag
	if ticket > 0 {
		if err := gather(tx, ticket, &was); err != nil {
			return err
		}
	}
	for _, t := range now {
		if _, err := tx.Exec(`UPDATE texts SET subject = ?, person = ?, body = ? WHERE id = ?`, t.subject, t.person, t.body, t.id); err != nil {
			return err
		}
	}
	if ticket == 0 {
		return nil
	}
	if err := gather(tx, ticket, &is); err != nil {
		return err
	}
	if err := remove(tx, ticket, was.list); err != nil {
		return err
	}
	return add(tx, ticket, is.list)
}

func gather(tx *sqldb.Tx, ticket int64, b *bag) error {
	all, err := texts(tx, ticket)
	for _, t := range all {
		t.words(b)
	}
	return err
}

// refresh fills texts with what their events say today; nothing for an event
// that is gone.
func (v *View) refresh(ctx context.Context, owned []*text) error {
	byStream := map[events.Stream]map[string]*text{}
	var order []events.Stream
	put := func(stream events.Stream, t *text) {
		if byStream[stream] == nil {
			byStream[stream] = map[string]*text{}
			order = append(order, stream)
		}
		byStream[stream][t.id] = t
	}
	for _, t := range owned {
		put(t.stream, t)
	}
	for _, t := range owned {
		if t.redacted != "" && t.redacted != t.stream { // a ticket's stream comes after the inquiry's
			put(t.redacted, t)
		}
	}
	for _, s := range order {
		history, err := v.reload(ctx, s)
		if err != nil {
			return err
		}
		for _, r := range history {
			switch e := r.Event.(type) {
			case events.InquiryReceived:
				if t := byStream[s][string(e.Inquiry)]; t != nil {
					t.inquiry(e)
				}
			case events.ReplyWritten:
				if t := byStream[s][string(e.Message)]; t != nil {
					t.answer(e.Answer.Value())
				}
			case events.NoteAdded:
				if t := byStream[s][string(e.Message)]; t != nil {
					t.answer(e.Note.Value())
				}
			case events.MessageRedacted:
				if t := byStream[s][string(e.Message)]; t != nil {
					t.rest(e)
				}
			}
		}
	}
	return nil
}

// Left counts the texts of a person that can still be found and read.
func (v *View) Left(tx *sqldb.Tx, subject events.SubjectID) (n int, err error) {
	err = tx.Row(`SELECT count(*) FROM texts WHERE owner = ? AND (subject <> '' OR person <> '' OR body <> '')`, string(subject)).Scan(&n)
	return n, err
}

// Each hands over the texts of everybody but the given people, and every word of
// the index, for who has to know whether something still stands there.
func (v *View) Each(ctx context.Context, not []events.SubjectID, record func([]byte) error) error {
	return v.DB().Read(ctx, func(tx *sqldb.Tx) error {
		return tx.Query(func(scan func(...any) error) error {
			var owner events.SubjectID
			var subject, person, body string
			if err := scan(&owner, &subject, &person, &body); err != nil || slices.Contains(not, owner) {
				return err
			}
			return record([]byte(subject + "\n" + person + "\n" + body))
		}, `SELECT owner, subject, person, body FROM texts`)
	})
}

// Words hands over every word of the index. Its file keeps only what a word does
// not share with the one before it, so a search of the bytes would miss some.
func (v *View) Words(ctx context.Context, record func([]byte) error) error {
	return v.DB().Read(ctx, func(tx *sqldb.Tx) error {
		return tx.Query(func(scan func(...any) error) error {
			var word string
			if err := scan(&word); err != nil {
				return err
			}
			return record([]byte(word))
		}, `SELECT term FROM vocabulary`)
	})
}
