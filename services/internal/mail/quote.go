package mail

import (
	"regexp"
	"strings"
)

// QuoteFrom is the byte offset in text at which the quoted earlier conversation
// begins and from which everything is quote, or -1 (I42). Only the first 64 KiB
// are looked at. Nothing is ever cut: the offset is for folding on a screen.
//
// A quote begins at an attribution ("On … wrote:"), at "-----Original
// Message-----", at a header block of an earlier mail, or at a block of ">"
// lines that runs to the end. Answers between quoted lines are not folded, nor
// is a forwarded message, nor a mail that would have nothing left to read.
func QuoteFrom(text string) int {
	s := text
	if len(s) > maxQuoteScan {
		s = s[:maxQuoteScan]
	}
	lines, offsets := splitLines(s)
	q := quoteScan{lines: lines, tail: quotedTail(lines)}
	if len(s) < len(text) { // the end is out of sight: trust no tail
		q.tail = len(lines)
	}
	i := q.find()
	if i < 0 || i >= len(lines) || blank(lines[:i]) {
		return -1
	}
	return offsets[i]
}

func splitLines(s string) (lines []string, offsets []int) {
	n := strings.Count(s, "\n") + 1
	lines, offsets = make([]string, 0, n), make([]int, 0, n)
	for at := 0; at < len(s); {
		end := strings.IndexByte(s[at:], '\n')
		if end < 0 {
			end = len(s) - at
		}
		lines = append(lines, strings.TrimRight(s[at:at+end], " \t\u00a0"))
		offsets = append(offsets, at)
		at += end + 1
	}
	return lines, offsets
}

func blank(lines []string) bool {
	for _, l := range lines {
		if strings.TrimSpace(l) != "" {
			return false
		}
	}
	return true
}

func isQuoteLine(l string) bool {
	l = strings.TrimLeft(l, " \t")
	return strings.HasPrefix(l, ">") || strings.HasPrefix(l, "＞")
}

// quotedTail is the first line from which only quoted and empty lines follow,
// len(lines) when the text ends unquoted. A signature may stand at the end.
func quotedTail(lines []string) int {
	end := len(lines)
	for i := len(lines) - 1; i >= 0 && i > len(lines)-12; i-- {
		if lines[i] == "--" {
			end = i
			break
		}
	}
	tail := end
	for i := end - 1; i >= 0; i-- {
		switch {
		case isQuoteLine(lines[i]):
			tail = i
		case lines[i] != "":
			if tail == end {
				return len(lines)
			}
			return tail
		}
	}
	if tail == end {
		return len(lines)
	}
	return tail
}

type quoteScan struct {
	lines []string
	tail  int
}

// find goes through the lines once.
func (q quoteScan) find() int {
	for i, l := range q.lines {
		if i >= q.tail {
			return q.attributionAbove(q.tail)
		}
		if l == "" || isQuoteLine(l) {
			continue
		}
		switch {
		case dashed(l) && forwardRE.MatchString(l):
			return -1
		case dashed(l) && originalRE.MatchString(l):
			return i
		case headerStart(l) && q.headerBlock(i):
			if i > 0 && ruleRE.MatchString(q.lines[i-1]) {
				return i - 1
			}
			return i
		}
		if n, strong := q.attribution(i); n > 0 && q.restIsQuote(i+n, strong) {
			return i
		}
	}
	if q.tail < len(q.lines) {
		return q.attributionAbove(q.tail)
	}
	return -1
}

// attributionAbove moves a quoted block up to a line like "On … wrote:" that
// stands directly over it.
func (q quoteScan) attributionAbove(tail int) int {
	for up := tail - 1; up >= 0 && up >= tail-5; up-- {
		if n, _ := q.attribution(up); n > 0 && up+n <= tail && blank(q.lines[up+n:tail]) {
			return up
		}
	}
	return tail
}

// attribution is the number of lines (1 to 3) of an attribution at line i, 0 for
// none. strong says that it names a date or an address.
func (q quoteScan) attribution(i int) (n int, strong bool) {
	if len(q.lines[i]) > 400 || !q.colonSoon(i) {
		return 0, false
	}
	joined := ""
	for n := 1; n <= 3 && i+n <= len(q.lines); n++ {
		part := q.lines[i+n-1]
		if part == "" || len(part) > 400 || isQuoteLine(part) {
			return 0, false
		}
		joined += " " + part
		if saysWrote(joined) {
			return n, strings.ContainsAny(joined, "0123456789@")
		}
	}
	return 0, false
}

// saysWrote reports whether a text ends like "… wrote:".
func saysWrote(s string) bool {
	s = strings.ToLower(strings.TrimSpace(s))
	head := strings.TrimRight(strings.TrimSuffix(strings.TrimSuffix(s, ":"), "："), " \u00a0")
	if head == s {
		return false
	}
	for _, verb := range wroteLast {
		if strings.HasSuffix(head, verb) {
			return true
		}
	}
	for _, verb := range wroteBefore {
		if strings.Contains(head, verb) {
			return true
		}
	}
	// "2026-03-02 10:11 GMT+01:00 Ann <ann@example.org>:"
	return strings.HasSuffix(head, ">") && strings.Contains(head, "@") && strings.ContainsAny(head[:1], "0123456789")
}

// The words of attributions: at the end of the line, or before the name.
var (
	wroteLast = []string{
		" wrote", " writes", " wrote the following", " schrieb", " schreibt", " écrit", " escribió", " ha scritto", " scrive", " schreef", " escreveu", " skrev",
		" pisze", " napisał", " napisał(a)", " napisała", " napsal", " napsal(a)", " написал", " написала", " написал(а)", " пишет", "写道", "寫道", "のメール", " kirjoitti", " yazdı",
	}
	wroteBefore = []string{" schrieb ", " schreef ", " skrev "}
)

// colonSoon is a cheap test before the expressions: an attribution ends with a
// colon on one of three lines.
func (q quoteScan) colonSoon(i int) bool {
	for n := 0; n < 3 && i+n < len(q.lines) && q.lines[i+n] != ""; n++ {
		if strings.HasSuffix(q.lines[i+n], ":") || strings.HasSuffix(q.lines[i+n], "：") {
			return true
		}
	}
	return false
}

// dashed is a cheap test before the expressions for separator lines.
func dashed(l string) bool {
	return strings.Contains(l, "--") || strings.HasSuffix(l, ":")
}

// restIsQuote reports whether what follows an attribution is all quote: ">"
// lines to the end, or, below a strong one, no ">" line at all.
func (q quoteScan) restIsQuote(i int, strong bool) bool {
	first := i
	for first < len(q.lines) && q.lines[first] == "" {
		first++
	}
	if first >= q.tail {
		return true
	}
	return strong && first < len(q.lines) && !isQuoteLine(q.lines[first])
}

// headerStart is a cheap test before the expressions of headerBlock.
func headerStart(l string) bool {
	return len(l) < 400 && strings.IndexByte(l, ':') > 0 && fromRE.MatchString(l)
}

// headerBlock reports whether the header of an earlier mail begins at line i:
// From, then at least two of Sent, To, Subject in the next lines.
func (q quoteScan) headerBlock(i int) bool {
	hits := 0
	for _, l := range q.lines[i+1 : min(len(q.lines), i+8)] {
		if l == "" {
			break
		}
		if len(l) < 400 && headerRE.MatchString(l) {
			hits++
		}
	}
	return hits >= 2
}

// The expressions are RE2: linear in the length of a line.
var (
	originalRE = regexp.MustCompile(`(?i)^[\s>*_-]*-{2,}\s*(original message|original appointment|ursprüngliche nachricht|originalnachricht|message d'origine|message original|mensaje original|messaggio originale|mensagem original|oorspronkelijk bericht|ursprungligt meddelande|oprindelig meddelelse|opprinnelig melding|alkuperäinen viesti|wiadomość oryginalna|исходное сообщение|原始邮件|原始郵件|元のメッセージ|original-nachricht|reply message|antwort)\s*-{2,}`)
	forwardRE  = regexp.MustCompile(`(?i)^[\s*_-]*-{2,}\s*(forwarded message|weitergeleitete nachricht|message transféré|mensaje reenviado|messaggio inoltrato|mensagem encaminhada|doorgestuurd bericht|forwarded by|пересылаемое сообщение|转发邮件)|^begin forwarded message:|^anfang der weitergeleiteten|^début du message (réexpédié|transféré)`)
	ruleRE     = regexp.MustCompile(`^\s*[_\-=]{5,}\s*$`)
	fromRE     = regexp.MustCompile(`(?i)^\s*[*_]{0,2}(from|von|de|da|van|från|fra|lähettäjä|od|от|发件人|寄件者|差出人)\s*[*_]{0,2}\s?:`)
	headerRE   = regexp.MustCompile(`(?i)^\s*[*_]{0,2}(sent|date|to|cc|subject|gesendet|datum|an|betreff|envoyé|à|objet|enviado|enviado el|fecha|para|asunto|inviato|data|a|oggetto|verzonden|aan|onderwerp|skickat|till|ämne|sendt|til|emne|wysłano|do|temat|отправлено|дата|кому|тема|发送时间|收件人|主题|日期|送信日時|宛先|件名)\s*[*_]{0,2}\s?:`)
)
