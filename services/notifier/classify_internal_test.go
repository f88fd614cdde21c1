package notifier

import (
	"errors"
	"io"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/bus"
)

// TestO6EveryRowOfTheTable reads a refusal as the table of MAIL O6 says.
func TestO6EveryRowOfTheTable(t *testing.T) {
	for _, c := range []struct {
		code    int
		e       smtp.EnhancedCode
		text    string
		outcome bus.Outcome
		class   string
	}{
		{421, smtp.EnhancedCode{4, 3, 2}, "closing", bus.Deferred, ClassHost},
		{535, smtp.EnhancedCode{5, 7, 8}, "bad login", bus.Deferred, ClassLogin},
		{530, smtp.EnhancedCode{5, 7, 0}, "log in first", bus.Deferred, ClassLogin},
		{550, smtp.EnhancedCode{5, 7, 26}, "dmarc", bus.Deferred, ClassLogin},
		{450, smtp.EnhancedCode{4, 7, 1}, "Greylisted", bus.Deferred, ClassGreylist},
		{451, smtp.EnhancedCode{4, 7, 0}, "come back", bus.Deferred, ClassGreylist},
		{450, smtp.EnhancedCode{4, 7, 28}, "slow down", bus.Deferred, ClassRate},
		{452, smtp.EnhancedCode{4, 5, 3}, "many recipients", bus.Deferred, ClassRate},
		{451, smtp.EnhancedCode{}, "too many connections", bus.Deferred, ClassRate},
		{450, smtp.EnhancedCode{4, 2, 2}, "full", bus.Deferred, ClassFull},
		{452, smtp.EnhancedCode{}, "storage", bus.Deferred, ClassFull},
		{451, smtp.EnhancedCode{4, 3, 0}, "trouble", bus.Deferred, ClassTemporary},
		{550, smtp.EnhancedCode{5, 1, 1}, "nobody", bus.Failed, ClassAddress},
		{550, smtp.EnhancedCode{5, 1, 2}, "no domain", bus.Failed, ClassAddress},
		{550, smtp.EnhancedCode{5, 1, 10}, "null mx", bus.Failed, ClassAddress},
		{550, smtp.EnhancedCode{5, 1, 6}, "moved", bus.Failed, ClassAddress},
		{550, smtp.EnhancedCode{5, 2, 1}, "disabled", bus.Failed, ClassAddress},
		{552, smtp.EnhancedCode{5, 2, 2}, "full", bus.Failed, ClassFull},
		{552, smtp.EnhancedCode{5, 3, 4}, "big", bus.Failed, ClassSize},
		{552, smtp.EnhancedCode{}, "big", bus.Failed, ClassSize},
		{554, smtp.EnhancedCode{5, 7, 1}, "spam", bus.Failed, ClassContent},
		{553, smtp.EnhancedCode{5, 6, 7}, "utf8", bus.Failed, ClassUTF8},
		{550, smtp.EnhancedCode{}, "no", bus.Failed, ClassPermanent},
	} {
		v := classify(&smtp.SMTPError{Code: c.code, EnhancedCode: c.e, Message: c.text})
		if v.outcome != c.outcome || v.class != c.class {
			t.Errorf("%d %v %q is %s %s, want %s %s", c.code, c.e, c.text, v.outcome, v.class, c.outcome, c.class)
		}
	}
	for _, err := range []error{io.EOF, errors.New("connection refused")} {
		if v := classify(err); v.outcome != bus.Deferred || v.class != ClassHost {
			t.Errorf("%v is %s %s", err, v.outcome, v.class)
		}
	}
}

// TestO23PausesAreDeterministic: steps, jitter of at most a quarter, from a clock
// and a random number that a test gives.
func TestO23PausesAreDeterministic(t *testing.T) {
	most := &Claims{Now: func() time.Time { return noon }, Random: func(n int64) int64 { return n - 1 }}
	least := &Claims{Now: most.Now, Random: func(int64) int64 { return 0 }}
	for _, c := range []struct {
		class string
		n     int
		want  time.Duration
	}{
		{ClassGreylist, 1, 5 * time.Minute},
		{ClassGreylist, 3, 30 * time.Minute},
		{ClassGreylist, 9, 30 * time.Minute},
		{ClassFull, 2, 4 * time.Hour},
		{ClassTemporary, 1, time.Minute},
		{ClassRate, 1, 15 * time.Minute},
		{ClassHost, 1, time.Second},
	} {
		if got := least.pause(c.class, c.n); got != c.want {
			t.Errorf("%s %d: %s, want %s", c.class, c.n, got, c.want)
		}
		if got := most.pause(c.class, c.n); got != c.want+c.want/4 {
			t.Errorf("%s %d: at most %s, want a quarter more than %s", c.class, c.n, got, c.want)
		}
	}
	w := way{base: noon, queued: events.MessageQueued{Kind: events.OutboundReply}, tries: 2}
	d := least.judge(w, bus.Delivery{Outcome: bus.Deferred, Class: ClassGreylist}, 0)
	if d.Outcome != bus.Deferred || !d.Until.Equal(noon.Add(30*time.Minute)) {
		t.Errorf("third greylisting: %s until %s", d.Outcome, d.Until)
	}
	w.tries = maxTries
	if d := least.judge(w, bus.Delivery{Outcome: bus.Deferred, Class: ClassGreylist}, 0); d.Outcome != bus.Failed || d.Class != ClassExpired {
		t.Errorf("after %d tries: %s %s (O7)", maxTries, d.Outcome, d.Class)
	}
}

// TestO7AgesByKind: how long each kind is tried.
func TestO7AgesByKind(t *testing.T) {
	for kind, age := range map[events.OutboundKind]time.Duration{
		events.OutboundReply: 24 * time.Hour, events.OutboundAcknowledgement: 6 * time.Hour, events.OutboundPromotional: 6 * time.Hour,
	} {
		w := way{base: noon, queued: events.MessageQueued{Kind: kind}}
		if w.expired(noon.Add(age)) || !w.expired(noon.Add(age+time.Second)) {
			t.Errorf("%s does not end after %s", kind, age)
		}
	}
}

// TestO17QuietHours: notices to many wait for the end of the night, also over
// midnight and where clocks change; what one person waits for does not.
func TestO17QuietHours(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("no time zones here")
	}
	night := Quiet{From: 21 * time.Hour, To: 7 * time.Hour, Zone: berlin}
	for _, c := range []struct{ now, want string }{
		{"2026-11-22T12:00:00Z", ""},
		{"2026-11-22T20:00:00Z", "2026-11-23T06:00:00Z"}, // 21:00
		{"2026-11-23T05:59:59Z", "2026-11-23T06:00:00Z"},
		{"2026-11-23T06:00:00Z", ""},
		{"2026-10-24T21:00:00Z", "2026-10-25T06:00:00Z"}, // summer time ends in this night
	} {
		now, _ := time.Parse(time.RFC3339, c.now)
		got := ""
		if end := night.until(now); !end.IsZero() {
			got = end.Format(time.RFC3339)
		}
		if got != c.want {
			t.Errorf("at %s quiet until %q, want %q", c.now, got, c.want)
		}
	}
	if !(Quiet{}).until(noon).IsZero() {
		t.Error("no quiet hours hold")
	}
	for q, want := range map[*events.MessageQueued]bool{
		{Kind: events.OutboundReply}: false, {Kind: events.OutboundAdministrative}: false,
		{Kind: events.OutboundAdministrative, Bulk: true}: true, {Kind: events.OutboundPromotional}: true,
	} {
		if quiets(*q) != want {
			t.Errorf("quiet hours hold for %s, many %v: %v", q.Kind, q.Bulk, !want)
		}
	}
}

// TestO13KindsAndReasons: what the list does to each kind.
func TestO13KindsAndReasons(t *testing.T) {
	for _, c := range []struct {
		kind events.OutboundKind
		why  events.SuppressionKind
		want mercy
	}{
		{events.OutboundReply, events.SuppressedHard, hold},
		{events.OutboundReply, events.SuppressedSoft, hold},
		{events.OutboundReply, events.SuppressedManual, hold},
		{events.OutboundReply, events.SuppressedComplaint, let},
		{events.OutboundAcknowledgement, events.SuppressedSoft, drop},
		{events.OutboundAcknowledgement, events.SuppressedComplaint, drop},
		{events.OutboundAdministrative, events.SuppressedHard, drop},
		{events.OutboundAdministrative, events.SuppressedManual, hold},
		{events.OutboundAdministrative, events.SuppressedComplaint, let},
		{events.OutboundPromotional, events.SuppressedComplaint, drop},
		{events.OutboundPromotional, events.SuppressedManual, drop},
	} {
		if got := suppression(c.kind, c.why); got != c.want {
			t.Errorf("%s to %s: %d, want %d", c.kind, c.why, got, c.want)
		}
	}
}

// TestO2LeaseIsRenewedWhenTheDotGoesOut: a claim that waited long for a connection
// still outlasts the server's ten minutes.
func TestO2LeaseIsRenewedWhenTheDotGoesOut(t *testing.T) {
	at := time.Now()
	w := way{}
	w.evolve(events.Recorded{Event: events.DeliveryAttempted{Attempt: 1, Lease: at}})
	w.evolve(events.Recorded{Event: events.DeliveryStarted{Attempt: 1, Lease: at.Add(Lease)}})
	if !w.lease.Equal(at.Add(Lease)) || Lease <= 10*time.Minute {
		t.Errorf("lease ends at %s, %s after the dot", w.lease, Lease)
	}
	w.evolve(events.Recorded{Event: events.DeliveryStarted{Attempt: 1}}) // as it was written before
	if !w.lease.Equal(at.Add(Lease)) {
		t.Error("an older event took the lease away")
	}
}
