package api

import (
	"context"
	"strconv"

	"github.com/westshore/hub/events"
)

// privacyAudit registers who opened what, and who did what.
func (a *API) privacyAudit() {
	type accessOutput struct {
		Body struct {
			Items []AccessLine `json:"items" nullable:"false"`
			Next  string       `json:"next"`
		}
	}
	add(a, privacyDescribe(get("list-privacy-audit", "/privacy/audit", "Who opened personal data, as what and what for")), func(ctx context.Context, in *struct {
		Paging
		Actor   string `query:"actor" maxLength:"80"`
		Purpose string `query:"purpose" maxLength:"40"`
	},
	) (*accessOutput, error) {
		if _, err := officer(ctx); err != nil {
			return nil, err
		}
		before, err := numbered(in.After)
		if err != nil {
			return nil, err
		}
		lines, err := a.rooms.Privacy.Access(ctx, events.Actor(in.Actor), events.Purpose(in.Purpose), before, in.Limit)
		if err != nil {
			return nil, err
		}
		var out accessOutput
		out.Body.Items = lines
		if lines == nil {
			out.Body.Items = []AccessLine{}
		}
		if len(lines) == in.Limit {
			out.Body.Next = strconv.FormatInt(lines[len(lines)-1].N, 10)
		}
		return &out, nil
	})
	type trailOutput struct {
		Positioned
		Body struct {
			Items []Step `json:"items" nullable:"false"`
			Next  string `json:"next"`
		}
	}
	add(a, privacyDescribe(get("list-privacy-trail", "/privacy/trail", "What the privacy office, the hub and the people themselves did, newest first")), func(ctx context.Context, in *struct {
		Reading
		Paging
		Family string `query:"family" enum:"dsr,hold,demand,case,transfer,registry,privacy,customer" doc:"Of one kind; without it, all"`
	},
	) (*trailOutput, error) {
		if _, err := officer(ctx); err != nil {
			return nil, err
		}
		before, err := numbered(in.After)
		if err != nil {
			return nil, err
		}
		var out trailOutput
		if out.Positioned, err = a.view(ctx, "privacy", in.Reading); err != nil {
			return nil, err
		}
		steps, err := a.rooms.Privacy.View.Trail(ctx, in.Family, before, in.Limit)
		if err != nil {
			return nil, err
		}
		out.Body.Items = wireSteps(steps)
		if len(steps) == in.Limit {
			out.Body.Next = strconv.FormatInt(steps[len(steps)-1].N, 10)
		}
		return &out, nil
	})
}

// numbered reads a place in a list whose lines have numbers; 0 is its beginning.
func numbered(after string) (int64, error) {
	n, err := strconv.ParseInt("0"+after, 10, 64)
	if err != nil {
		return 0, invalid("query.after", "Not a place in this list.")
	}
	return n, nil
}
