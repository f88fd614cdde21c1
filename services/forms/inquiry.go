package forms

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/services/internal/cards"
)

// inquiry makes the event of a submission. Its stream is named by an id derived
// from the submission, so that the same one sent again is the same event.
func (f *Forms) inquiry(form Form, s Submission, answers map[string]string, customer events.SubjectID, now time.Time) events.InquiryReceived {
	id := events.DeriveUUID("inquiry", "form", string(form.ID), f.submissionID(s, answers)).String()
	addr := answers[FieldEmail]
	letter := events.Letter{
		Subject: answers[FieldSubject], Text: answers[FieldMessage], QuoteFrom: -1, Date: now,
	}
	var further []string
	for _, x := range form.Extra {
		if v := answers[x.Name]; v != "" {
			if letter.Fields == nil {
				letter.Fields = map[string]string{}
			}
			letter.Fields[x.Label] = v
			further = append(further, x.Label+": "+v)
		}
	}
	if len(further) > 0 { // agents read and search the text
		letter.Text += "\n\n" + strings.Join(further, "\n")
	}
	warnings := withoutCards(&letter)
	size := int64(len(letter.Subject) + len(letter.Text))
	var blobs []events.Blob
	for i, file := range s.Files {
		letter.Attachments = append(letter.Attachments, attachment(i, file))
		blobs = append(blobs, events.NewBlob(file.Data))
		size += int64(len(file.Data))
	}
	return events.InquiryReceived{
		Inquiry:      events.InquiryID(id),
		Channel:      events.Form,
		Mailbox:      form.Mailbox,
		Form:         form.ID,
		ArrivedAt:    now,
		Customer:     customer,
		SenderDomain: f.hash("domain", strings.ToLower(addr[strings.LastIndexByte(addr, '@')+1:])),
		Class:        events.MailHuman,
		ClassRule:    "form",
		Warnings:     warnings,
		Size:         size,
		Files:        blobs,
		Contact:      events.Seal(events.Address{Name: answers[FieldName], Address: addr}),
		Letter:       events.Seal(letter),
	}
}

func attachment(i int, file File) events.Attachment {
	sum := sha256.Sum256(file.Data)
	return events.Attachment{
		ID: strconv.Itoa(i + 1), Name: FileName(file.Name), Type: file.Type, Size: int64(len(file.Data)),
		SHA256: hex.EncodeToString(sum[:]), File: i + 1,
	}
}

// withoutCards masks the numbers of payment cards in a letter before anything of it
// is kept.
func withoutCards(l *events.Letter) (warnings []string) {
	all := 0
	mask := func(s string) string {
		s, n := cards.Mask(s)
		all += n
		return s
	}
	l.Subject, l.Text = mask(l.Subject), mask(l.Text)
	for label, v := range l.Fields {
		l.Fields[label] = mask(v)
	}
	if all == 0 {
		return nil
	}
	return []string{"card_masked"}
}
