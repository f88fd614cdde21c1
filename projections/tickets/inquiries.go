package tickets

import (
	"encoding/json"

	"github.com/westshore/hub/events"
)

// inquiryReceived keeps an inquiry until it is known whose ticket it is.
func (b *work) inquiryReceived(r *events.Recorded, e events.InquiryReceived) error {
	box, err := b.box(r, string(e.Inquiry), 0, e.Customer)
	if err != nil {
		return err
	}
	if err := b.files(box, append([]events.Blob{e.Raw}, e.Files...)); err != nil {
		return err
	}
	if e.Mailbox != "" {
		b.counters["mailbox:"+string(e.Mailbox)]++
	}
	var q inquiry
	q.read(e)
	_, err = b.tx.Exec(`INSERT INTO inquiries (id, box, mailbox, form, uidvalidity, uid, arrived_at, class, warnings, size,
		from_name, from_address, subject, snippet, erased, ticket, state, reason, detail)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, '', '', '') ON CONFLICT (id) DO NOTHING`,
		string(e.Inquiry), box, string(e.Mailbox), string(e.Form), int64(e.UIDValidity), int64(e.UID), e.ArrivedAt.UnixMicro(),
		string(e.Class), text(e.Warnings), e.Size, q.from.Name, q.from.Address, q.subject, q.snippet, q.erased)
	return err
}

// files keeps where the files of a message are, and small ones themselves.
func (b *work) files(box int64, blobs []events.Blob) error {
	for i, blob := range blobs {
		if blob.Empty() {
			continue
		}
		inline := blob.Inline
		blob.Inline, blob.Carried = nil, 0
		meta, err := json.Marshal(blob)
		if err != nil {
			return err
		}
		if _, err := b.tx.Exec(`INSERT INTO files (box, file, blob, inline) VALUES (?, ?, ?, ?)`, box, i, string(meta), inline); err != nil {
			return err
		}
	}
	return nil
}

func (b *work) quarantined(r *events.Recorded, e events.InquiryQuarantined) error {
	return b.judge(r, e.Inquiry, "held", `UPDATE inquiries SET state = ?2, reason = ?3, detail = ?4 WHERE id = ?1`, e.Reason, e.Detail)
}

// judged records what a person decided about a quarantined inquiry.
func (b *work) judged(r *events.Recorded, id events.InquiryID, state string) error {
	return b.judge(r, id, state, `UPDATE inquiries SET state = ?2 WHERE id = ?1`)
}

func (b *work) judge(r *events.Recorded, id events.InquiryID, state, update string, args ...any) error {
	var was string
	ok, err := b.tx.Row(`SELECT state FROM inquiries WHERE id = ?`, string(id)).Find(&was)
	if err != nil || !ok {
		return err
	}
	if was == "held" {
		b.counters["held"]--
	}
	if state == "held" {
		b.counters["held"]++
	}
	b.note(r, "quarantine", string(id), r.Revision, "state")
	_, err = b.tx.Exec(update, append([]any{string(id), state}, args...)...)
	return err
}
