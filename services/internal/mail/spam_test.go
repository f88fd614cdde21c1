package mail_test

import "testing"

// MAIL I48: only our own server's filter is asked.
func TestIsSpam(t *testing.T) {
	const ours, theirs = "Authentication-Results: mx.hub.test; spf=pass\n", "Authentication-Results: mx.other.test; spf=pass\n"
	for name, c := range map[string]struct {
		header string
		want   bool
	}{
		"rspamd, above":            {"X-Spam: Yes\n" + ours, true},
		"rspamd, behind":           {ours + "X-Spamd-Bar: ++++++\nX-Spam: Yes\n", true},
		"action":                   {ours + "X-Rspamd-Action: add header\n", true},
		"greylisted is no verdict": {ours + "X-Rspamd-Action: greylist\n", false},
		"SpamAssassin":             {"X-Spam-Status: Yes, score=7.1 required=5.0\n" + ours, true},
		"no spam":                  {"X-Spam-Status: No, score=0.1\nX-Spam-Flag: NO\n" + ours, false},
		"an earlier server's":      {ours + "Received: from x by y; Mon, 2 Mar 2026 10:11:12 +0100\nX-Spam-Flag: YES\n", false},
		"another's results":        {"X-Spam-Flag: YES\n" + theirs, false},
		"no results":               {"X-Spam-Flag: YES\n", false},
	} {
		if got := parse(c.header + head + "\nx").IsSpam([]string{"mx.hub.test"}); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
