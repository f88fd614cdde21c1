package events

import "time"

// Law says by which rules a request's days are counted.
type Law string

// The laws the hub knows deadlines of.
const (
	GDPR Law = "gdpr" // Regulation (EU) 2016/679, art. 12(3)
	CCPA Law = "ccpa" // Cal. Code Regs. tit. 11, s. 7021
)

// Deadlines are the days by which something must have happened to a request. Each
// is the last moment of that day, in the zone the days were counted in.
type Deadlines struct {
	Acknowledge time.Time // receipt confirmed
	Answer      time.Time // answered, refused or extended
	Extended    time.Time // answered, when it was extended in time
}

// Due computes the deadlines of a request that arrived at the given moment.
// Holiday tells the public holidays of the place; nil knows none but Saturdays
// and Sundays.
//
// GDPR art. 12(3) gives one month, two more when extended, counted by Regulation
// (EEC, Euratom) 1182/71: the day of receipt does not count, the period ends with
// the day of the same number in the last month, or with that month's last day
// (art. 3(2)(c)), and a period that would end on a holiday, Saturday or Sunday ends
// with the next working day (art. 3(4)). Receipt is confirmed in the time of the
// other law, since art. 12 names none.
//
// CCPA: receipt confirmed within 10 business days, answered within 45 calendar
// days, 45 more when extended (s. 7021(a), (b)); calendar days do not move.
func Due(law Law, received time.Time, zone *time.Location, holiday func(time.Time) bool) Deadlines {
	day := dayOf(received.In(zone))
	d := Deadlines{Acknowledge: endOf(businessDays(day, 10, holiday))}
	if law == CCPA {
		d.Answer, d.Extended = endOf(day.AddDate(0, 0, 45)), endOf(day.AddDate(0, 0, 90))
		return d
	}
	d.Answer = endOf(working(addMonths(day, 1), holiday))
	d.Extended = endOf(working(addMonths(day, 3), holiday))
	return d
}

// Stopped moves deadlines on by the time during which the clock stood still,
// because the requester's identity was in doubt (GDPR art. 12(6)). Days are
// counted whole, in the requester's favour: a stop within one day moves nothing.
func (d Deadlines) Stopped(from, to time.Time, zone *time.Location, holiday func(time.Time) bool) Deadlines {
	days := int(dayOf(to.In(zone)).Sub(dayOf(from.In(zone))).Round(24*time.Hour) / (24 * time.Hour))
	if days <= 0 {
		return d
	}
	move := func(t time.Time) time.Time {
		return endOf(working(dayOf(t.In(zone)).AddDate(0, 0, days), holiday))
	}
	return Deadlines{Acknowledge: d.Acknowledge, Answer: move(d.Answer), Extended: move(d.Extended)}
}

func dayOf(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location())
}

// endOf is the last second of a day: a deadline that is shown must fall on the
// day it names.
func endOf(day time.Time) time.Time { return day.AddDate(0, 0, 1).Add(-time.Second) }

// addMonths goes to the same day of a later month, or to that month's last day.
func addMonths(day time.Time, n int) time.Time {
	first := time.Date(day.Year(), day.Month()+time.Month(n), 1, 0, 0, 0, 0, day.Location())
	last := first.AddDate(0, 1, -1).Day()
	return first.AddDate(0, 0, min(day.Day(), last)-1)
}

func free(day time.Time, holiday func(time.Time) bool) bool {
	w := day.Weekday()
	return w == time.Saturday || w == time.Sunday || holiday != nil && holiday(day)
}

// working is the day itself, or the next that people work on.
func working(day time.Time, holiday func(time.Time) bool) time.Time {
	for free(day, holiday) {
		day = day.AddDate(0, 0, 1)
	}
	return day
}

func businessDays(day time.Time, n int, holiday func(time.Time) bool) time.Time {
	for n > 0 {
		if day = day.AddDate(0, 0, 1); !free(day, holiday) {
			n--
		}
	}
	return day
}

// EuropeanHoliday knows the holidays that fall on every place of the Union's
// institutions and most member states: New Year's Day, Good Friday, Easter Monday,
// Labour Day, Ascension, Whit Monday, Christmas Day and the day after.
func EuropeanHoliday(day time.Time) bool {
	switch m, d := day.Month(), day.Day(); {
	case m == time.January && d == 1, m == time.May && d == 1, m == time.December && (d == 25 || d == 26):
		return true
	}
	days := int(dayOf(day).Sub(easter(day.Year(), day.Location())).Round(24*time.Hour) / (24 * time.Hour))
	return days == -2 || days == 1 || days == 39 || days == 50
}

// easter is Easter Sunday of the Gregorian calendar (the anonymous algorithm, as
// in Meeus, Astronomical Algorithms, chapter 8).
func easter(year int, zone *time.Location) time.Time {
	a, b, c := year%19, year/100, year%100
	d, e := b/4, b%4
	g := (8*b + 13) / 25
	h := (19*a + b - d - g + 15) % 30
	i, k := c/4, c%4
	l := (32 + 2*e + 2*i - h - k) % 7
	m := (a + 11*h + 19*l) / 433
	month := (h + l - 7*m + 90) / 25
	day := (h + l - 7*m + 33*month + 19) % 32
	return time.Date(year, time.Month(month), day, 0, 0, 0, 0, zone)
}
