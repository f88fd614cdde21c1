package notifier

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/westshore/hub/events/bus"
)

// The classes of MAIL O6: why a message was not accepted.
const (
	ClassHost      = "host"      // the mail server or the way to it is away
	ClassLogin     = "login"     // our own login or set-up is refused
	ClassGreylist  = "greylist"  // come back later, by policy
	ClassRate      = "rate"      // we are too fast
	ClassFull      = "full"      // the mailbox is full for now
	ClassTemporary = "temporary" // other 4xx
	ClassAddress   = "address"   // no such recipient
	ClassSize      = "size"      // too big for it
	ClassContent   = "content"   // refused as spam or by policy
	ClassUTF8      = "utf8"      // cannot take this address or content
	ClassPermanent = "permanent" // other 5xx
	ClassExpired   = "expired"   // tried for too long
	ClassLost      = "connection_lost"
	ClassCrash     = "worker_lost"
)

// verdict is what a refusal means.
type verdict struct {
	outcome bus.Outcome
	class   string
	code    string
}

// classify reads a server's refusal: the enhanced status code first (RFC 3463,
// RFC 5248), then the class of the reply code (RFC 5321 section 4.2.1). An error
// that is no reply at all means that the server or the way to it is away.
func classify(err error) verdict {
	var reply *smtp.SMTPError
	if !errors.As(err, &reply) {
		return verdict{bus.Deferred, ClassHost, ""}
	}
	code := replyCode(reply)
	e := reply.EnhancedCode
	detail := [2]int{e[1], e[2]}
	text := strings.ToLower(reply.Message)
	switch {
	case reply.Code == 421:
		return verdict{bus.Deferred, ClassHost, code}
	case reply.Code == 530 || reply.Code == 535 || reply.Code == 534 || reply.Code == 538 || detail == [2]int{7, 26} || detail == [2]int{7, 8}:
		return verdict{bus.Deferred, ClassLogin, code}
	case reply.Code/100 == 4:
		return verdict{bus.Deferred, temporary(reply.Code, detail, text), code}
	}
	return verdict{bus.Failed, permanent(reply.Code, detail), code}
}

func temporary(code int, detail [2]int, text string) string {
	switch {
	case detail == [2]int{7, 28}, detail == [2]int{5, 3}, strings.Contains(text, "rate limit"), strings.Contains(text, "too many"):
		return ClassRate
	case detail == [2]int{7, 1}, detail == [2]int{7, 0}, strings.Contains(text, "greylist"):
		return ClassGreylist
	case detail == [2]int{2, 2}, code == 452:
		return ClassFull
	}
	return ClassTemporary
}

func permanent(code int, detail [2]int) string {
	switch {
	case detail == [2]int{1, 1}, detail == [2]int{1, 2}, detail == [2]int{1, 6}, detail == [2]int{1, 10}, detail == [2]int{2, 1}:
		return ClassAddress
	case detail == [2]int{2, 2}:
		return ClassFull
	case detail == [2]int{3, 4}, code == 552:
		return ClassSize
	case detail[0] == 7:
		return ClassContent
	case detail[0] == 6:
		return ClassUTF8
	}
	return ClassPermanent
}

// replyCode prints the codes, and only those: the text of a reply may name a
// customer.
func replyCode(r *smtp.SMTPError) string {
	e := r.EnhancedCode
	if e[0] <= 0 {
		return fmt.Sprint(r.Code)
	}
	return fmt.Sprintf("%d %d.%d.%d", r.Code, e[0], e[1], e[2])
}

// pauses are how long to wait after the n-th refusal of a class (MAIL O6).
var pauses = map[string][]time.Duration{
	ClassGreylist:  {5 * time.Minute, 15 * time.Minute, 30 * time.Minute},
	ClassRate:      {15 * time.Minute, 30 * time.Minute, time.Hour},
	ClassFull:      {time.Hour, 4 * time.Hour, 12 * time.Hour},
	ClassTemporary: {time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour},
	ClassHost:      {time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute, 5 * time.Minute},
	ClassLogin:     {30 * time.Second, time.Minute, 5 * time.Minute},
}
