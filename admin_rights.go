package main

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	privacyview "github.com/westshore/hub/projections/privacy"
	"github.com/westshore/hub/services/privacy/bundle"
	"github.com/westshore/hub/services/privacy/disclosure"
)

// rightsCommands are the commands of people's rights and of disclosure.
func rightsCommands() map[string]privacyCommand {
	return map[string]privacyCommand{
		"requests":       {"", "list open requests of people by their deadline", (*house).listRequests},
		"export":         {"REQUEST as=EMAIL", "make the copy a request of access asks for, and send its link", (*house).exportData},
		"hold":           {holdForms, "legal holds; a second person agrees", (*house).holdCommand},
		"verify-package": {"FILE [key=BASE64]", "check a package or copy without the hub's data", (*house).verifyPackage},
		"transfer":       {transferSteps, "carry a business, or a part of it, to another hub", (*house).transferCommand},
	}
}

// parted splits what follows a command into words and settings, such as
// as=you@example.com: flags with dashes are the configuration's.
func parted(args []string) (words []string, settings map[string]string) {
	settings = map[string]string{}
	for _, a := range args {
		if name, value, ok := strings.Cut(a, "="); ok {
			settings[name] = value
			continue
		}
		words = append(words, a)
	}
	return words, settings
}

// person finds who acts: an agent by the address given with as=.
func (h *house) person(ctx context.Context, flags map[string]string) (events.AgentID, journal.By, error) {
	if flags["as"] == "" {
		return "", journal.By{}, misuse("say who you are: as=you@example.com")
	}
	a, err := h.accounts.ByEmail(ctx, flags["as"])
	if err != nil {
		return "", journal.By{}, err
	}
	return a.ID, journal.By{Command: events.NewUUID(), Actor: events.AgentActor(a.ID), At: time.Now()}, nil
}

func (h *house) listRequests(ctx context.Context, _ []string, out io.Writer) error {
	if err := h.caughtUp(ctx); err != nil {
		return err
	}
	page, err := h.privacyView.Requests(ctx, privacyview.ListQuery{Limit: 200})
	if err != nil {
		return err
	}
	for _, q := range page.Items {
		if _, err := fmt.Fprintf(out, "%s  %-13s %-10s due %s\n", q.ID, q.Kind, q.State, q.Due.Format(time.DateOnly)); err != nil {
			return err
		}
	}
	return nil
}

func (h *house) exportData(ctx context.Context, args []string, out io.Writer) error {
	words, flags := parted(args)
	if len(words) != 1 {
		return misuse("which request?")
	}
	_, by, err := h.person(ctx, flags)
	if err != nil {
		return err
	}
	if err := h.rights.Export(ctx, by, events.RequestID(words[0])); err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, "the copy is made; a link that works once is on its way to the requester")
	return err
}

const holdForms = `place as=EMAIL title=TEXT authority=TEXT [reference=TEXT] [customers=ID,ID] [tickets=ID,ID] [query=TEXT] [review=DATE]
agree|decline|extend|release HOLD as=EMAIL [review=DATE]`

func (h *house) holdCommand(ctx context.Context, args []string, out io.Writer) error {
	words, flags := parted(args)
	if len(words) == 0 {
		return misuse("what shall become of which hold?")
	}
	agent, by, err := h.person(ctx, flags)
	if err != nil {
		return err
	}
	review := time.Now().AddDate(0, 6, 0)
	if flags["review"] != "" {
		if review, err = time.Parse(time.DateOnly, flags["review"]); err != nil {
			return misuse("review=%s is not like 2027-01-31", flags["review"])
		}
	}
	if words[0] == "place" {
		n := disclosure.NewHold{
			Query: flags["query"], Ground: events.GroundLegallyExempt, Review: review,
			Matter: events.Matter{Title: flags["title"], Authority: flags["authority"], Reference: flags["reference"]},
		}
		for _, s := range strings.FieldsFunc(flags["customers"], func(r rune) bool { return r == ',' }) {
			n.Scope.Subjects = append(n.Scope.Subjects, events.SubjectID(s))
		}
		for _, s := range strings.FieldsFunc(flags["tickets"], func(r rune) bool { return r == ',' }) {
			n.Scope.Tickets = append(n.Scope.Tickets, events.TicketID(s))
		}
		id, err := h.disclosure.ProposeHold(ctx, by, agent, n)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(out, "%s\nits data are kept from now on; a second person says: hub privacy hold agree %s as=EMAIL\n", id, id)
		return err
	}
	if len(words) != 2 {
		return misuse("which hold?")
	}
	id := events.HoldID(words[1])
	switch words[0] {
	case "agree":
		err = h.disclosure.Agree(ctx, by, agent, id)
	case "decline":
		err = h.disclosure.Decline(ctx, by, agent, id)
	case "extend":
		err = h.disclosure.ProposeExtension(ctx, by, agent, id, review)
	case "release":
		err = h.disclosure.ProposeRelease(ctx, by, agent, id)
	default:
		return misuse("a hold is placed, agreed to, declined, extended or released, not %q", words[0])
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, "done")
	return err
}

func (h *house) verifyPackage(_ context.Context, args []string, out io.Writer) error {
	words, flags := parted(args)
	if len(words) != 1 {
		return misuse("which file?")
	}
	archive, err := os.ReadFile(words[0])
	if err != nil {
		return err
	}
	key := h.disclosure.PublicKey()
	if flags["key"] != "" {
		raw, err := base64.StdEncoding.DecodeString(flags["key"])
		if err != nil || len(raw) != ed25519.PublicKeySize {
			return misuse("key is no Ed25519 public key in base64")
		}
		key = raw
	}
	b, err := bundle.Open(archive, key)
	if err != nil {
		return err
	}
	line := fmt.Sprintf("%s bundle of %s, %d files, root %s: as it was signed\n", b.Manifest.Kind, b.Manifest.Made.Format(time.RFC3339), len(b.Files), b.Manifest.Root)
	if b.Manifest.Kind == "disclosure" {
		n, err := disclosure.Approved(b)
		if err != nil {
			return err
		}
		line += fmt.Sprintf("%d segments, exactly those that were approved\n", n)
	}
	_, err = io.WriteString(out, line)
	return err
}
