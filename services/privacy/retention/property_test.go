package retention_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/vault"
	"github.com/westshore/hub/services/privacy"
	"github.com/westshore/hub/services/privacy/retention"
)

// step is one thing that happens in a history.
type step struct {
	do   string
	i, n int
}

// story is a conversation and what a test knows of it.
type story struct {
	conversation
	resolved time.Time // zero while it is open
	heard    time.Time // the customer's last activity
	holds    []events.UUID
}

// piece is a key and what a test knows of it: enough to compute its end in
// another way than the vault does.
type piece struct {
	*story
	class     events.Class
	collected time.Time
	version   int
	dead      bool
}

// history is a house and a model of it.
type history struct {
	*office
	stories   []*story
	pieces    map[events.KID]*piece
	schedules map[int]events.RetentionScheduleChanged
}

// end is when a key's time is over, zero when no rule says: the earliest date that
// the rule at its collection or the one of now gives, unless a ground allows the
// longer one.
func (h *history) end(p *piece) time.Time {
	now := h.registry.Now().Schedule()
	ends := h.ends(p, h.schedules[now.Version])
	if !slices.ContainsFunc(now.Longer, func(l events.RetentionGround) bool { return l.Class == p.class }) {
		ends = append(ends, h.ends(p, h.schedules[p.version])...)
	}
	if len(ends) == 0 {
		return time.Time{}
	}
	return slices.MinFunc(ends, time.Time.Compare)
}

func (h *history) ends(p *piece, s events.RetentionScheduleChanged) (out []time.Time) {
	h.Helper()
	period := func(text string) vault.Period {
		x, err := privacy.ParsePeriod(text)
		h.must(err)
		return x
	}
	for _, r := range s.Rules {
		if r.Class != p.class {
			continue
		}
		start := p.resolved
		if r.Anchor == "relationship" {
			year, month, day := p.heard.UTC().Date()
			start = time.Date(year, month, day+1, 0, 0, 0, 0, time.UTC)
		}
		if !start.IsZero() {
			if start.Before(p.collected) {
				start = p.collected
			}
			out = append(out, period(r.Keep).After(start))
		}
		if r.Max != "" {
			out = append(out, period(r.Max).After(p.collected))
		}
	}
	return out
}

// due are the keys that a sweep at a time may destroy.
func (h *history) due(at time.Time) map[events.KID]bool {
	out := map[events.KID]bool{}
	for kid, p := range h.pieces {
		if end := h.end(p); !p.dead && len(p.holds) == 0 && !end.IsZero() && !end.After(at) {
			out[kid] = true
		}
	}
	return out
}

// learn notes the keys of a story's streams that are new.
func (h *history) learn(s *story) {
	h.Helper()
	for _, stream := range []events.Stream{events.TicketStream(s.ticket), events.InquiryStream(s.inquiry)} {
		infos, err := h.kit.Vault.StreamKeys(h.Context(), stream)
		h.must(err)
		for _, i := range infos {
			if h.pieces[i.KID] == nil {
				h.pieces[i.KID] = &piece{story: s, class: i.Class, collected: i.Minted, version: h.registry.Now().Schedule().Version}
			}
		}
	}
}

// play does one step, and keeps the model's book of it.
func (h *history) play(x step) {
	h.Helper()
	if x.do != "begin" && len(h.stories) == 0 {
		return
	}
	var s *story
	if len(h.stories) > 0 {
		s = h.stories[x.i%len(h.stories)]
	}
	switch x.do {
	case "begin":
		s = &story{conversation: h.conversation(), heard: h.began}
		h.stories = append(h.stories, s)
		h.learn(s)
	case "answer":
		h.write(events.TicketStream(s.ticket), h.now, events.ReplyWritten{
			Ticket: s.ticket, Message: events.MessageID(events.NewUUID().String()), Number: 1, Agent: "1", Customer: s.customer,
			Envelope: events.Seal(events.ReplyEnvelope{Subject: "Re: Lamp"}), Answer: events.Seal(events.Answer{Text: "Another one is on its way."}),
		})
		s.heard = h.now
		h.learn(s)
	case "resolve":
		h.resolve(s.conversation, h.now)
		s.resolved = h.now
	case "reopen":
		h.write(events.TicketStream(s.ticket), h.now, events.TicketReopened{Ticket: s.ticket, Cause: "agent"})
		s.resolved = time.Time{}
	case "hold":
		id := events.NewUUID()
		_, err := h.kit.Vault.Hold(h.Context(), vault.HoldOrder{ID: id, Authority: "test", Streams: []events.Stream{events.TicketStream(s.ticket)}})
		h.must(err)
		s.holds = append(s.holds, id)
	case "release":
		if len(s.holds) > 0 {
			_, err := h.kit.Vault.Release(h.Context(), s.holds[0])
			h.must(err)
			s.holds = s.holds[1:]
			h.check("a release", nil)
		}
	case "schedule":
		h.reschedule(x.n)
	case "pass":
		h.at(h.now.AddDate(0, x.n%25, x.n%40))
	}
}

// reschedule puts another schedule in force, made of a number.
func (h *history) reschedule(n int) {
	h.Helper()
	next := h.registry.Now().Schedule().RetentionScheduleChanged
	next.Rules, next.Longer, next.Reason = slices.Clone(next.Rules), nil, "test"
	for i := range next.Rules {
		switch r := &next.Rules[i]; r.Class {
		case events.ClassComm:
			r.Keep, r.Max = fmt.Sprintf("P%dM", 1+n%30), []string{"", "P1Y", "P3Y"}[n%3]
		case events.ClassContact:
			r.Keep = fmt.Sprintf("P%dM", 1+n/7%30)
		}
	}
	if n%4 == 0 {
		next.Longer = []events.RetentionGround{{Class: events.ClassComm, Ground: "statute"}}
	}
	h.must(h.change(next))
	s := h.registry.Now().Schedule()
	h.schedules[s.Version] = s.RetentionScheduleChanged
}

// check compares what is destroyed with what the model says went just now.
func (h *history) check(what string, gone map[events.KID]bool) {
	h.Helper()
	tombs, err := h.kit.Vault.Tombs(h.Context(), slices.Collect(maps.Keys(h.pieces)))
	h.must(err)
	for kid, p := range h.pieces {
		_, is := tombs[kid]
		if want := p.dead || gone[kid]; is != want {
			h.Fatalf("after %s at %s: a key of %s collected %s under schedule %d, resolved %s, %d holds, ends %s: destroyed %t, want %t",
				what, h.now.Format(time.DateOnly), p.class, p.collected.Format(time.DateOnly), p.version, p.resolved.Format(time.DateOnly), len(p.holds), h.end(p).Format(time.DateOnly), is, want)
		}
		p.dead = is
	}
}

// sweep has what is due destroyed: at once, or after two persons approved it while
// life went on.
func (h *history) sweep(meanwhile []step) {
	h.Helper()
	h.at(h.now)
	limits := h.registry.Now().Schedule().Limits
	limits.AutoKeys, limits.AutoFloor = 1000, 1000
	if meanwhile != nil {
		limits.AutoKeys, limits.AutoFloor = 0, 0
	}
	next := h.registry.Now().Schedule().RetentionScheduleChanged
	next.Limits, next.Reason = limits, "test"
	h.must(h.change(next))
	s := h.registry.Now().Schedule()
	h.schedules[s.Version] = s.RetentionScheduleChanged
	due := h.due(h.now)
	w, err := h.engine.Sweep(h.Context())
	h.must(err)
	if int(w.Keys) != len(due) {
		h.Fatalf("at %s %d keys are previewed, want %d", h.now.Format(time.DateOnly), w.Keys, len(due))
	}
	if meanwhile == nil || len(due) == 0 {
		h.check("a sweep", due)
		return
	}
	h.check("a preview", nil)
	for _, x := range meanwhile {
		h.play(x)
	}
	for _, agent := range []events.AgentID{"ada", "bob"} {
		_, err := h.engine.Approve(h.Context(), retention.By{Command: events.NewUUID(), Agent: agent}, w.Sweep, w.Digest)
		h.must(err)
	}
	h.must(h.engine.TakeUp(h.Context()))
	still := h.due(w.At)
	maps.DeleteFunc(due, func(kid events.KID, _ bool) bool { return !still[kid] })
	h.check("an approved sweep", due)
}

// TestRandomHistoriesEndWhenTheyShould is acceptance test 17 on the whole engine:
// tickets are opened, answered, resolved, reopened and held, schedules change, and
// time passes; every sweep destroys what a second computation says is due, and
// nothing else: nothing early, nothing held, nothing of a ticket that was opened
// again after the preview, nothing that was not previewed; and a longer period
// brings nothing back and extends nothing without a ground.
//
// clause: 1.1 1.2 1.3 1.4 PE
func TestRandomHistoriesEndWhenTheyShould(t *testing.T) {
	t.Parallel()
	things := []string{"begin", "answer", "resolve", "resolve", "reopen", "hold", "release", "schedule", "pass", "pass"}
	aStep := func(things ...string) *rapid.Generator[step] {
		return rapid.Custom(func(r *rapid.T) step {
			return step{rapid.SampledFrom(things).Draw(r, "do"), rapid.IntRange(0, 3).Draw(r, "which"), rapid.IntRange(0, 1000).Draw(r, "n")}
		})
	}
	// Time may pass before a decision, but what is due is what was due at the preview.
	lately := []string{"resolve", "reopen", "hold", "release", "answer"}
	const histories = 25
	n := 0
	rapid.Check(t, func(r *rapid.T) {
		if n++; n > histories && !t.Failed() {
			return // each is a house of its own
		}
		plan := rapid.SliceOfN(aStep(append(things, "sweep", "sweep", "slow sweep")...), 4, 16).Draw(r, "history")
		meanwhile := rapid.SliceOfN(aStep(lately...), 1, 3).Draw(r, "meanwhile")
		if !t.Run(fmt.Sprint(n), func(t *testing.T) {
			h := &history{office: newOffice(t), pieces: map[events.KID]*piece{}, schedules: map[int]events.RetentionScheduleChanged{}}
			s := h.registry.Now().Schedule()
			h.schedules[s.Version] = s.RetentionScheduleChanged
			h.at(h.now)
			h.play(step{do: "begin"})
			for _, x := range append(plan, step{do: "pass", n: 24}, step{do: "sweep"}) {
				switch x.do {
				case "sweep":
					h.sweep(nil)
				case "slow sweep":
					h.sweep(meanwhile)
				default:
					h.play(x)
				}
			}
		}) {
			r.FailNow()
		}
	})
}
