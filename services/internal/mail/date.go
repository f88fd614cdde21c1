package mail

import (
	"strconv"
	"strings"
	"time"
)

// ParseDate reads the date of a mail: RFC 5322 with the obsolete forms, and
// what real mail has besides (I21): no comma, no zone, "29-04-2017 23:34", ISO
// 8601, ctime, a.m. and p.m. zone is false when the text names no zone, in which
// case the time is read as UTC.
func ParseDate(s string) (t time.Time, zone, ok bool) {
	if len(s) > 200 {
		s = s[:200]
	}
	d := dateParts{day: -1, month: -1, year: -1, hour: -1}
	for _, tok := range dateTokens(string(stripComments([]byte(s)))) {
		d.take(tok)
	}
	return d.time()
}

// dateParts is what has been understood so far.
type dateParts struct {
	day, month, year  int
	hour, minute, sec int
	offset            int
	bad, hasZone      bool
	pm, am            bool
}

// dateTokens splits at white space and commas, and an ISO time off its date.
func dateTokens(s string) []string {
	toks := strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == '\t' || r == ',' || r == '\r' || r == '\n' })
	var out []string
	for _, t := range toks {
		if i := strings.IndexByte(t, 'T'); i >= 8 && i+1 < len(t) && isDigit(t[0]) && isDigit(t[i+1]) {
			out = append(out, t[:i], t[i+1:])
			continue
		}
		out = append(out, t)
	}
	return out
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func (d *dateParts) take(tok string) {
	switch {
	case tok == "":
	case strings.Count(tok, ":") >= 1 && isDigit(tok[0]):
		d.clock(tok)
	case (tok[0] == '+' || tok[0] == '-') && len(tok) > 1 && isDigit(tok[1]):
		d.setOffset(tok)
	case isDigit(tok[0]):
		d.number(tok)
	default:
		d.word(tok)
	}
}

// clock reads hh:mm[:ss[.fff]] with an optional zone behind it.
func (d *dateParts) clock(tok string) {
	if d.hour >= 0 {
		return
	}
	end := strings.IndexFunc(tok, func(r rune) bool { return r != ':' && r != '.' && (r < '0' || r > '9') })
	rest := ""
	if end >= 0 {
		tok, rest = tok[:end], tok[end:]
	}
	tok, _, _ = strings.Cut(tok, ".")
	f := strings.Split(tok, ":")
	if len(f) > 3 {
		d.bad = true
		return
	}
	var n [3]int
	for i, s := range f {
		v, err := strconv.Atoi(s)
		if err != nil && s != "" {
			d.bad = true
			return
		}
		n[i] = v
	}
	d.hour, d.minute, d.sec = n[0], n[1], n[2]
	if rest != "" {
		d.take(rest)
	}
}

func (d *dateParts) number(tok string) {
	if f := strings.FieldsFunc(tok, func(r rune) bool { return r == '-' || r == '/' || r == '.' }); len(f) == 3 {
		d.triple(f)
		return
	}
	end := 0
	for end < len(tok) && isDigit(tok[end]) {
		end++
	}
	v, err := strconv.Atoi(tok[:end])
	if err != nil {
		d.bad = true
		return
	}
	switch {
	case d.day < 0 && end <= 2 && v >= 1 && v <= 31:
		d.day = v
	case d.year < 0 && end >= 2:
		d.year = fullYear(v, end)
	}
}

// triple reads year-month-day, day-month-year and, where nothing else fits,
// month/day/year.
func (d *dateParts) triple(f []string) {
	var n [3]int
	for i, s := range f {
		v, err := strconv.Atoi(s)
		if err != nil {
			if m := monthOf(s); m > 0 {
				d.month = m
				continue
			}
			d.bad = true
			return
		}
		n[i] = v
	}
	switch {
	case d.month > 0 && n[1] == 0: // 29-Apr-2017
		d.day, d.year = n[0], fullYear(n[2], len(f[2]))
	case len(f[0]) == 4:
		d.year, d.month, d.day = n[0], n[1], n[2]
	case n[1] > 12:
		d.month, d.day, d.year = n[0], n[1], fullYear(n[2], len(f[2]))
	default:
		d.day, d.month, d.year = n[0], n[1], fullYear(n[2], len(f[2]))
	}
}

// fullYear completes short years (RFC 5322 section 4.3).
func fullYear(v, digits int) int {
	switch {
	case digits == 2 && v < 50:
		return 2000 + v
	case digits == 2 || digits == 3:
		return 1900 + v
	}
	return v
}

func (d *dateParts) word(tok string) {
	low := strings.ToLower(strings.Trim(tok, "."))
	if m := monthOf(low); m > 0 && d.month < 0 {
		d.month = m
		return
	}
	switch low {
	case "pm":
		d.pm = true
		return
	case "am":
		d.am = true
		return
	}
	if i := strings.IndexAny(low, "+-"); i > 0 && i+1 < len(low) && isDigit(low[i+1]) { // GMT+0200
		d.setOffset(low[i:])
		return
	}
	if off, ok := obsoleteZones[low]; ok && !d.hasZone {
		d.hasZone, d.offset = true, off*3600
	}
}

// obsoleteZones are those of RFC 5322 section 4.3 and a few others, in hours.
// Single letters except Z carry no reliable meaning and are read as UTC.
var obsoleteZones = map[string]int{
	"ut": 0, "utc": 0, "gmt": 0, "z": 0, "est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7,
	"cet": 1, "cest": 2, "mez": 1, "mesz": 2, "met": 1, "mest": 2, "wet": 0, "west": 1, "eet": 2, "eest": 3, "bst": 1, "msk": 3,
	"jst": 9, "kst": 9, "hkt": 8, "aest": 10, "aedt": 11, "nzst": 12, "nzdt": 13, "sast": 2, "hst": -10,
}

func (d *dateParts) setOffset(tok string) {
	digits := strings.ReplaceAll(tok[1:], ":", "")
	end := 0
	for end < len(digits) && isDigit(digits[end]) {
		end++
	}
	v, err := strconv.Atoi(digits[:end])
	if err != nil || end > 4 {
		return
	}
	if end <= 2 {
		v *= 100
	}
	off := v/100*3600 + v%100*60
	if v%100 > 59 || off > 16*3600 {
		off = 0
	}
	if tok[0] == '-' {
		off = -off
	}
	d.hasZone, d.offset = true, off
}

func (d *dateParts) time() (time.Time, bool, bool) {
	if d.bad || d.day < 1 || d.day > 31 || d.month < 1 || d.month > 12 || d.year < 1 || d.year > 9999 {
		return time.Time{}, false, false
	}
	hour := max(d.hour, 0)
	if d.pm && hour < 12 {
		hour += 12
	}
	if d.am && hour == 12 {
		hour = 0
	}
	if hour > 24 || d.minute > 59 || d.sec > 61 {
		return time.Time{}, false, false
	}
	loc := time.UTC
	if d.offset != 0 {
		loc = time.FixedZone("", d.offset)
	}
	return time.Date(d.year, time.Month(d.month), d.day, hour, d.minute, d.sec, 0, loc), d.hasZone, true
}

// monthOf knows English month names, and the abbreviations other systems leak.
func monthOf(s string) int {
	if len(s) < 3 {
		return 0
	}
	switch strings.ToLower(s[:3]) {
	case "jan":
		return 1
	case "feb":
		return 2
	case "mar", "mrz":
		return 3
	case "apr":
		return 4
	case "may", "mai":
		return 5
	case "jun":
		return 6
	case "jul":
		return 7
	case "aug":
		return 8
	case "sep":
		return 9
	case "oct", "okt":
		return 10
	case "nov":
		return 11
	case "dec", "dez":
		return 12
	}
	return 0
}
