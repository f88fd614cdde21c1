package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/services/privacy"
	"github.com/westshore/hub/services/privacy/retention"
)

// retentionCommands are the commands of the registry and of the retention
// engine. Approving is not among them: it takes two persons who are signed in.
func retentionCommands() map[string]privacyCommand {
	return map[string]privacyCommand{
		"schedule": {"[try FILE|set FILE]", "how long what is kept; try or take a change (JSON)", (*house).privacySchedule},
		"preview":  {"", "what a sweep would destroy now", (*house).privacyPreview},
		"sweep":    {"", "destroy what is due; above the limits it waits for two persons", (*house).privacySweep},
		"sweeps":   {"", "what was swept, and what waits for a decision", (*house).privacySweeps},
		"clock":    {"[accept]", "the retention clock; accept says that the machine's time is right", (*house).privacyClock},
		"policy":   {"", "versions of the published policy and its clauses", (*house).privacyPolicy},
		"ropa":     {"[--json]", "the record of processing activities (GDPR Art. 30)", (*house).privacyROPA},
	}
}

// printer writes lines and remembers the first mistake.
type printer struct {
	out io.Writer
	err error
}

func (p *printer) line(format string, a ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.out, format+"\n", a...)
	}
}

func (h *house) privacySchedule(ctx context.Context, args []string, out io.Writer) error {
	p := &printer{out: out}
	switch {
	case len(args) == 0:
		s := h.registry.Now().Schedule()
		census, err := h.vault.Census(ctx)
		if err != nil {
			return err
		}
		p.line("retention schedule %d, since %s: %s", s.Version, s.At.UTC().Format(time.DateOnly), s.Reason)
		for _, r := range s.Rules {
			p.line("  %-11s clause %-4s %-58s %8d keys  %s", r.Class, r.Clause, privacy.RuleSentence(r), census[r.Class], r.What)
		}
		for _, l := range s.Longer {
			p.line("  %-11s old data are kept longer: %s", l.Class, l.Ground)
		}
		p.line("  a sweep goes on by itself up to %d keys, and up to %d or %.2f %% of all", s.Limits.AutoKeys, s.Limits.AutoFloor, float64(s.Limits.AutoShare)/10_000)
		return p.err
	case len(args) == 2 && (args[0] == "try" || args[0] == "set"):
		change, err := readJSON[events.RetentionScheduleChanged](args[1])
		if err != nil {
			return err
		}
		next, err := h.registry.Draft(change)
		if err != nil {
			return err
		}
		for _, d := range privacy.Compare(h.registry.Now().Schedule().RetentionScheduleChanged, next) {
			p.line("  %-11s %s", d.Class, d.Kind)
		}
		effects, err := h.effects(ctx, next)
		if err != nil {
			return err
		}
		for _, e := range effects {
			p.line("  %-11s %d keys: %d end earlier, %d later, %d would be due at once", e.Class, e.Keys, e.Earlier, e.Later, e.Due)
		}
		if args[0] == "set" {
			by := privacy.By{Command: events.NewUUID(), Actor: "system:shell"}
			if err := h.registry.ChangeSchedule(ctx, by, next.Version, change); err != nil {
				return err
			}
			p.line("schedule %d is in force", next.Version)
		}
		return p.err
	}
	return misuse("show the schedule, try a file, or set one")
}

func (h *house) privacyPreview(ctx context.Context, _ []string, out io.Writer) error {
	d, err := h.retention.Look(ctx)
	if err != nil {
		return err
	}
	p := &printer{out: out}
	p.line("due at %s: %d of %d keys, digest %s", d.At.Format(time.RFC3339), d.Keys, d.Live, d.Digest)
	for _, c := range d.ByClass {
		p.line("  %-11s %d", c.Class, c.N)
	}
	switch {
	case d.Keys == 0:
		p.line("nothing is due")
	case d.Auto:
		p.line("the oldest was due %s; within the limits, the next sweep takes it", d.Oldest.Format(time.DateOnly))
	default:
		p.line("the oldest was due %s; above the limits, two persons have to approve it", d.Oldest.Format(time.DateOnly))
	}
	return p.err
}

func printSweep(p *printer, s *retention.Sweep) {
	p.line("%s  %s  %-10s %d of %d keys", s.Sweep, s.At.Format(time.RFC3339), s.State(), s.Keys, s.Live)
	if s.Swept != nil {
		p.line("  destroyed %d in %d streams, deferred by holds %d, spared %d, tickets archived %d", s.Swept.Destroyed, s.Swept.Streams, s.Swept.Deferred, s.Swept.Spared, s.Swept.Archived)
	}
	if s.State() == "waiting" {
		p.line("  waits for %d more persons, in the console or by the API; digest %s", 2-len(s.Approvals), s.Digest)
	}
}

func (h *house) privacySweep(ctx context.Context, _ []string, out io.Writer) error {
	if err := h.caughtUp(ctx); err != nil {
		return err
	}
	if _, err := h.retention.Tick(ctx); err != nil {
		return err
	}
	s, err := h.retention.Sweep(ctx)
	if err != nil {
		return err
	}
	p := &printer{out: out}
	printSweep(p, s)
	return p.err
}

func (h *house) privacySweeps(ctx context.Context, _ []string, out io.Writer) error {
	list, err := h.retention.Sweeps(ctx, 30)
	if err != nil {
		return err
	}
	p := &printer{out: out}
	for _, s := range list {
		printSweep(p, s)
	}
	return p.err
}

func (h *house) privacyClock(ctx context.Context, args []string, out io.Writer) error {
	p := &printer{out: out}
	c, err := h.retention.Clock(ctx)
	if len(args) == 1 && args[0] == "accept" {
		c, err = h.retention.AcceptClock(ctx, retention.By{Command: events.NewUUID(), Agent: "shell"})
	}
	if err != nil {
		return err
	}
	p.line("retention clock %s, machine %s", c.At.Format(time.RFC3339), time.Now().UTC().Format(time.RFC3339))
	if c.Suspended != "" {
		p.line("suspended (%s): nothing is destroyed. When the machine's time is right: hub privacy clock accept", c.Suspended)
	}
	return p.err
}

func (h *house) privacyPolicy(_ context.Context, _ []string, out io.Writer) error {
	p := &printer{out: out}
	s := h.registry.Now()
	now := s.PolicyAt(time.Now()).Policy
	for _, v := range s.Policies {
		state := ""
		if v.Policy == now {
			state = ", in force"
		}
		p.line("%s from %s%s, SHA-256 %s", v.Policy, v.Effective.Format(time.DateOnly), state, v.SHA256)
		for _, c := range v.Clauses {
			p.line("  %-4s %s", c.ID, c.Title)
		}
	}
	return p.err
}

func (h *house) privacyROPA(_ context.Context, args []string, out io.Writer) error {
	record := h.registry.Now().ROPA(h.identity())
	if len(args) == 1 && args[0] == "--json" {
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		return enc.Encode(record)
	}
	_, err := io.WriteString(out, record.Markdown())
	return err
}

// readJSON reads a document. The command may run inside the hub that is running,
// in another folder, so the path is a whole one.
func readJSON[T any](path string) (v T, err error) {
	if !filepath.IsAbs(path) {
		return v, misuse("give the whole path of the file, from / on")
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return v, err
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&v); err != nil {
		return v, fmt.Errorf("read %s: %w", path, err)
	}
	return v, nil
}
