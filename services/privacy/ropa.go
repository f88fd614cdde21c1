package privacy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/westshore/hub/events"
)

// ROPA is the record of processing activities (GDPR Art. 30(1)), generated from
// the registry and the catalogue of events: nobody writes it by hand.
type ROPA struct {
	Controller string           `json:"controller"`
	Contact    string           `json:"contact"`
	Policy     string           `json:"policy"`
	Hash       events.Hash      `json:"policy_sha256"`
	Schedule   int              `json:"schedule"`
	Activities []Activity       `json:"activities"`
	Recipients []ROPARecipient  `json:"recipients"`
	Unused     []events.Purpose `json:"unused_purposes"` // no event is collected for them; the vault denies them
	Measures   []string         `json:"measures"`        // Art. 32(1)
}

// Activity is everything that is done for one purpose.
type Activity struct {
	Purpose    Purpose              `json:"purpose"`
	Roles      []events.Role        `json:"roles"`
	Data       []ROPAData           `json:"data"`
	Recipients []events.ProcessorID `json:"recipients"`
}

// ROPAData is one category of data in one deletion class.
type ROPAData struct {
	Category Category      `json:"category"`
	Class    events.Class  `json:"class"`
	Keep     string        `json:"keep"`
	Of       []string      `json:"of"`     // whose: customers, agents, requesters
	Fields   []string      `json:"fields"` // "InquiryReceived.Letter"
	Roles    []events.Role `json:"-"`
}

// ROPARecipient is a service provider as the record shows it.
type ROPARecipient struct {
	ID         events.ProcessorID `json:"id"`
	Name       string             `json:"name"`
	Service    string             `json:"service"`
	Categories []events.Category  `json:"categories"`
	Purposes   []events.Purpose   `json:"purposes"`
	Country    string             `json:"country"`
	Safeguard  string             `json:"safeguard"`
	Agreement  string             `json:"agreement"`
	Erasure    string             `json:"erasure"`
	Suspended  string             `json:"suspended,omitempty"`
}

// measures are what the program does by construction (Art. 32(1)(a) to (d)).
var measures = []string{
	"Every part of an event that is about a person is encrypted under a key of its own (AES-256-GCM) before it touches a disk or the bus; keys rest apart from the log, wrapped twice.",
	"People stand in the log under random ids; the map from an address to an id is a keyed hash and rests with the keys.",
	"Opening needs a role and a purpose that the policy's matrix allows; every opening leaves a line in the access log.",
	"Destroying a key is durable, is written to a ledger first, and a restored vault repeats it before it opens.",
	"Passwords are stored as Argon2id hashes, apart from the log.",
	"Logs, metrics, names of files and of streams hold no personal data; tests look for planted words in them.",
}

// Identity is who the controller is, from the configuration.
type Identity struct{ Controller, Contact string }

// ROPA generates the record from the registry as it is.
func (s *Snapshot) ROPA(who Identity) ROPA {
	p, schedule := s.Policies[len(s.Policies)-1], s.Schedule()
	for _, q := range s.Policies {
		if q.Announced {
			p = q
		}
	}
	if !slices.ContainsFunc(s.Policies, func(q Policy) bool { return q.Announced }) {
		p = s.Policies[0]
	}
	out := ROPA{
		Controller: who.Controller, Contact: who.Contact, Policy: p.Policy, Hash: p.SHA256, Schedule: schedule.Version,
		Activities: []Activity{}, Recipients: []ROPARecipient{}, Unused: []events.Purpose{}, Measures: measures,
	}
	for _, purpose := range Purposes() {
		a := Activity{Purpose: purpose, Data: dataFor(purpose.ID, schedule), Roles: p.rolesFor(purpose.ID), Recipients: s.recipientsFor(purpose.ID)}
		if len(a.Data) == 0 {
			out.Unused = append(out.Unused, purpose.ID)
			continue
		}
		out.Activities = append(out.Activities, a)
	}
	for _, r := range s.Processors {
		out.Recipients = append(out.Recipients, ROPARecipient{
			r.Processor, r.Name, r.Service, r.Categories, r.Purposes, r.Country, r.Safeguard, r.Agreement, r.Erasure, r.Suspended,
		})
	}
	return out
}

// rolesFor lists who may open anything for a purpose.
func (p Policy) rolesFor(purpose events.Purpose) []events.Role {
	out := []events.Role{}
	for _, g := range p.Matrix {
		if g.Purpose == purpose && !slices.Contains(out, g.Role) {
			out = append(out, g.Role)
		}
	}
	return out
}

func (s *Snapshot) recipientsFor(purpose events.Purpose) []events.ProcessorID {
	out := []events.ProcessorID{}
	for _, r := range s.Processors {
		if r.Suspended == "" && slices.Contains(r.Purposes, purpose) {
			out = append(out, r.Processor)
		}
	}
	return out
}

// dataFor walks the catalogue: every sealed field that is collected for the
// purpose, by category and class.
func dataFor(purpose events.Purpose, schedule Schedule) []ROPAData {
	var out []ROPAData
	for _, k := range events.Catalogue() {
		for _, seg := range k.Segments {
			if !slices.Contains(seg.Purposes, purpose) {
				continue
			}
			i := slices.IndexFunc(out, func(d ROPAData) bool { return d.Category.ID == seg.Category && d.Class == seg.Class })
			if i < 0 {
				i = len(out)
				out = append(out, ROPAData{Category: categoryOf(seg.Category), Class: seg.Class, Keep: keeps(schedule, seg.Class)})
			}
			d := &out[i]
			d.Fields = append(d.Fields, k.Name+"."+seg.Field)
			if whose := people(seg.Subject); !slices.Contains(d.Of, whose) {
				d.Of = append(d.Of, whose)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b ROPAData) int {
		return strings.Compare(string(a.Category.ID)+string(a.Class), string(b.Category.ID)+string(b.Class))
	})
	return out
}

// people is the kind of data subjects behind the field that names one (Art.
// 30(1)(c)).
func people(field string) string {
	if field == "Agent" {
		return "agents"
	}
	if field == "Customer" {
		return "customers"
	}
	return strings.ToLower(field) + "s"
}

func categoryOf(id events.Category) Category {
	for _, c := range Categories() {
		if c.ID == id {
			return c
		}
	}
	return Category{ID: id, Title: string(id)}
}

// keeps is a retention rule in words (Art. 30(1)(f)).
func keeps(s Schedule, class events.Class) string {
	for _, r := range s.Rules {
		if r.Class == class {
			return RuleSentence(r)
		}
	}
	return "no rule"
}

// RuleSentence is a retention rule in words.
func RuleSentence(r events.RetentionRule) string {
	keep, err := ParsePeriod(r.Keep)
	if err != nil {
		return r.Keep
	}
	from := map[string]string{"collected": "collection", "process": "the end of the matter", "relationship": "the last activity"}[r.Anchor]
	text := fmt.Sprintf("%s from %s", Sentence(keep), from)
	if most, err := ParsePeriod(r.Max); err == nil && !most.IsZero() {
		text += fmt.Sprintf(", at most %s from collection", Sentence(most))
	}
	return text
}

// Markdown prints the record for people.
func (r ROPA) Markdown() string {
	var b strings.Builder
	line := func(format string, a ...any) { fmt.Fprintf(&b, format+"\n", a...) }
	line("# Record of processing activities\n")
	line("Generated from the registry and the catalogue of events (GDPR Art. 30(1)). Do not edit.\n")
	line("- Controller: %s", orNone(r.Controller))
	line("- Contact and data protection officer: %s", orNone(r.Contact))
	line("- Privacy policy: %s, SHA-256 `%s`", r.Policy, r.Hash)
	line("- Retention schedule: version %d", r.Schedule)
	for _, a := range r.Activities {
		line("\n## %s\n", a.Purpose.Title)
		line("Purpose `%s`%s, basis GDPR Art. %s, DPV `%s`. Roles: %s. Recipients: %s.\n",
			a.Purpose.ID, clauseText(a.Purpose.Clause), a.Purpose.Basis, a.Purpose.DPV, join(a.Roles), join(a.Recipients))
		line("| data | of | kept | class | where |\n|---|---|---|---|---|")
		for _, d := range a.Data {
			line("| %s%s | %s | %s | %s | %s |", d.Category.Title, clauseText(d.Category.Clause), strings.Join(d.Of, ", "), d.Keep, d.Class, strings.Join(d.Fields, ", "))
		}
	}
	line("\n## Recipients\n")
	if len(r.Recipients) == 0 {
		line("None is registered: nothing is disclosed to a service provider.")
	} else {
		line("| recipient | service | data | purposes | country, safeguard | agreement | erases |\n|---|---|---|---|---|---|---|")
	}
	for _, p := range r.Recipients {
		name := p.Name
		if p.Suspended != "" {
			name += " (suspended)"
		}
		line("| %s | %s | %s | %s | %s | %s | %s |", name, p.Service, join(p.Categories), join(p.Purposes), strings.TrimSuffix(p.Country+", "+p.Safeguard, ", "), p.Agreement, p.Erasure)
	}
	line("\n## Purposes of the policy that nothing is collected for\n")
	line("%s. Opening for them is denied.", join(r.Unused))
	line("\n## Security measures\n")
	for _, m := range r.Measures {
		line("- %s", m)
	}
	return b.String()
}

func clauseText(id events.ClauseID) string {
	if id == "" {
		return ""
	}
	return " (clause " + string(id) + ")"
}

func orNone(s string) string {
	if s == "" {
		return "not configured"
	}
	return s
}

func join[T ~string](list []T) string {
	if len(list) == 0 {
		return "none"
	}
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = string(v)
	}
	return strings.Join(out, ", ")
}
