package privacy

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/westshore/hub/events/vault"
)

// ParsePeriod reads an ISO 8601 duration as schedules write it: P24M, P30D, P5Y,
// PT24H, P1Y6M. Weeks, minutes and seconds are not used; the empty text is no
// period.
func ParsePeriod(s string) (vault.Period, error) {
	var p vault.Period
	if s == "" {
		return p, nil
	}
	rest, ok := strings.CutPrefix(s, "P")
	if !ok || rest == "" {
		return p, fmt.Errorf("period %q: not like P24M, P30D or PT24H", s)
	}
	clock, parts := false, 0
	for rest != "" {
		if after, found := strings.CutPrefix(rest, "T"); found && !clock {
			clock, rest = true, after
			continue
		}
		end := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
		if end <= 0 {
			return vault.Period{}, fmt.Errorf("period %q: not like P24M, P30D or PT24H", s)
		}
		n, err := strconv.Atoi(rest[:end])
		if err != nil || n > 10_000 {
			return vault.Period{}, fmt.Errorf("period %q: a number is too large", s)
		}
		unit := rest[end]
		switch {
		case unit == 'Y' && !clock:
			p.Years += n
		case unit == 'M' && !clock:
			p.Months += n
		case unit == 'D' && !clock:
			p.Days += n
		case unit == 'H' && clock:
			p.Hours += n
		default:
			return vault.Period{}, fmt.Errorf("period %q: the unit %c is not used", s, unit)
		}
		rest, parts = rest[end+1:], parts+1
	}
	if parts == 0 {
		return p, fmt.Errorf("period %q: not like P24M, P30D or PT24H", s)
	}
	return p, nil
}

// Sentence is a period in words: "24 months".
func Sentence(p vault.Period) string {
	var out []string
	for _, u := range []struct {
		n    int
		name string
	}{{p.Years, "year"}, {p.Months, "month"}, {p.Days, "day"}, {p.Hours, "hour"}} {
		switch {
		case u.n == 1:
			out = append(out, "1 "+u.name)
		case u.n > 1:
			out = append(out, fmt.Sprintf("%d %ss", u.n, u.name))
		}
	}
	if len(out) == 0 {
		return "for ever"
	}
	return strings.Join(out, " ")
}
