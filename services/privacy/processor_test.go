package privacy_test

import (
	"errors"
	"testing"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal/journaltest"
	"github.com/westshore/hub/services/privacy"
)

func relay() events.ProcessorRegistered {
	return events.ProcessorRegistered{
		Processor: "mail-relay", Name: "Relay GmbH", Service: "sends mail", Hosts: []string{"smtp.relay.example"},
		Categories: []events.Category{events.Contact}, Purposes: []events.Purpose{events.PurposeSupport, events.PurposeAdmin},
		Country: "DE", Agreement: "DPA 2026-04", Erasure: "by notice within 30 days",
	}
}

// TestRegisterCoversOnlyWhatItSays is the register's part of PRIVACY test 26.
//
// clause: 3.1
func TestRegisterCoversOnlyWhatItSays(t *testing.T) {
	k, c := journaltest.New(t), &clock{monday}
	r := open(t, k, c)
	must(t, r.Register(t.Context(), by(), relay()))
	contact, comm := []events.Category{events.Contact}, []events.Category{events.Contact, events.Communication}
	for _, d := range []struct {
		name string
		what privacy.Disclosure
		want string
	}{
		{"covered, by host", privacy.Disclosure{Host: "SMTP.relay.example", Categories: contact, Purpose: events.PurposeAdmin}, ""},
		{"covered, by name", privacy.Disclosure{To: "mail-relay", Categories: contact, Purpose: events.PurposeSupport}, ""},
		{"category", privacy.Disclosure{Host: "smtp.relay.example", Categories: comm, Purpose: events.PurposeAdmin}, "category"},
		{"purpose", privacy.Disclosure{To: "mail-relay", Categories: contact, Purpose: events.PurposePromotion}, "purpose"},
		{"unknown host", privacy.Disclosure{Host: "elsewhere.example", Categories: contact, Purpose: events.PurposeAdmin}, "unknown_recipient"},
		{"nobody named", privacy.Disclosure{Categories: contact, Purpose: events.PurposeAdmin}, "unknown_recipient"},
		{"another's host", privacy.Disclosure{To: "mail-relay", Host: "elsewhere.example", Categories: contact, Purpose: events.PurposeAdmin}, "host"},
	} {
		id, err := r.Now().Covers(d.what)
		var refused *privacy.RefusedError
		switch {
		case d.want == "" && (err != nil || id != "mail-relay"):
			t.Errorf("%s: %s, %v", d.name, id, err)
		case d.want != "" && (!errors.As(err, &refused) || refused.Reason != d.want):
			t.Errorf("%s: %v, want %s", d.name, err, d.want)
		}
	}
	must(t, r.Suspend(t.Context(), by(), "mail-relay", "breach under investigation"))
	var refused *privacy.RefusedError
	if _, err := r.Now().Covers(privacy.Disclosure{To: "mail-relay", Categories: contact, Purpose: events.PurposeAdmin}); !errors.As(err, &refused) || refused.Reason != "suspended" {
		t.Errorf("suspended: %v", err)
	}
	must(t, r.Register(t.Context(), by(), relay()))
	if _, err := r.Now().Covers(privacy.Disclosure{To: "mail-relay", Categories: contact, Purpose: events.PurposeAdmin}); err != nil {
		t.Errorf("taken up again: %v", err)
	}
	if err := r.Suspend(t.Context(), by(), "nobody", "x"); !errors.Is(err, privacy.ErrUnknown) {
		t.Errorf("suspend a stranger: %v", err)
	}
}

// TestProcessorNeedsWhatArticle28Wants: an entry without an agreement, a way to
// erase, or a safeguard outside the EEA is refused.
//
// clause: 3.1
func TestProcessorNeedsWhatArticle28Wants(t *testing.T) {
	r := open(t, journaltest.New(t), &clock{monday})
	for field, change := range map[string]func(*events.ProcessorRegistered){
		"agreement":  func(p *events.ProcessorRegistered) { p.Agreement = "" },
		"erasure":    func(p *events.ProcessorRegistered) { p.Erasure = "" },
		"safeguard":  func(p *events.ProcessorRegistered) { p.Country = "US" },
		"country":    func(p *events.ProcessorRegistered) { p.Country = "germany" },
		"categories": func(p *events.ProcessorRegistered) { p.Categories = []events.Category{"C-ALL"} },
		"purposes":   func(p *events.ProcessorRegistered) { p.Purposes = []events.Purpose{"anything"} },
		"processor":  func(p *events.ProcessorRegistered) { p.Processor = "Mail Relay" },
		"name":       func(p *events.ProcessorRegistered) { p.Name = "" },
	} {
		p := relay()
		change(&p)
		var rule *privacy.RuleError
		if err := r.Register(t.Context(), by(), p); !errors.As(err, &rule) || rule.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}
