package events_test

import (
	"testing"
	"time"

	"github.com/westshore/hub/events"
)

// PRIVACY 6, test 31: the table of due dates. Every row was counted by hand with
// a calendar.
//
// clause: 1.1 1.2 1.3 1.4
func TestDueDates(t *testing.T) {
	brussels := zone(t, "Europe/Brussels")
	pacific := zone(t, "America/Los_Angeles")
	for name, c := range map[string]struct {
		law                   events.Law
		at                    string
		zone                  *time.Location
		ack, answer, extended string
	}{
		"an ordinary day":                                 {events.GDPR, "2026-11-10T09:00:00+01:00", brussels, "2026-11-24", "2026-12-10", "2027-02-10"},
		"31 January ends with February":                   {events.GDPR, "2025-01-31T09:00:00+01:00", brussels, "2025-02-14", "2025-02-28", "2025-04-30"},
		"31 January in a leap year":                       {events.GDPR, "2028-01-31T09:00:00+01:00", brussels, "2028-02-14", "2028-02-29", "2028-05-02"}, // 30 April is a Sunday, 1 May a holiday
		"31 January before a Saturday":                    {events.GDPR, "2026-01-31T09:00:00+01:00", brussels, "2026-02-13", "2026-03-02", "2026-04-30"},
		"29 February":                                     {events.GDPR, "2028-02-29T09:00:00+01:00", brussels, "2028-03-14", "2028-03-29", "2028-05-29"},
		"ends on Good Friday":                             {events.GDPR, "2026-03-03T09:00:00+01:00", brussels, "2026-03-17", "2026-04-07", "2026-06-03"}, // 3 to 6 April 2026 are free
		"ends on Christmas Day":                           {events.GDPR, "2025-11-25T09:00:00+01:00", brussels, "2025-12-09", "2025-12-29", "2026-02-25"},
		"ends on New Year's Day":                          {events.GDPR, "2026-12-01T09:00:00+01:00", brussels, "2026-12-15", "2027-01-04", "2027-03-01"}, // 1 January 2027 is a Friday
		"late at night in UTC is a day later in Brussels": {events.GDPR, "2026-11-09T23:30:00Z", brussels, "2026-11-24", "2026-12-10", "2027-02-10"},
		"the summer's hour":                               {events.GDPR, "2026-03-29T01:30:00+01:00", brussels, "2026-04-14", "2026-04-29", "2026-06-29"},
		"45 days":                                         {events.CCPA, "2026-11-10T09:00:00-08:00", pacific, "2026-11-24", "2026-12-25", "2027-02-08"},
		"45 days over a DST":                              {events.CCPA, "2026-02-20T23:00:00-08:00", pacific, "2026-03-06", "2026-04-06", "2026-05-21"},
	} {
		t.Run(name, func(t *testing.T) {
			at, err := time.Parse(time.RFC3339, c.at)
			if err != nil {
				t.Fatal(err)
			}
			holiday := events.EuropeanHoliday
			if c.law == events.CCPA {
				holiday = nil
			}
			d := events.Due(c.law, at, c.zone, holiday)
			for what, pair := range map[string][2]string{
				"acknowledge": {c.ack, d.Acknowledge.Format(time.DateOnly)}, "answer": {c.answer, d.Answer.Format(time.DateOnly)},
				"extended": {c.extended, d.Extended.Format(time.DateOnly)},
			} {
				if pair[0] != pair[1] {
					t.Errorf("%s by %s, want %s", what, pair[1], pair[0])
				}
			}
			if d.Answer.In(c.zone).Format(time.TimeOnly) != "23:59:59" {
				t.Errorf("a deadline is the last second of its day, not %s", d.Answer)
			}
		})
	}
}

// The clock stops while the requester's identity is in doubt (art. 12(6)), and
// only then.
func TestDueDatesWhileIdentityIsInDoubt(t *testing.T) {
	brussels := zone(t, "Europe/Brussels")
	at := time.Date(2026, 11, 10, 9, 0, 0, 0, brussels)
	d := events.Due(events.GDPR, at, brussels, events.EuropeanHoliday)
	moved := d.Stopped(at.AddDate(0, 0, 2), at.AddDate(0, 0, 9), brussels, events.EuropeanHoliday)
	if got := moved.Answer.Format(time.DateOnly); got != "2026-12-17" {
		t.Errorf("after a stop of seven days: %s", got)
	}
	if moved.Acknowledge != d.Acknowledge {
		t.Error("a stop moved the day by which receipt is confirmed")
	}
	if same := d.Stopped(at, at.Add(time.Hour), brussels, nil); same != d {
		t.Error("an hour's doubt moved a deadline")
	}
}

func TestEuropeanHolidays(t *testing.T) {
	for _, day := range []string{"2026-04-03", "2026-04-06", "2026-05-14", "2026-05-25", "2024-03-29", "2025-04-21", "2038-04-26", "2027-01-01", "2026-12-26"} {
		at, _ := time.Parse(time.DateOnly, day)
		if !events.EuropeanHoliday(at) {
			t.Errorf("%s is a holiday", day)
		}
	}
	for _, day := range []string{"2026-04-02", "2026-04-07", "2026-05-15", "2026-12-24"} {
		at, _ := time.Parse(time.DateOnly, day)
		if events.EuropeanHoliday(at) {
			t.Errorf("%s is none", day)
		}
	}
}

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}
