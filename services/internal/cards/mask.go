package cards

import "bytes"

// The lengths of a card number, and how many of its digits stay.
const (
	least, most = 13, 19
	stays       = 4
)

// Mask replaces the digits of card numbers in a text, and counts the numbers.
func Mask(s string) (string, int) {
	b := []byte(s)
	n := mask(b)
	if n == 0 {
		return s, 0
	}
	return string(b), n
}

// number is a run of digits, with single blanks, hyphens or HTML tags between
// groups, or a soft line break of quoted-printable in it.
type number struct {
	at     []int // offsets of the digits
	groups []int // how many digits each group has
}

// mask masks in place and returns how many numbers there were.
func mask(b []byte) (n int) {
	for i := 0; i < len(b); {
		if !digit(b[i]) {
			i++
			continue
		}
		x, end := read(b, i)
		if len(x.at) >= least && alone(b, i, end) {
			n += x.mask(b)
		}
		i = end
	}
	return n
}

// read reads the digits from an offset on, and where they end.
func read(b []byte, i int) (x number, end int) {
	group := 0
	for i < len(b) {
		if digit(b[i]) {
			x.at, group = append(x.at, i), group+1
			i++
			continue
		}
		skip, next := between(b[i:])
		if skip == 0 || i+skip >= len(b) || !digit(b[i+skip]) {
			break
		}
		if next {
			x.groups, group = append(x.groups, group), 0
		}
		i += skip
	}
	x.groups = append(x.groups, group)
	return x, i
}

// blanks are what stands between groups of digits, breaks what quoted-printable and
// folded headers put anywhere.
var (
	blanks = []string{" ", "-", "\u00a0", "=20", "&nbsp;", "&#160;", "=C2=A0"}
	breaks = []string{"=\r\n", "=\n"}
)

// between is the length of what may stand between two digits of one number, and
// whether a new group of digits begins behind it: one blank, and any HTML tags.
func between(b []byte) (n int, group bool) {
	blank := false
	for {
		skip := prefix(b[n:], breaks)
		if skip == 0 && !blank {
			skip = prefix(b[n:], blanks)
			blank = skip > 0
		}
		if skip > 0 {
			n, group = n+skip, group || blank
			continue
		}
		if skip = tag(b[n:]); skip == 0 {
			return n, group
		}
		n, group = n+skip, true
	}
}

// longestTag is how far the end of a tag is looked for.
const longestTag = 512

// tag is the length of the HTML tag or comment that b begins with.
func tag(b []byte) int {
	if len(b) < 3 || b[0] != '<' || b[1] != '/' && b[1] != '!' && (b[1]|0x20 < 'a' || b[1]|0x20 > 'z') {
		return 0
	}
	return bytes.IndexByte(b[:min(len(b), longestTag)], '>') + 1
}

func prefix(b []byte, list []string) int {
	for _, s := range list {
		if len(b) >= len(s) && string(b[:len(s)]) == s {
			return len(s)
		}
	}
	return 0
}

// mask masks the numbers that stand in a run: as a rule the whole of it is one;
// several cards on one line are told apart by their groups.
func (x number) mask(b []byte) (n int) {
	for first, from := 0, 0; first < len(x.groups); {
		last, to := first, from
		found := false
		for g, at := first, from; g < len(x.groups) && at-from < most; g++ {
			at += x.groups[g]
			if x.card(b, from, at, g-first+1) {
				found, last, to = true, g, at
				break
			}
		}
		if !found {
			from, first = from+x.groups[first], first+1
			continue
		}
		for _, i := range x.at[from : to-stays] {
			b[i] = 'X'
		}
		n, from, first = n+1, to, last+1
	}
	return n
}

// card says that the digits from one to another are a card number.
func (x number) card(b []byte, from, to, groups int) bool {
	n := to - from
	if n < least || n > most || groups > 5 {
		return false
	}
	sum, head := 0, 0
	for i, at := range x.at[from:to] {
		d := int(b[at] - '0')
		if i < 4 {
			head = 10*head + d
		}
		if (n-i)%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0 && scheme(head, n)
}

// scheme says that a card scheme numbers cards so: the first four digits and the
// length (ISO/IEC 7812-1; the ranges that schemes publish).
func scheme(head, n int) bool {
	in := func(from, to int) bool { return head >= from && head <= to }
	switch {
	case in(4000, 4999): // Visa
		return n == 13 || n == 16 || n == 19
	case in(5100, 5599), in(2221, 2720): // Mastercard
		return n == 16
	case in(3400, 3499), in(3700, 3799): // American Express
		return n == 15
	case in(3000, 3059), in(3095, 3095), in(3600, 3699), in(3800, 3999): // Diners Club
		return n >= 14
	case in(3528, 3589), in(6011, 6011), in(6440, 6599), in(6200, 6299): // JCB, Discover, UnionPay
		return n >= 16
	case in(5000, 5099), in(5600, 5899), in(6300, 6399), in(6700, 6799): // Maestro
		return n >= 13
	}
	return false
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// alone says that digits are no part of something else: of an id in hexadecimal
// digits, a fraction, an address or a link.
func alone(b []byte, from, to int) bool {
	if from > 0 {
		switch c := b[from-1]; {
		case letter(c), c == '.' && from > 1 && digit(b[from-2]):
			return false
		}
	}
	if to < len(b) {
		switch c := b[to]; {
		case letter(c), c == '@', c == '.' && to+1 < len(b) && digit(b[to+1]):
			return false
		}
	}
	word := b[max(0, from-maxLink):from]
	if i := bytes.LastIndexAny(word, " \t\r\n\"'<>"); i >= 0 {
		word = word[i+1:]
	}
	return !bytes.Contains(word, []byte("://"))
}

// maxLink is how far back the beginning of a link is looked for.
const maxLink = 2000

func letter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
}
