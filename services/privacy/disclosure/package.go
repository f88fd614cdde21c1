package disclosure

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/events/vault"
	"github.com/westshore/hub/services/privacy/bundle"
)

// SegmentLine is one line of segments.jsonl: one approved segment and what it says.
// State is "plain", or why it cannot be read.
type SegmentLine struct {
	KID      events.KID       `json:"kid"`
	Event    string           `json:"event"`
	Type     string           `json:"type"`
	Stream   events.Stream    `json:"stream"`
	At       time.Time        `json:"at"`
	Field    string           `json:"field"`
	Subject  events.SubjectID `json:"subject"`
	Category events.Category  `json:"category"`
	State    string           `json:"state"`
	Content  json.RawMessage  `json:"content,omitempty"`
}

// FactLine is one line of facts.jsonl, or of custody.jsonl: an event in its clear
// facts.
type FactLine struct {
	Event  string          `json:"event"`
	Type   string          `json:"type"`
	Stream events.Stream   `json:"stream"`
	At     time.Time       `json:"at"`
	Actor  events.Actor    `json:"actor"`
	Facts  json.RawMessage `json:"facts"`
}

// SealPackage makes the package of a demand that two persons approved: the approved
// segments and nothing else, the raw mails among them, the clear facts of their
// events, and the chain of custody. It is sealed under class R-LEGALX.
func (o *Office) SealPackage(ctx context.Context, by journal.By, agent events.AgentID, id events.DemandID) error {
	d, err := o.demand(ctx, id)
	if err != nil {
		return err
	}
	switch {
	case d.sealed.Demand != "":
		return nil
	case !d.approved():
		return refuse("not_approved", "Two different persons have to approve the same segments.")
	}
	approved := d.approvals[len(d.approvals)-1]
	keys, err := o.keys(ctx, approved.Scope)
	if err != nil {
		return fmt.Errorf("make package: %w", err)
	}
	if digestOf(keys) != approved.Digest {
		return refuse("changed", "What is covered has changed since it was approved. Please approve it again.")
	}
	p := packer{o: o, as: o.legal(agent, string(id)), want: map[events.KID]vault.Info{}}
	for _, k := range keys {
		p.want[k.KID] = k
		if !slices.Contains(p.streams, k.Stream) {
			p.streams = append(p.streams, k.Stream)
		}
	}
	slices.Sort(p.streams)
	for _, s := range p.streams {
		if err := p.stream(ctx, s); err != nil {
			return fmt.Errorf("make package: %w", err)
		}
	}
	if p.beyond > 0 || len(p.seen) != len(p.want) {
		return fmt.Errorf("make package: %d segments beyond the approved scope, %d of %d found", p.beyond, len(p.seen), len(p.want))
	}
	custody, err := o.custody(ctx, id)
	if err != nil {
		return fmt.Errorf("make package: %w", err)
	}
	raw, m, err := bundle.Make(bundle.Manifest{
		Kind: "disclosure", Made: o.cfg.Now(), Facts: map[string]string{
			"demand": string(id), "recipient": string(d.received.Recipient), "segments": fmt.Sprint(len(p.seen)),
			"approved": approved.Digest, "withheld": fmt.Sprint(p.withheld),
		},
	}, []bundle.File{
		{Name: "segments.jsonl", Body: p.segments.Bytes()},
		{Name: "facts.jsonl", Body: p.facts.Bytes()},
		{Name: "mail.mbox", Body: bundle.Mbox(p.mails)},
		{Name: "custody.jsonl", Body: custody},
	}, o.signer())
	if err != nil {
		return err
	}
	e := events.LegalDisclosureSealed{
		Demand: id, Owner: d.received.Owner, Segments: len(p.seen), Withheld: p.withheld, Root: m.Root, Digest: bundle.Digest(raw),
		Package: events.NewBlob(raw), Info: events.Seal(events.PackInfo{Name: "disclosure-" + string(id)[:8] + ".zip"}),
	}
	return o.onDemand(ctx, by, id, func(d demand) ([]events.Event, error) {
		if d.sealed.Demand != "" {
			return nil, nil
		}
		return []events.Event{e}, nil
	})
}

// packer collects approved segments.
type packer struct {
	o        *Office
	as       *events.Principal
	want     map[events.KID]vault.Info
	seen     map[events.KID]bool
	streams  []events.Stream
	segments bytes.Buffer
	facts    bytes.Buffer
	mails    []bundle.Message
	withheld int
	beyond   int
}

func (p *packer) stream(ctx context.Context, s events.Stream) error {
	if p.seen == nil {
		p.seen = map[events.KID]bool{}
	}
	history, err := p.o.j.Load(ctx, s, p.as)
	if err != nil {
		return err
	}
	for _, rec := range history {
		if err := p.event(ctx, rec); err != nil {
			return err
		}
	}
	return nil
}

func (p *packer) event(ctx context.Context, rec events.Recorded) error {
	_, _, segs, err := events.Split(rec.Event)
	if err != nil {
		return err
	}
	holds := false
	for _, ref := range rec.Meta.Segments {
		k, wanted := p.want[ref.KID]
		if !wanted {
			continue
		}
		if k.Subject != ref.Subject {
			p.beyond++
			continue
		}
		holds = true
		p.seen[ref.KID] = true
		line := SegmentLine{
			KID: ref.KID, Event: rec.ID.String(), Type: strings.TrimPrefix(rec.Type, events.TypePrefix), Stream: rec.Stream, At: rec.Meta.At,
			Field: ref.Field, Subject: ref.Subject, Category: ref.Category, State: "withheld",
		}
		for _, seg := range segs {
			if seg.Field == ref.Field {
				line.State, line.Content = events.Plain.String(), bytes.TrimSpace(seg.Plain)
			}
		}
		if line.State != events.Plain.String() {
			p.withheld++
		}
		if err := writeLine(&p.segments, line); err != nil {
			return err
		}
		if err := p.mail(ctx, rec, ref); err != nil {
			return err
		}
	}
	if !holds {
		return nil
	}
	return writeLine(&p.facts, factLine(rec))
}

// mail takes the raw mail that shares an approved segment's key.
func (p *packer) mail(ctx context.Context, rec events.Recorded, ref events.SegmentRef) error {
	var blob events.Blob
	switch e := rec.Event.(type) {
	case events.InquiryReceived:
		blob = e.Raw
	case events.MessageQueued:
		blob = e.Rendered
	}
	if blob.KID != ref.KID || blob.Empty() {
		return nil
	}
	raw, state, err := p.o.cfg.OpenBlob(ctx, *p.as, blob)
	if err != nil {
		return err
	}
	if state != events.Plain {
		p.withheld++
		return nil
	}
	p.mails = append(p.mails, bundle.Message{At: rec.Meta.At, Raw: raw})
	return nil
}

// custody is the chain of custody: what happened to the demand until now.
func (o *Office) custody(ctx context.Context, id events.DemandID) ([]byte, error) {
	history, err := o.j.Load(ctx, events.DemandStream(id), nil)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	for _, rec := range history {
		if err := writeLine(&out, factLine(rec)); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), nil
}

// factLine leaves ciphertext out: it means nothing without its key.
func factLine(rec events.Recorded) FactLine {
	var facts map[string]json.RawMessage
	doc := json.RawMessage(rec.Facts)
	if json.Unmarshal(rec.Facts, &facts) == nil {
		for _, name := range []string{"raw", "files", "rendered", "pack", "package"} {
			delete(facts, name)
		}
		if b, err := json.Marshal(facts); err == nil {
			doc = b
		}
	}
	return FactLine{
		Event: rec.ID.String(), Type: strings.TrimPrefix(rec.Type, events.TypePrefix), Stream: rec.Stream, At: rec.Meta.At, Actor: rec.Meta.Actor, Facts: doc,
	}
}

func writeLine(to *bytes.Buffer, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	to.Write(b)
	to.WriteByte('\n')
	return nil
}

// Approved reports whether a verified package holds exactly so many segments, each of
// them once, and every one of them plain or accounted for as withheld: what a
// recipient, or a court, can check without us.
func Approved(b *bundle.Bundle) (segments int, err error) {
	seen := map[events.KID]bool{}
	for line := range bytes.Lines(b.Files["segments.jsonl"]) {
		var s SegmentLine
		if err := json.Unmarshal(line, &s); err != nil {
			return 0, fmt.Errorf("read segments: %w", bundle.ErrForged)
		}
		if seen[s.KID] {
			return 0, fmt.Errorf("read segments: %w: a segment stands twice", bundle.ErrForged)
		}
		seen[s.KID] = true
	}
	var list []vault.Info
	for kid := range seen {
		list = append(list, vault.Info{KID: kid})
	}
	slices.SortFunc(list, func(a, b vault.Info) int { return compare(string(a.KID), string(b.KID)) })
	if b.Manifest.Facts["approved"] != digestOf(list) {
		return 0, fmt.Errorf("read segments: %w: these are not the approved segments", bundle.ErrForged)
	}
	return len(seen), nil
}
