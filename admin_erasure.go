package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/services/privacy/erasure"
)

// erasureCommands are the sub-commands of `hub privacy` that erase and prove it.
func erasureCommands() map[string]privacyCommand {
	return map[string]privacyCommand{
		"erase":       {"ADDRESS [yes] [silent] [ccpa]", "show what an erasure would cover; with yes carry it out, up to its certificate", (*house).eraseCommand},
		"verify":      {"[REQUEST]", "look again whether an erasure holds; without a request, whether every file is on the store register", (*house).verifyCommand},
		"certificate": {"REQUEST|check /FILE", "print the certificate of an erasure, or check one", (*house).certificateCommand},
		"drill":       {"[/FOLDER]", "erase a synthetic customer of a private hub and search every byte for it", (*house).drillCommand},
		"erasures":    {"", "list the erasures that are not over", (*house).erasuresCommand},
	}
}

const shellActor = events.Actor("system:shell")

// eraseCommand erases whoever is known by an address. The officer at the shell
// vouches for the person's identity.
func (h *house) eraseCommand(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 {
		return misuse("whom?")
	}
	address, yes, n := args[0], false, erasure.Opening{Contact: events.Address{Address: args[0]}, Channel: "shell", Verified: true}
	for _, word := range args[1:] {
		switch word {
		case "yes":
			yes = true
		case "silent":
			n.Contact = events.Address{}
		case "ccpa", "gdpr":
			n.Law = events.Law(word)
		default:
			return misuse("%q is not one of yes, silent, ccpa", word)
		}
	}
	who, known, err := h.vault.Lookup(ctx, address)
	if err != nil {
		return err
	}
	if !known {
		return erasure.ErrNobody
	}
	if err := h.caughtUp(ctx); err != nil {
		return err
	}
	scope, err := h.erasure.Preview(ctx, who)
	if err != nil {
		return err
	}
	if err := printScope(out, scope); err != nil {
		return err
	}
	if !yes {
		_, err := fmt.Fprintln(out, "nothing was changed; add the word yes to erase this")
		return err
	}
	n.Customer = who
	return h.eraseNow(ctx, n, out)
}

func printScope(out io.Writer, s erasure.Scope) error {
	var b strings.Builder
	fmt.Fprintf(&b, "the person is known under %d id(s), in %d streams\n", len(s.Subjects), s.Streams)
	for _, c := range s.Counts {
		fmt.Fprintf(&b, "  %-10s %-10s %6d to erase", c.Category, c.Class, c.Live)
		if c.Held > 0 {
			fmt.Fprintf(&b, ", %d kept by a hold for now", c.Held)
		}
		if c.Exempt > 0 {
			fmt.Fprintf(&b, ", %d exempt", c.Exempt)
		}
		b.WriteByte('\n')
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// eraseNow takes a request from its opening to its certificate.
func (h *house) eraseNow(ctx context.Context, n erasure.Opening, out io.Writer) error {
	defer h.eraseAlone(ctx)()
	by := func(what string, id events.RequestID) journal.By {
		return journal.By{Command: events.DeriveUUID("shell", what, string(id)), Actor: shellActor}
	}
	id, err := h.erasure.Open(ctx, journal.By{Command: events.NewUUID(), Actor: shellActor}, n)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Minute)
	defer cancel()
	s, err := h.erasure.Await(ctx, id, func(s *erasure.State) bool { return s.Scope != nil })
	if err != nil {
		return err
	}
	if err := h.erasure.Approve(ctx, by("approve", id), id, s.Scope.Digest); err != nil {
		return err
	}
	s, err = h.erasure.Await(ctx, id, func(s *erasure.State) bool {
		p := s.Phase()
		return p == erasure.Failed || p == erasure.Deferred || p == erasure.Horizon || p == erasure.Closed
	})
	if err != nil {
		return err
	}
	return printState(out, s)
}

// errUnclean makes `hub privacy` end with a failure that scripts can see.
var errUnclean = errors.New("the verification found something, or could not see; the log names the places")

func printState(out io.Writer, s *erasure.State) error {
	var b strings.Builder
	fmt.Fprintf(&b, "request %s: %s\n", s.Request, s.Phase())
	if s.Destroyed != nil {
		fmt.Fprintf(&b, "keys destroyed: %d, kept by a hold for now: %d; ledger entry %d\n", s.Destroyed.Killed, s.Destroyed.Deferred, s.Destroyed.Ledger)
	}
	if r := s.Result; r != nil {
		printResult(&b, *r)
	}
	if _, err := io.WriteString(out, b.String()); err != nil {
		return err
	}
	if s.Phase() == erasure.Failed {
		return errUnclean
	}
	return nil
}

func printResult(b *strings.Builder, r events.ErasureVerified) {
	fmt.Fprintf(b, "scan: %d files, %d bytes, %d needles: %d found, %d unknown files, control %s\n", r.Files, r.Bytes, r.Needles, r.Hits, r.Unknown, r.Control)
	for _, l := range r.Stores {
		level := l.Level
		if level == "" {
			level = "-"
		}
		fmt.Fprintf(b, "  %-16s %s", l.Store, level)
		switch {
		case l.Pending != "" && !l.By.IsZero():
			fmt.Fprintf(b, ", %s by %s", l.Pending, l.By.Format(time.DateOnly))
		case l.Pending != "":
			fmt.Fprintf(b, ", %s on %s", l.Pending, l.On)
		}
		b.WriteByte('\n')
	}
}

func (h *house) verifyCommand(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 {
		return h.verifyRegister(out)
	}
	if err := h.caughtUp(ctx); err != nil {
		return err
	}
	r, err := h.erasure.Verify(ctx, events.RequestID(args[0]))
	if err != nil {
		return err
	}
	var b strings.Builder
	printResult(&b, r)
	if _, err := io.WriteString(out, b.String()); err != nil {
		return err
	}
	if r.Hits > 0 || r.Unknown > 0 || r.Control != "found" {
		return errUnclean
	}
	return nil
}

// verifyRegister compares the store register with the data folder.
func (h *house) verifyRegister(out io.Writer) error {
	reg := h.register()
	unknown, err := reg.Unknown(h.cfg.Data)
	if err != nil {
		return err
	}
	for _, p := range reg {
		if _, err := fmt.Fprintf(out, "%-16s %-10s %s\n", p.ID, p.Kind, p.Purge); err != nil {
			return err
		}
	}
	for _, f := range unknown {
		if _, err := fmt.Fprintf(out, "not on the register: %s\n", f); err != nil {
			return err
		}
	}
	if len(unknown) > 0 {
		return errUnclean
	}
	return nil
}

func (h *house) certificateCommand(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 2 && args[0] == "check" && filepath.IsAbs(args[1]) {
		return h.checkCertificate(args[1], out)
	}
	if len(args) != 1 {
		return misuse("name a request, or say check and the whole path of a file")
	}
	doc, err := h.erasure.Certificate(ctx, events.RequestID(args[0]))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, doc)
	return err
}

func (h *house) checkCertificate(file string, out io.Writer) error {
	doc, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	c, err := erasure.ParseCertificate(doc, h.erasure.PublicKey())
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s was signed by this hub on %s: order %s, %d keys, ledger entry %d\n", c.ID, c.Times.Issued.Format(time.RFC3339), c.Order, c.Crypto.Keys, c.Ledger.Seq)
	return err
}

func (h *house) erasuresCommand(ctx context.Context, _ []string, out io.Writer) error {
	list, err := h.erasure.Pending(ctx)
	if err != nil {
		return err
	}
	for _, s := range list {
		if _, err := fmt.Fprintf(out, "%s  %-20s received %s, due %s\n", s.Request, s.Phase(), s.Received.Format(time.DateOnly), s.Due.Format(time.DateOnly)); err != nil {
			return err
		}
	}
	return nil
}
