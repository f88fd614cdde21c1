package mail

import (
	"regexp"
	"strings"
)

// forwardSubjects are how mail programs mark a forwarded mail.
var forwardSubjects = []string{"fwd:", "fw:", "wg:", "tr:", "rv:", "i:", "enc:", "doorst:", "vs:", "vb:", "vl:", "pd:", "fs:", "转发:", "转发：", "轉寄:", "轉寄：", "пересл:"}

// Forwarded is who first wrote a mail that somebody passes on, when the mail
// says so in one of the two ways that can be relied on (I40): the mail itself is
// attached, or the header block of the earlier mail stands at the very top of the
// text. The subject must be marked as forwarded. ok is false for everything else.
func (m *Message) Forwarded() (author Address, ok bool) {
	subject := strings.ToLower(m.Subject)
	marked := false
	for _, p := range forwardSubjects {
		marked = marked || strings.HasPrefix(subject, p)
	}
	if !marked {
		return Address{}, false
	}
	if e := m.Enclosed; e != nil && len(e.From) > 0 && strings.Contains(e.From[0].Address, "@") {
		return e.From[0], true
	}
	return topHeader(m.Text)
}

// topHeader reads the sender from a header block that nothing but a separator
// line stands above.
func topHeader(text string) (Address, bool) {
	lines, _ := splitLines(cutBytes(text, 8<<10))
	i := 0
	for i < len(lines) && (strings.TrimSpace(lines[i]) == "" || dashed(lines[i]) && (forwardRE.MatchString(lines[i]) || originalRE.MatchString(lines[i])) || ruleRE.MatchString(lines[i])) {
		i++
	}
	// The date may stand above the sender.
	for at := i; at < min(len(lines), i+3); at++ {
		l := lines[at]
		if !headerStart(l) {
			if !headerRE.MatchString(l) {
				return Address{}, false
			}
			continue
		}
		q := quoteScan{lines: lines[i:], tail: len(lines) - i}
		if !q.headerBlock(0) && !q.headerBlock(at-i) {
			return Address{}, false
		}
		_, value, _ := strings.Cut(l, ":")
		for _, a := range ParseAddresses(mailtoNoise.ReplaceAllString(strings.Trim(value, " *_"), "")) {
			if strings.Contains(a.Address, "@") {
				return a, true
			}
		}
		return Address{}, false
	}
	return Address{}, false
}

// mailtoNoise is what Outlook puts behind an address: "Ann [mailto:ann@x]" or
// "ann@x<mailto:ann@x>".
var mailtoNoise = regexp.MustCompile(`<mailto:[^>]*>|\[mailto:|\]`)

// codeRE finds what services send to prove that an address is somebody's: a
// code, or a link that confirms (FIELD 3.7). It is RE2 and sees 4 KiB.
var codeRE = regexp.MustCompile(`(?i)\b(verification|confirmation|security|login|log-in|sign[ -]?in|one[ -]?time|access|authentication)[ -]?(code|passcode|password|pin|link)\b|` +
	`\b(verify|confirm|validate|activate)\s+(your\s+)?(new\s+)?(e-?mail|account|address|registration)\b|\b(reset|change)\s+your\s+password\b|\bmagic\s+link\b|\b2fa\b|\botp\b|` +
	`(best(ä|ae)tigungs|sicherheits|verifizierungs|anmelde|einmal)-?(code|link|passwort)|(e-?mail-?adresse|konto|registrierung)\s+(jetzt\s+)?best(ä|ae)tigen|passwort\s+zur(ü|ue)cksetzen|` +
	`code\s+de\s+(v(é|e)rification|confirmation|s(é|e)curit(é|e))|confirme[rz]\s+votre\s+(adresse|compte)|c(ó|o)digo\s+de\s+(verificaci(ó|o)n|seguridad|acceso)|codice\s+di\s+(verifica|sicurezza|accesso)|verificatiecode|` +
	`код\s+подтверждения|验证码|驗證碼|認証コード|確認コード`)

// OneTimeCode reports whether a mail looks like a service's: a code to log in or
// a link that confirms an address. Such a mail must not reach whoever made the
// service send it here.
func (m *Message) OneTimeCode() bool {
	return codeRE.MatchString(m.Subject) || codeRE.MatchString(cutBytes(m.Text, 4<<10))
}
