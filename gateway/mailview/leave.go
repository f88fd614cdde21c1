package mailview

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"strings"
)

// Leave makes the links of a mail go through a page of our own that says who is
// not us (policy S5). A link carries a keyed hash, so that the page sends nobody
// anywhere that was not in a mail, and names neither the mail nor who follows it.
type Leave struct {
	Key []byte
	// Own reports hosts that need no page: our own, and those of registered
	// processors. Nil knows none.
	Own func(host string) bool
}

// LeavePath is where the page is.
const LeavePath = "/leave"

const leaveMAC = 16

func (l *Leave) mac(target string) string {
	m := hmac.New(sha256.New, l.Key)
	m.Write([]byte("leave 1\x00" + target))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil)[:leaveMAC])
}

// Link gives the address that a link is written with: the page's for an external
// one of the web, else the target itself. What does not parse gets none: a browser
// would make an address of it that nobody looked at (a backslash, to it, is a slash).
// A nil Leave changes nothing else.
func (l *Leave) Link(target string) string {
	u, err := url.Parse(target)
	if err != nil || strings.Contains(target, `\`) {
		return ""
	}
	if l == nil || !web(u) || l.Own != nil && l.Own(asciiHost(u)) {
		return target
	}
	return LeavePath + "?u=" + url.QueryEscape(target) + "&m=" + l.mac(target)
}

// Target reads what Link wrote: where it goes, and the host to name to the reader.
// ok is false for anything else.
func (l *Leave) Target(target, mac string) (host string, ok bool) {
	if l == nil || len(target) > 4000 || !hmac.Equal([]byte(mac), []byte(l.mac(target))) {
		return "", false
	}
	u, err := url.Parse(target)
	if err != nil || !web(u) {
		return "", false
	}
	return asciiHost(u), true
}

func web(u *url.URL) bool {
	s := strings.ToLower(u.Scheme)
	return (s == "http" || s == "https") && u.Host != ""
}
