package vault

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/westshore/hub/events"
)

// Give is how much of a value somebody gets.
type Give uint8

// Nothing is also what stands in no cell.
const (
	Nothing Give = iota
	Part         // masked: a value such as j***@e…
	All
)

// Cell is one combination that a policy allows: this role may open this category
// for this purpose. Matter wants the opening to name the case, demand, request or
// reason it is for; Two wants a second person to stand by.
type Cell struct {
	Role     events.Role     `json:"role"`
	Purpose  events.Purpose  `json:"purpose"`
	Category events.Category `json:"category"`
	Give     Give            `json:"give"`
	Matter   bool            `json:"matter,omitempty"`
	Two      bool            `json:"two,omitempty"`
}

// Policy is the purpose limitation of one version of the published policy
// (PRIVACY 1.2). What stands in no cell is denied.
type Policy struct {
	Version string `json:"version"`
	Cells   []Cell `json:"cells"`
}

// overRestriction are the purposes a restricted key still opens for (GDPR article
// 18(2)): claims, consent, the law, and the person's own rights.
var overRestriction = map[events.Purpose]bool{
	events.PurposeDispute: true, events.PurposeConsent: true, events.PurposeLegal: true, events.PurposeDSR: true,
}

// FoundingPolicy is the matrix of the policy of 30 April 2023. Beside the roles of
// PRIVACY 1.2 it has those of the hub's own rooms: views keep what agents see, the
// desk reads what a reply refers to, and the outbox renders replies.
func FoundingPolicy() Policy {
	p := Policy{Version: events.PolicyVersion}
	allow := func(role events.Role, purpose events.Purpose, give Give, categories ...events.Category) {
		for _, c := range categories {
			p.Cells = append(p.Cells, Cell{Role: role, Purpose: purpose, Category: c, Give: give})
		}
	}
	bound := func(role events.Role, purpose events.Purpose, give Give, categories ...events.Category) {
		allow(role, purpose, give, categories...)
		for i := len(p.Cells) - len(categories); i < len(p.Cells); i++ {
			p.Cells[i].Matter = true
		}
	}
	for _, role := range []events.Role{events.RoleAgent, events.RoleAdmin} {
		allow(role, events.PurposeSupport, All, events.Contact, events.Communication)
		allow(role, events.PurposeSupport, Part, events.Account)
		bound(role, events.PurposeSupport, Part, events.Special)
	}
	for _, role := range []events.Role{events.RoleView, events.RoleDesk} {
		allow(role, events.PurposeSupport, All, events.Contact, events.Communication, events.Account)
	}
	allow(events.RoleOutbox, events.PurposeSupport, All, events.Contact, events.Communication)
	allow(events.RoleOutbox, events.PurposeAdmin, All, events.Contact)
	for _, purpose := range []events.Purpose{events.PurposePromotion, events.PurposePersonalise} {
		allow(events.RoleOutbox, purpose, All, events.Contact)
		allow(events.RoleOutbox, purpose, Part, events.Usage)
	}
	allow(events.RoleStats, events.PurposeImprove, All, events.Usage)
	allow(events.RoleInvestigator, events.PurposeFraud, All, events.Contact, events.Account, events.Usage)
	bound(events.RoleInvestigator, events.PurposeFraud, All, events.Communication, events.Fraud)
	p.Cells[len(p.Cells)-1].Two = true
	allow(events.RoleDispute, events.PurposeDispute, All, events.Contact)
	allow(events.RoleDispute, events.PurposeDispute, Part, events.Account, events.Fraud)
	bound(events.RoleDispute, events.PurposeDispute, All, events.Communication)
	allow(events.RoleLegal, events.PurposeLegal, All, events.Account, events.Communication, events.Usage, events.Fraud)
	bound(events.RoleLegal, events.PurposeLegal, All, events.Contact, events.Special)
	allow(events.RolePrivacy, events.PurposeDSR, All, events.Contact, events.Account, events.Communication, events.Usage, events.Special)
	bound(events.RolePrivacy, events.PurposeDSR, All, events.Fraud)
	bound(events.RolePrivacy, events.PurposeConsent, All, events.Contact, events.Communication)
	return p
}

// cell is where a rule stands in a matrix.
type cell struct {
	role     events.Role
	purpose  events.Purpose
	category events.Category
}

// policies are the matrices of all versions, by seg_key.pv. A value is never
// changed.
type policies struct {
	now    int
	names  map[int]string
	cells  map[int]map[cell]Cell
	stored map[string]string
}

func (ps *policies) with(id int, p *Policy, doc string) *policies {
	next := &policies{now: max(id, ps.now), names: map[int]string{id: p.Version}, cells: map[int]map[cell]Cell{}, stored: map[string]string{p.Version: doc}}
	for i := range ps.cells {
		next.names[i], next.cells[i], next.stored[ps.names[i]] = ps.names[i], ps.cells[i], ps.stored[ps.names[i]]
	}
	m := make(map[cell]Cell, len(p.Cells))
	for _, c := range p.Cells {
		m[cell{c.Role, c.Purpose, c.Category}] = c
	}
	next.cells[id] = m
	return next
}

// give decides by the policy at collection and by the one of today: the stricter
// of both counts, so that a laxer one does not widen what may be done with data
// that are there already (clause PE).
func (ps *policies) give(p events.Principal, c events.Category, at int) (Give, string) {
	give, why := ps.by(p, c, ps.now)
	if at == ps.now || give == Nothing {
		return give, why
	}
	then, why := ps.by(p, c, at)
	return min(give, then), why
}

func (ps *policies) by(p events.Principal, c events.Category, id int) (Give, string) {
	rule, ok := ps.cells[id][cell{p.Role, p.Purpose, c}]
	switch {
	case !ok || rule.Give == Nothing:
		return Nothing, fmt.Sprintf("%s: role %q may not open %s for purpose %q", ps.names[id], p.Role, c, p.Purpose)
	case rule.Matter && p.Matter == "":
		return Nothing, fmt.Sprintf("%s: role %q opens %s for purpose %q only with the case or reason it is for", ps.names[id], p.Role, c, p.Purpose)
	case rule.Two && (p.Second == "" || p.Second == p.Actor):
		return Nothing, fmt.Sprintf("%s: role %q opens %s for purpose %q only with a second person", ps.names[id], p.Role, c, p.Purpose)
	}
	return rule.Give, ""
}

// SetPolicy takes the matrix of a version of the policy; the one set last governs,
// together with that of each segment's collection. A version that is known
// already is passed over.
func (v *Vault) SetPolicy(ctx context.Context, p Policy) error {
	doc, err := json.Marshal(p)
	if err != nil || p.Version == "" {
		return errors.Join(errors.New("set policy: it has no version"), err)
	}
	v.dating.Lock()
	defer v.dating.Unlock()
	old := v.policies.Load()
	if was, known := old.stored[p.Version]; known && was == string(doc) {
		return nil
	} else if known {
		return fmt.Errorf("set policy: %s was set with other rules, and versions are never changed", p.Version)
	}
	id := old.now + 1
	err = v.w.do(ctx, &job{
		run: func(ctx context.Context, w *writer) error {
			_, err := w.exec(ctx, "INSERT INTO policy (id, name, doc, at) VALUES (?, ?, ?, ?)", id, p.Version, string(doc), millis(v.now()))
			return err
		},
		after: func() { v.policies.Store(old.with(id, &p, string(doc))) },
	})
	return explain("set policy", err)
}

// PolicyVersion is the version of the policy that governs.
func (v *Vault) PolicyVersion() string {
	ps := v.policies.Load()
	return ps.names[ps.now]
}

func (v *Vault) loadPolicies(ctx context.Context) error {
	first := FoundingPolicy()
	doc, err := json.Marshal(first)
	if err != nil {
		return err
	}
	ps := (&policies{}).with(1, &first, string(doc))
	err = selectEach(ctx, v.r, "SELECT id, doc FROM policy ORDER BY id", nil, func(r *sql.Rows) error {
		var id int
		var doc string
		var p Policy
		if err := r.Scan(&id, &doc); err != nil {
			return err
		}
		if json.Unmarshal([]byte(doc), &p) != nil {
			return fmt.Errorf("policy %d: %w", id, ErrCorrupt)
		}
		ps = ps.with(id, &p, doc)
		return nil
	})
	v.policies.Store(ps)
	return err
}
