package mail

import (
	"slices"
	"strings"
)

// Class says what kind of mail a message is. Only ClassHuman may cause an automatic
// mail, a reopening or a customer's turn (I27).
type Class string

// The classes, in the order of the ladder.
const (
	ClassLoop      Class = "loop"       // our own mail come back
	ClassComplaint Class = "complaint"  // abuse report, ARF
	ClassReceipt   Class = "receipt"    // read receipt, MDN
	ClassBounce    Class = "bounce"     // delivery report
	ClassAutoReply Class = "auto_reply" // a machine answered
	ClassList      Class = "list"       // bulk mail and mailing lists
	ClassHuman     Class = "human"      // a person wrote
)

// OwnAddresses is how a message is recognised as our own.
type OwnAddresses struct {
	// Addresses are the bare addresses the hub sends from and receives at. An
	// address with a token ("support+t…@") counts as its address without.
	Addresses []string
	// Tokens checks the loop mark; without a key no mark is believed.
	Tokens Tokens
}

// Has reports whether an address is one of ours.
func (o OwnAddresses) Has(address string) bool {
	if address == "" {
		return false
	}
	key := Key(address)
	local, domain := splitAddress(key)
	base, _, _ := strings.Cut(local, "+")
	return slices.ContainsFunc(o.Addresses, func(own string) bool {
		k := Key(own)
		return k == key || k == base+"@"+domain
	})
}

// Classify walks the ladder of I26; the first rule that holds decides. rule is
// a stable code that says which one it was.
func Classify(m *Message, own OwnAddresses) (class Class, rule string) {
	for _, r := range ladder {
		if rule := r.holds(m, own); rule != "" {
			return r.class, rule
		}
	}
	return ClassHuman, "no_rule"
}

var ladder = []struct {
	class Class
	holds func(*Message, OwnAddresses) string
}{
	{ClassLoop, isLoop}, {ClassComplaint, isComplaint}, {ClassReceipt, isReceipt}, {ClassBounce, isBounce}, {ClassAutoReply, isAuto}, {ClassList, isList},
}

func isLoop(m *Message, own OwnAddresses) string {
	for _, v := range m.Header.All("X-Hub-Loop") {
		if own.Tokens.VerifyLoopMark(v) {
			return "loop_mark"
		}
	}
	if own.Has(m.Author().Address) {
		return "from_own_address"
	}
	return ""
}

func isComplaint(m *Message, _ OwnAddresses) string {
	switch {
	case m.Complaint != nil:
		return "arf_part"
	case m.ReportType == "feedback-report":
		return "arf_report_type"
	}
	return ""
}

func isReceipt(m *Message, _ OwnAddresses) string {
	switch {
	case m.Receipt != nil:
		return "mdn_part"
	case m.ReportType == "disposition-notification":
		return "mdn_report_type"
	}
	return ""
}

func isBounce(m *Message, _ OwnAddresses) string {
	switch {
	case m.Bounce != nil && m.Bounce.Standard:
		return "dsn_part"
	case m.ReportType == "delivery-status":
		return "dsn_report_type"
	case m.Header.Has("X-Failed-Recipients"):
		return "failed_recipients"
	case bounceSigns(m) >= 2:
		return "two_bounce_signs"
	}
	return ""
}

// bounceSigns counts the three weak signs of a bounce; one alone proves nothing
// (a postmaster may write to himself).
func bounceSigns(m *Message) int {
	n := 0
	if nullReturnPath(m) {
		n++
	}
	local, _ := splitAddress(Key(m.Author().Address))
	if slices.Contains(bounceSenders, local) {
		n++
	}
	if hasAnyPrefix(m.Subject, bounceSubjects) {
		n++
	}
	return n
}

func nullReturnPath(m *Message) bool {
	v := m.Header.rawFirst("Return-Path")
	return v != nil && strings.Trim(string(v), " \t<>") == ""
}

var bounceSenders = []string{"mailer-daemon", "postmaster", "mail-daemon", "maildaemon", "mdaemon", "mailerdaemon", "mail_daemon", "bounce-handler"}

var bounceSubjects = []string{
	"undelivered mail returned to sender", "undeliverable", "undeliverable:", "undelivered mail", "delivery status notification", "mail delivery failed",
	"mail delivery failure", "mail delivery problem", "mail delivery system", "delivery failure", "delivery has failed", "delivery notification", "delivery error",
	"delivery report", "failure notice", "returned mail", "returned to sender", "message delivery failure", "message undeliverable", "warning: message",
	"warning: could not send", "mail could not be delivered", "nondeliverable mail", "non-delivery report", "mail system error", "failure delivery",
	"unzustellbar", "mail nicht zustellbar", "nicht zustellbar", "fehler bei der", "non remis", "échec de la remise", "échec de remise", "notification d'état",
	"no se puede entregar", "devuelto", "correo devuelto", "mancata consegna", "onbestelbaar", "niet bezorgd", "olevererbart", "não foi possível entregar", "配信不能", "无法投递", "系统退信",
}

func hasAnyPrefix(s string, list []string) bool {
	s = strings.ToLower(strings.TrimSpace(s))
	for _, re := range []string{"re:", "aw:"} {
		if strings.HasPrefix(s, re) {
			return false
		}
	}
	return slices.ContainsFunc(list, func(p string) bool { return strings.HasPrefix(s, p) })
}

var autoSubjects = []string{
	"out of office", "out-of-office", "automatic reply", "auto reply", "autoreply", "auto-reply", "auto response", "autoresponse", "automatische antwort",
	"abwesenheit", "abwesend", "réponse automatique", "absence du bureau", "absent du bureau", "respuesta automática", "fuera de la oficina", "risposta automatica",
	"fuori ufficio", "automatisch antwoord", "afwezig", "resposta automática", "autosvar", "automatiskt svar", "автоответ", "自動応答", "自动回复", "自動返信", "automatyczna odpowiedź", "i am out of", "vacation",
}

func isAuto(m *Message, _ OwnAddresses) string {
	h := m.Header
	for _, v := range h.All("Auto-Submitted") {
		// RFC 3834 section 5: a keyword, parameters may follow.
		word, _, _ := strings.Cut(strings.ToLower(v), ";")
		if word = strings.TrimSpace(word); word != "" && word != "no" {
			return "auto_submitted"
		}
	}
	for _, name := range []string{"X-Autoreply", "X-Autorespond", "X-Autoresponder", "X-Auto-Reply", "X-Autoreply-From", "X-Mail-Autoreply", "X-Vacation"} {
		if v := strings.ToLower(h.First(name)); h.Has(name) && v != "no" && v != "false" {
			return "auto_header"
		}
	}
	if p := precedence(m); p == "auto_reply" || p == "auto-reply" {
		return "precedence_auto"
	}
	if h.Has("X-Auto-Response-Suppress") && hasAnyPrefix(m.Subject, autoSubjects) {
		return "out_of_office_subject"
	}
	if nullReturnPath(m) {
		return "null_return_path"
	}
	return ""
}

func precedence(m *Message) string { return strings.ToLower(m.Header.First("Precedence")) }

func isList(m *Message, _ OwnAddresses) string {
	h := m.Header
	switch {
	case h.Has("List-Id"):
		return "list_id"
	case h.Has("List-Unsubscribe"):
		return "list_unsubscribe"
	}
	switch precedence(m) {
	case "bulk", "list", "junk":
		return "precedence_bulk"
	}
	return ""
}

// SuppressesAutoReply reports whether the sender asked not to get automatic
// answers (X-Auto-Response-Suppress with AutoReply or All, I27).
func (m *Message) SuppressesAutoReply() bool {
	for _, v := range m.Header.All("X-Auto-Response-Suppress") {
		for w := range strings.FieldsFuncSeq(strings.ToLower(v), func(r rune) bool { return r == ',' || r == ' ' || r == ';' }) {
			if w == "all" || w == "autoreply" || w == "oof" {
				return true
			}
		}
	}
	return false
}
