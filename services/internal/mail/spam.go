package mail

import "strings"

// IsSpam reports whether our own mail server called the mail spam: a verdict of
// its filter (rspamd, SpamAssassin) that stands above the Authentication-Results
// field with one of our identifiers, or right behind it. Verdicts further down
// are other servers' and count for nothing; that a mail is no spam is never read,
// so what a sender writes there himself can only be his loss (MAIL I48).
func (m *Message) IsSpam(authServIDs []string) bool {
	spam := false
	for i := range m.Header.fields {
		f := &m.Header.fields[i]
		value := string(unfold(f.value))
		switch {
		case f.is("Authentication-Results"):
			if ownAuthServ(value, authServIDs) {
				return spam || spamBehind(m.Header.fields[i+1:])
			}
		case spamVerdict(f, value):
			spam = true
		}
	}
	return false // nothing here is our server's
}

// spamBehind looks at the filter's fields at the top of a list.
func spamBehind(fields []field) bool {
	for i := range fields {
		f := &fields[i]
		name := strings.ToLower(f.name)
		if !strings.HasPrefix(name, "x-spam") && !strings.HasPrefix(name, "x-rspamd") {
			return false
		}
		if spamVerdict(f, string(unfold(f.value))) {
			return true
		}
	}
	return false
}

func spamVerdict(f *field, value string) bool {
	word, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(value)), ",")
	switch {
	case f.is("X-Spam"), f.is("X-Spam-Flag"), f.is("X-Spam-Status"):
		return word == "yes"
	case f.is("X-Rspamd-Action"):
		return word == "add header" || word == "rewrite subject" || word == "reject"
	}
	return false
}
