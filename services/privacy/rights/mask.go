package rights

import (
	"regexp"
	"slices"
	"strings"

	"github.com/westshore/hub/events"
)

// What stands where something was masked.
const (
	maskedThird = "[another person, withheld: Art. 15(4) GDPR]"
	maskedStaff = "[our staff]"
	maskedQuote = "[text of another person, withheld: Art. 15(4) GDPR]"
)

// masker takes out of a text what belongs to others than its reader: addresses and
// names of third persons, text of theirs that is quoted, and names of the staff,
// whose identity is normally withheld (CJEU C-579/21).
type masker struct {
	own   map[string]bool // addresses of the reader
	house func(string) bool
	names []maskedName
	count int
}

type maskedName struct {
	name string
	re   *regexp.Regexp
	by   string
}

func newMasker(reader []events.Address, house func(string) bool, staff []events.Address) *masker {
	m := &masker{own: map[string]bool{}, house: house}
	for _, a := range reader {
		m.own[strings.ToLower(a.Address)] = true
	}
	for _, a := range staff {
		m.name(a.Name, maskedStaff)
	}
	return m
}

// name adds a name to be masked. A short or single word would be found everywhere,
// so only its whole is looked for, as a word.
func (m *masker) name(name, by string) {
	name = strings.TrimSpace(name)
	if len([]rune(name)) < 3 || slices.ContainsFunc(m.names, func(n maskedName) bool { return n.name == name }) {
		return
	}
	m.names = append(m.names, maskedName{name, regexp.MustCompile(`(?i)(^|[^\p{L}\p{N}])` + regexp.QuoteMeta(name) + `($|[^\p{L}\p{N}])`), by})
	// A signature is often the first name alone.
	if by == maskedStaff {
		if first, _, more := strings.Cut(name, " "); more && len([]rune(first)) > 2 {
			m.names = append(m.names, maskedName{first, regexp.MustCompile(`(^|[^\p{L}\p{N}])` + regexp.QuoteMeta(first) + `($|[^\p{L}\p{N}])`), by})
		}
	}
}

// with adds the third persons of one message.
func (m *masker) with(people ...[]events.Address) *masker {
	out := *m
	out.names = slices.Clone(m.names)
	for _, list := range people {
		for _, a := range list {
			if !m.mine(a.Address) {
				out.name(a.Name, maskedThird)
			}
		}
	}
	return &out
}

// mine reports whether an address is the reader's or the house's.
func (m *masker) mine(address string) bool {
	return m.own[strings.ToLower(address)] || m.house != nil && m.house(address)
}

var addressRE = regexp.MustCompile(`[\p{L}\p{N}._%+\-]+@[\p{L}\p{N}.\-]+\.[\p{L}]{2,24}`)

// text masks one text.
func (m *masker) text(s string) string {
	return m.words(m.quotes(s))
}

// words masks addresses and names.
func (m *masker) words(s string) string {
	s = addressRE.ReplaceAllStringFunc(s, func(a string) string {
		if m.mine(a) {
			return a
		}
		m.count++
		return maskedThird
	})
	for _, n := range m.names {
		s = n.re.ReplaceAllStringFunc(s, func(hit string) string {
			m.count++
			parts := n.re.FindStringSubmatch(hit)
			return parts[1] + n.by + parts[2]
		})
	}
	return s
}

// quotes masks quoted text unless the line before it says that it is the reader's or
// the house's own. Quoted lines begin with ">", at any depth; a quotation within a
// quotation is judged by the attribution within.
func (m *masker) quotes(s string) string {
	lines := strings.Split(s, "\n")
	out := make([]string, 0, len(lines))
	keep := map[int]bool{0: true} // by depth: whose text is it
	was, masked, last := 0, false, ""
	for _, line := range lines {
		depth, rest := quoteDepth(line)
		if depth > was {
			for d := was + 1; d <= depth; d++ {
				keep[d] = m.attributed(last)
			}
		}
		if strings.TrimSpace(rest) != "" {
			was, last = depth, rest
		}
		if depth > 0 && !keep[depth] {
			if !masked {
				m.count++
				out = append(out, strings.Repeat("> ", depth)+maskedQuote)
			}
			masked = true
			continue
		}
		masked = false
		out = append(out, line)
	}
	return strings.Join(out, "\n")
}

// attributed reports whether the line before a quotation names the reader or the
// house by their address, and nobody else.
func (m *masker) attributed(line string) bool {
	found := addressRE.FindAllString(line, -1)
	return len(found) > 0 && !slices.ContainsFunc(found, func(a string) bool { return !m.mine(a) })
}

func quoteDepth(line string) (depth int, rest string) {
	rest = line
	for {
		trimmed := strings.TrimLeft(rest, " \t")
		if !strings.HasPrefix(trimmed, ">") {
			return depth, rest
		}
		depth, rest = depth+1, trimmed[1:]
	}
}

// addresses masks a list of people.
func (m *masker) addresses(list []events.Address) []string {
	out := []string{}
	for _, a := range list {
		if m.mine(a.Address) {
			out = append(out, a.Address)
			continue
		}
		m.count++
		out = append(out, maskedThird)
	}
	return out
}
