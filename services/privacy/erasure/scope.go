package erasure

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/events/vault"
)

// Scope is what an erasure of a person covers now.
type Scope struct {
	Subjects []events.SubjectID
	Counts   []events.SegmentCount
	Streams  int
	Digest   events.Hash // of the sorted names of the keys that go

	destroy []vault.Info // held ones among them
	exempt  []vault.Info
}

// Preview computes a scope without writing anything.
func (o *Office) Preview(ctx context.Context, customer events.SubjectID) (Scope, error) {
	subjects, err := o.closure(ctx, customer)
	if err != nil {
		return Scope{}, fmt.Errorf("preview erasure: %w", err)
	}
	s, err := o.scope(ctx, subjects)
	if err != nil {
		return Scope{}, fmt.Errorf("preview erasure: %w", err)
	}
	return s, nil
}

func (o *Office) scope(ctx context.Context, subjects []events.SubjectID) (Scope, error) {
	s := Scope{Subjects: subjects}
	type cell struct {
		category events.Category
		class    events.Class
	}
	counts, streams := map[cell]*events.SegmentCount{}, map[events.Stream]bool{}
	for _, subject := range subjects {
		infos, err := o.cfg.Vault.SubjectKeys(ctx, subject)
		if err != nil {
			return s, err
		}
		for _, i := range infos {
			at := cell{i.Category, i.Class}
			if counts[at] == nil {
				counts[at] = &events.SegmentCount{Category: i.Category, Class: i.Class}
			}
			if _, stays := o.cfg.Exempt[i.Class]; stays {
				counts[at].Exempt++
				s.exempt = append(s.exempt, i)
				continue
			}
			if i.Holds > 0 {
				counts[at].Held++
			} else {
				counts[at].Live++
			}
			streams[i.Stream] = true
			s.destroy = append(s.destroy, i)
		}
	}
	for _, c := range counts {
		s.Counts = append(s.Counts, *c)
	}
	slices.SortFunc(s.Counts, func(a, b events.SegmentCount) int {
		return cmp.Or(cmp.Compare(a.Category, b.Category), cmp.Compare(a.Class, b.Class))
	})
	s.Streams, s.Digest = len(streams), digest(s.destroy)
	return s, nil
}

// digest names a set of keys.
func digest(infos []vault.Info) events.Hash {
	kids := make([]string, len(infos))
	for i, x := range infos {
		kids[i] = string(x.KID)
	}
	slices.Sort(kids)
	sum := sha256.New()
	for _, k := range kids {
		_, _ = sum.Write([]byte(k))
	}
	return events.Hash(hex.EncodeToString(sum.Sum(nil)))
}

// closure is the person under every id that is verified to be theirs: merges that
// were only guessed, or taken back, do not count (PRIVACY F12).
func (o *Office) closure(ctx context.Context, customer events.SubjectID) ([]events.SubjectID, error) {
	out := []events.SubjectID{customer}
	for i := 0; i < len(out); i++ {
		history, err := o.j.Load(ctx, events.CustomerStream(out[i]), nil)
		if err != nil {
			return nil, err
		}
		merged := map[events.SubjectID]bool{}
		for _, r := range history {
			switch e := r.Event.(type) {
			case events.IdentityMerged:
				merged[e.With] = e.Verified
			case events.IdentityUnmerged:
				delete(merged, e.With)
			}
		}
		for with, verified := range merged {
			if verified && !slices.Contains(out, with) {
				out = append(out, with)
			}
		}
	}
	slices.Sort(out[1:])
	return out, nil
}

// Merge says that two ids are one person's; only with verified evidence do they
// go together when one is erased. It is written to both people's streams.
func (o *Office) Merge(ctx context.Context, by journal.By, a, b events.SubjectID, verified bool, method string) error {
	if a == b {
		return &Refusal{"same_person", "The two are the same already."}
	}
	return o.both(ctx, by, a, b, func(x, y events.SubjectID) events.Event {
		return events.IdentityMerged{Customer: x, With: y, Verified: verified, Method: method}
	})
}

// Unmerge takes a merge back.
func (o *Office) Unmerge(ctx context.Context, by journal.By, a, b events.SubjectID) error {
	return o.both(ctx, by, a, b, func(x, y events.SubjectID) events.Event {
		return events.IdentityUnmerged{Customer: x, With: y}
	})
}

func (o *Office) both(ctx context.Context, by journal.By, a, b events.SubjectID, event func(x, y events.SubjectID) events.Event) error {
	for _, p := range [][2]events.SubjectID{{a, b}, {b, a}} {
		_, err := o.j.Execute(ctx, events.CustomerStream(p[0]), by, func([]events.Recorded) ([]events.Event, error) {
			return []events.Event{event(p[0], p[1])}, nil
		})
		if err != nil {
			return fmt.Errorf("write identity: %w", err)
		}
	}
	return nil
}
