package vault

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/westshore/hub/events"
)

// Move is a change of what retention periods run from: the end of a process, the
// last activity of a person, or the process that a stream is bound to.
type Move struct {
	Ref string // the name of a stream, or the id of a subject

	// At is when the process in the stream came to its end (a ticket was closed, a
	// message delivered, a case settled), or when the person was last heard of.
	// Zero takes an end back: the process goes on (a ticket was reopened), and its
	// keys lose their date, except for the longest time from their collection.
	At time.Time

	// Bound, when set, lets the keys of the stream run from the end of another one:
	// those of an inquiry from the end of the ticket it was filed in. Binding again
	// rebinds, and At is passed over.
	Bound string
}

// Move takes changes in their order and dates the keys anew that they concern;
// keys minted later get their date by them too. All the changes stand or none
// does. Keys are dated in batches while other calls go on; what a crash cuts
// short is done when a change of the same Ref is told again. A change that moves
// nothing costs a look.
func (v *Vault) Move(ctx context.Context, moves ...Move) error {
	var refs [][]byte
	for i, m := range moves {
		if m.Ref == "" || m.Ref == m.Bound {
			return errors.New("move retention: a stream or subject is needed, and another one to bind it to")
		}
		if !slices.ContainsFunc(moves[:i], func(was Move) bool { return was.Ref == m.Ref }) {
			refs = append(refs, []byte(m.Ref))
		}
	}
	var moved [][]byte
	cut := false // keys are left for another transaction, or were by an earlier call
	r := redating{
		v: v,
		begin: func(ctx context.Context, w *writer) (scopes []keyScope, err error) {
			if moved, cut, err = v.move(ctx, w, moves, refs); err != nil || len(moved) == 0 {
				return nil, err
			}
			return runFrom(ctx, w, moved)
		},
		pause: func(ctx context.Context, w *writer) error {
			cut = true
			for _, ref := range moved {
				if err := setMark(ctx, w, markMoving+string(ref), []byte{1}); err != nil {
					return err
				}
			}
			return nil
		},
		finish: func(ctx context.Context, w *writer) error {
			for i := 0; cut && i < len(moved); i++ {
				if _, err := w.exec(ctx, "DELETE FROM mark WHERE k = ?", markMoving+string(moved[i])); err != nil {
					return err
				}
			}
			return nil
		},
	}
	return explain("move retention", r.run(ctx))
}

// markMoving and the name of a process or person stand in mark while keys that
// run from it are dated in several transactions.
const markMoving = "moving "

// move writes the changes and returns which of refs start at another time now,
// and whether an earlier call left keys of one of them undated.
func (v *Vault) move(ctx context.Context, w *writer, moves []Move, refs [][]byte) (moved [][]byte, cut bool, err error) {
	before, err := startsOf(ctx, w, refs)
	if err != nil {
		return nil, false, err
	}
	now := maps.Clone(before)
	for _, m := range moves {
		next, change := m.apply(now[m.Ref])
		if !change {
			continue
		}
		now[m.Ref] = next
		if _, err := w.exec(ctx, "INSERT INTO anchor (ref, at, bound) VALUES (?, ?, ?) ON CONFLICT (ref) DO UPDATE SET at = excluded.at, bound = excluded.bound",
			[]byte(m.Ref), next.own, next.to); err != nil {
			return nil, false, err
		}
		if m.Bound != "" {
			if err := v.holdBound(ctx, w, m.Ref); err != nil {
				return nil, false, err
			}
		}
	}
	after, err := startsOf(ctx, w, refs)
	if err != nil {
		return nil, false, err
	}
	for _, ref := range refs {
		was, is := before[string(ref)], after[string(ref)]
		if is.moving || was.own != is.own || was.end != is.end {
			moved, cut = append(moved, ref), cut || is.moving
		}
	}
	return moved, cut, nil
}

// start is what is known of a process or a person.
type start struct {
	own    sql.NullInt64 // its own end
	to     []byte        // the stream it is bound to
	end    sql.NullInt64 // the end that counts: that of the other stream where it is bound
	moving bool          // keys are still to be dated for it
}

// apply returns what is known after a change, and whether it is one.
func (m Move) apply(s start) (start, bool) {
	was := s
	if m.Bound != "" {
		s.to = []byte(m.Bound)
		return s, !bytes.Equal(s.to, was.to)
	}
	s.own = moment(m.At)
	return s, s.own != was.own
}

func startsOf(ctx context.Context, q querier, refs [][]byte) (map[string]start, error) {
	out := make(map[string]start, len(refs))
	err := selectIn(ctx, q, `SELECT a.ref, a.at, a.bound, CASE WHEN a.bound IS NULL THEN a.at ELSE b.at END,
		EXISTS (SELECT 1 FROM mark WHERE k = '`+markMoving+`' || CAST(a.ref AS TEXT))
		FROM anchor a LEFT JOIN anchor b ON b.ref = a.bound WHERE a.ref`, refs, func(r *sql.Rows) error {
		var ref []byte
		var s start
		err := r.Scan(&ref, &s.own, &s.to, &s.end, &s.moving)
		out[string(ref)] = s
		return err
	})
	return out, err
}

// runFrom are the keys that may run from some processes or persons: those in the
// streams, of the persons and with the references, and those in streams that are
// bound to one.
func runFrom(ctx context.Context, w *writer, refs [][]byte) ([]keyScope, error) {
	streams, err := boundTo(ctx, w, refs)
	if err != nil {
		return nil, err
	}
	var subjects, named []any
	for _, ref := range refs {
		streams = append(streams, string(ref))
		subjects = append(subjects, subjectKey(events.SubjectID(ref)))
		named = append(named, ref)
	}
	return slices.Concat(scopesOf("subject", subjects), scopesOf("anc_ref", named), scopesOf("stream", streams)), nil
}

// boundTo lists the streams that are bound to some.
func boundTo(ctx context.Context, q querier, refs [][]byte) ([]any, error) {
	var out []any
	err := selectIn(ctx, q, "SELECT ref FROM anchor WHERE bound", refs, func(r *sql.Rows) error {
		var s []byte
		err := r.Scan(&s)
		out = append(out, string(s))
		return err
	})
	return out, err
}
