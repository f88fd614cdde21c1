package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"

	"github.com/westshore/hub/services/desk"
	"github.com/westshore/hub/services/mailbox"
)

// mailCommand is `hub mail`: parse needs no house, the others do.
func mailCommand(ctx context.Context, args []string) error {
	if len(args) == 0 || args[0] != "parse" {
		for i, a := range args { // no key of the configuration
			if a == "--dry-run" {
				args = append(append(slices.Clone(args[:i]), "dry-run"), args[i+1:]...)
			}
		}
		return inHouse("mail")(ctx, args)
	}
	if len(args) != 2 {
		return misuse("say which file, or - for standard input")
	}
	in := os.Stdin
	if args[1] != "-" {
		f, err := os.Open(args[1])
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	return mailbox.ParseFile(in, os.Stdout)
}

// mail carries out what of `hub mail` needs the house.
func (h *house) mail(ctx context.Context, args []string, out io.Writer) error {
	switch {
	case len(args) > 0 && len(args) < 3 && args[0] == "rethread" && (len(args) == 1 || args[1] == "dry-run"):
		return h.rethread(ctx, len(args) == 2, out)
	case len(args) == 2 && args[0] == "connect":
		return h.connectMailbox(args[1], out)
	case len(args) == 3 && args[0] == "connect":
		return h.mailboxConnected(ctx, args[1], args[2], out)
	}
	return misuse("that is nothing to do with mail")
}

var mailForms = []form{
	{"parse FILE|-", "print what the hub makes of a message, as JSON"},
	{"rethread [dry-run]", "decide again whose requests all mail belongs to, and correct by events"},
	{"connect MAILBOX", "print where to allow the hub into a mailbox (OAuth 2)"},
	{"connect MAILBOX URL", "the address that the browser came back to"},
}

// rethread decides again whose ticket each stored mail is, and prints what
// differs; unless it is a dry run it also corrects it.
func (h *house) rethread(ctx context.Context, dry bool, out io.Writer) error {
	found, done := 0, 0
	var differences []desk.Difference
	err := h.desk.Rethread(ctx, func(d desk.Difference) error {
		found++
		differences = append(differences, d)
		to := string(d.To)
		if d.New {
			to = "a new ticket"
		}
		mark := ""
		if d.Unverified {
			mark = ", unverified"
		}
		_, err := fmt.Fprintf(out, "%s: from %s (%s, rules %d) to %s (%s%s)\n", d.Inquiry, d.From, d.Was, d.Rules, to, d.Why, mark)
		return err
	})
	if err != nil {
		return err
	}
	for _, d := range differences {
		if dry {
			break
		}
		if err := h.desk.Correct(ctx, d); err != nil {
			return fmt.Errorf("correct %s: %w", d.Inquiry, err)
		}
		done++
	}
	_, err = fmt.Fprintf(out, "rules %d: %d decisions differ, %d corrected\n", desk.RulesVersion, found, done)
	return err
}

// shell is who connects mailboxes from the shell.
const shell = "system:shell"

// connectMailbox prints where an administrator agrees; mailboxConnected takes the
// address that the browser came back to. Both must be said to the same running
// hub, because what was begun is kept in its memory only.
func (h *house) connectMailbox(id string, out io.Writer) error {
	d, err := h.mailDoor(id)
	if err != nil || d.oauth == nil {
		return misuse("there is no mailbox %q with oauth", id)
	}
	at, err := d.oauth.Begin(shell)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "open this address in a browser and agree:\n%s\nthen say: hub mail connect %s 'the address the browser came back to'\n", at, id)
	return err
}

func (h *house) mailboxConnected(ctx context.Context, id, back string, out io.Writer) error {
	d, err := h.mailDoor(id)
	if err != nil || d.oauth == nil {
		return misuse("there is no mailbox %q with oauth", id)
	}
	u, err := url.Parse(back)
	if err != nil {
		return misuse("%q is no address", back)
	}
	if err := d.oauth.Finish(ctx, shell, u.Query().Get("state"), u.Query().Get("code")); err != nil {
		return err
	}
	d.retry()
	_, err = fmt.Fprintf(out, "mailbox %s is connected\n", id)
	return err
}
