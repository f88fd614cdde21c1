package privacy

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/westshore/hub/events"
)

// Processor is a service provider on the register.
type Processor struct {
	events.ProcessorRegistered
	Since     time.Time
	Suspended string // why it gets nothing any more; empty: it does
}

// Disclosure is one disclosure that is about to happen: who gets which kinds of
// data, and what for. Nothing about a person. To and Host may be left out, not
// both.
type Disclosure struct {
	To         events.ProcessorID
	Host       string // name of the server that gets them, without port
	Categories []events.Category
	Purpose    events.Purpose
}

// RefusedError says that the register does not cover a disclosure. Its text names
// no person.
type RefusedError struct {
	Processor events.ProcessorID // as far as it is known
	Reason    string             // unknown_recipient, host, suspended, category or purpose
	text      string
}

func (e *RefusedError) Error() string { return e.text }

// Covers decides whether the register allows a disclosure, and names the
// recipient for the disclosure log. The error is a *RefusedError. "May share" of
// the policy's clause 3.1 is a permission, never a default: what stands in no
// entry is refused.
func (s *Snapshot) Covers(d Disclosure) (events.ProcessorID, error) {
	i := slices.IndexFunc(s.Processors, func(p Processor) bool {
		return p.Processor == d.To || d.To == "" && p.serves(d.Host)
	})
	if i < 0 {
		who := string(d.To)
		if who == "" {
			who = d.Host
		}
		return d.To, &RefusedError{d.To, "unknown_recipient", fmt.Sprintf("%s is no registered processor (policy clause 3.1)", who)}
	}
	p := &s.Processors[i]
	refuse := func(code, format string, a ...any) (events.ProcessorID, error) {
		return p.Processor, &RefusedError{p.Processor, code, fmt.Sprintf("processor %s ", p.Processor) + fmt.Sprintf(format, a...)}
	}
	switch {
	case p.Suspended != "":
		return refuse("suspended", "is suspended")
	case d.Host != "" && !p.serves(d.Host):
		return refuse("host", "is not registered with the host %s", d.Host)
	case !slices.Contains(p.Purposes, d.Purpose):
		return refuse("purpose", "is not registered for the purpose %s", d.Purpose)
	}
	for _, c := range d.Categories {
		if !slices.Contains(p.Categories, c) {
			return refuse("category", "is not registered for %s data", c)
		}
	}
	return p.Processor, nil
}

func (p *Processor) serves(host string) bool {
	return host != "" && slices.ContainsFunc(p.Hosts, func(h string) bool { return strings.EqualFold(h, host) })
}

// Register puts a provider on the register or changes its entry; a suspended one
// is taken up again.
func (r *Registry) Register(ctx context.Context, by By, p events.ProcessorRegistered) error {
	if err := checkProcessor(p); err != nil {
		return err
	}
	return r.append(ctx, r.person(by), p)
}

// Suspend ends every disclosure to a provider at once.
func (r *Registry) Suspend(ctx context.Context, by By, id events.ProcessorID, reason string) error {
	if !slices.ContainsFunc(r.Now().Processors, func(p Processor) bool { return p.Processor == id }) {
		return fmt.Errorf("suspend processor %s: %w", id, ErrUnknown)
	}
	if reason == "" {
		return &RuleError{"reason", "Say why the processor is suspended."}
	}
	return r.append(ctx, r.person(by), events.ProcessorSuspended{Processor: id, Reason: reason})
}

// checkProcessor holds an entry against GDPR Art. 28(3), 30(1) and 44.
func checkProcessor(p events.ProcessorRegistered) error {
	valid := func(s string) bool {
		return s != "" && len(s) <= 64 && !strings.ContainsFunc(s, func(r rune) bool {
			return !('a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '-')
		})
	}
	switch {
	case !valid(string(p.Processor)):
		return &RuleError{"processor", "The short name is made of lower-case letters, digits and dashes."}
	case p.Name == "" || p.Service == "":
		return &RuleError{"name", "Say who the processor is and what it does."}
	case len(p.Categories) == 0 || len(p.Purposes) == 0:
		return &RuleError{"categories", "Say which categories of data it gets, and what for."}
	case len(p.Country) != 2 || p.Country != strings.ToUpper(p.Country):
		return &RuleError{"country", "Give the country as two capital letters (ISO 3166)."}
	case p.Agreement == "":
		return &RuleError{"agreement", "Name the processing agreement (GDPR Art. 28(3))."}
	case p.Erasure == "":
		return &RuleError{"erasure", "Say how it erases data on request (GDPR Art. 19, 28(3)(g))."}
	case !eea[p.Country] && p.Safeguard == "":
		return &RuleError{"safeguard", "A country outside the EEA needs a safeguard (GDPR Art. 44 to 46)."}
	}
	for _, c := range p.Categories {
		if !slices.ContainsFunc(Categories(), func(k Category) bool { return k.ID == c }) {
			return &RuleError{"categories", fmt.Sprintf("There is no category %q.", c)}
		}
	}
	for _, u := range p.Purposes {
		if !slices.ContainsFunc(Purposes(), func(k Purpose) bool { return k.ID == u }) {
			return &RuleError{"purposes", fmt.Sprintf("There is no purpose %q.", u)}
		}
	}
	return nil
}

// eea are the countries that the GDPR itself reaches: the EU's 27 and Iceland,
// Liechtenstein and Norway.
var eea = func() map[string]bool {
	m := map[string]bool{}
	for _, c := range strings.Fields("AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK IS LI NO") {
		m[c] = true
	}
	return m
}()
