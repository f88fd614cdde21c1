package mailbox_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/events/journal/journaltest"
	"github.com/westshore/hub/services/mailbox"
)

func numbered(validity, uid uint32, id string) mailbox.Fetched {
	raw := fmt.Sprintf("From: ada@cust.test\r\nMessage-ID: <%s@cust.test>\r\nDate: Mon, 02 Nov 2026 10:00:00 +0000\r\n\r\nThis is %s.\r\n", id, id)
	return mailbox.Fetched{UIDValidity: validity, UID: uid, InternalDate: time.Unix(1e9, 0), Size: int64(len(raw)), Raw: []byte(raw)}
}

// record takes mails and writes them down, as the house and the recorder do.
func record(t *testing.T, k *journaltest.Kit, d *mailbox.Door, taken *[]events.InquiryReceived, mails ...mailbox.Fetched) []events.InquiryID {
	t.Helper()
	*taken = nil
	if err := d.Mails(t.Context(), mails); err != nil {
		t.Fatal(err)
	}
	var ids []events.InquiryID
	for _, in := range *taken {
		by := journal.By{Command: events.DeriveUUID("inquiry", string(in.Inquiry)), Actor: "door:test"}
		if _, err := k.Append(t.Context(), events.InquiryStream(in.Inquiry), events.NoStream, by, in); err != nil {
			t.Fatalf("recording %s: %v", in.Inquiry, err)
		}
		ids = append(ids, in.Inquiry)
	}
	return ids
}

// TestI2SameMailIsTheSameInquiry: a mail that comes again is the same inquiry, one
// under another number is not.
func TestI2SameMailIsTheSameInquiry(t *testing.T) {
	d, taken := newDoor()
	for _, f := range []mailbox.Fetched{numbered(7, 1, "one"), numbered(7, 1, "one"), numbered(7, 2, "one"), numbered(8, 1, "one")} {
		if err := d.Mails(t.Context(), []mailbox.Fetched{f}); err != nil {
			t.Fatal(err)
		}
	}
	ids := map[events.InquiryID]bool{}
	for _, in := range *taken {
		ids[in.Inquiry] = true
	}
	if (*taken)[0].Inquiry != (*taken)[1].Inquiry || len(ids) != 3 {
		t.Errorf("%d inquiries of 3 numbers; the same mail again is %s and %s", len(ids), (*taken)[0].Inquiry, (*taken)[1].Inquiry)
	}
}

// TestI3Renumbered: under a new UIDVALIDITY what was taken is known and noted under
// its new number, once for each copy, and only the rest is new.
func TestI3Renumbered(t *testing.T) {
	k := journaltest.New(t)
	d, taken := newDoor(func(d *mailbox.Door) { d.Journal = k.Journal })
	ids := record(t, k, d, taken, numbered(7, 1, "one"), numbered(7, 2, "two"))
	ask := []mailbox.Fetched{numbered(8, 1, "two"), numbered(8, 2, "one"), numbered(8, 3, "two"), numbered(8, 4, "new")}
	want := []bool{true, true, false, false} // two was taken once: a second copy is another mail
	for range 2 {
		known, err := d.Known(t.Context(), ask)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, known); diff != "" {
			t.Error(diff)
		}
		d, _ = newDoor(func(d *mailbox.Door) { d.Journal = k.Journal }) // a restart in between
	}
	history, err := k.Load(t.Context(), events.MailboxStream("support"), nil)
	if err != nil {
		t.Fatal(err)
	}
	adopted := map[uint32]events.InquiryID{}
	for _, r := range history {
		if e, ok := r.Event.(events.MailAdopted); ok {
			adopted[e.UID] = e.Inquiry
		}
	}
	if diff := cmp.Diff(map[uint32]events.InquiryID{1: ids[1], 2: ids[0]}, adopted); diff != "" {
		t.Error(diff)
	}
}

// TestI3NumbersGivenTwice: a server that was restored from a backup counts from a
// lower UID under the same UIDVALIDITY. A mail under a number that the log has for
// another one is a new mail, and is taken once.
func TestI3NumbersGivenTwice(t *testing.T) {
	k := journaltest.New(t)
	journaled := func(d *mailbox.Door) { d.Journal = k.Journal }
	d, taken := newDoor(journaled)
	old := record(t, k, d, taken, numbered(7, 1, "one"), numbered(7, 2, "two"), numbered(7, 3, "lost on the server"))
	now := []mailbox.Fetched{numbered(7, 1, "one"), numbered(7, 2, "two"), numbered(7, 3, "other")}
	d, taken = newDoor(journaled)
	known, err := d.Known(t.Context(), now)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]bool{true, true, false}, known); diff != "" {
		t.Fatalf("a mail under a number of an older one is lost: %s", diff)
	}
	fresh := record(t, k, d, taken, now[2])
	if len(fresh) != 1 || fresh[0] == old[2] {
		t.Fatalf("taken as %v, which the log has already", fresh)
	}
	d, _ = newDoor(journaled) // and the next comparison knows both
	if known, err = d.Known(t.Context(), now); err != nil || !known[2] {
		t.Errorf("the mail would be taken again: %v, %v", known, err)
	}
}
