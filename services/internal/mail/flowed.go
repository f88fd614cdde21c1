package mail

import "strings"

// unflow joins the soft-broken lines of format=flowed text (RFC 3676). A line
// that ends with a space continues on the next line of the same quote depth;
// the signature mark "-- " does not. delSp drops that space.
func unflow(s string, delSp bool) string {
	var b strings.Builder
	b.Grow(len(s))
	open, depth := false, 0
	for len(s) > 0 {
		l, rest, ended := strings.Cut(s, "\n")
		s = rest
		q := 0
		for q < len(l) && l[q] == '>' {
			q++
		}
		text := strings.TrimPrefix(l[q:], " ") // space-stuffing, or the space after >
		if open && q != depth {
			b.WriteByte('\n')
			open = false
		}
		if !open && q > 0 {
			b.WriteString(l[:q])
			b.WriteByte(' ')
		}
		depth = q
		flows := strings.HasSuffix(text, " ") && text != "-- " && ended
		if flows && delSp {
			text = text[:len(text)-1]
		}
		b.WriteString(text)
		open = flows
		if !flows && ended {
			b.WriteByte('\n')
		}
	}
	return b.String()
}
