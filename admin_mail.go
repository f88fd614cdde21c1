package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"os"

	"github.com/westshore/hub/services/mailbox"
)

// mailCommand is `hub mail`: parse needs no house, the others do.
func mailCommand(ctx context.Context, args []string) error {
	if len(args) == 0 || args[0] != "parse" {
		return inHouse("mail")(ctx, args)
	}
	if len(args) != 2 {
		return misuse("say: mail parse FILE, or mail parse - for standard input")
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
	case len(args) == 2 && args[0] == "connect":
		return h.connectMailbox(args[1], out)
	case len(args) == 3 && args[0] == "connect":
		return h.mailboxConnected(ctx, args[1], args[2], out)
	}
	return misuse("say: mail parse FILE|-, mail rethread [dry-run], mail connect MAILBOX, or mail connect MAILBOX URL-THE-BROWSER-CAME-BACK-TO")
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
	_, err = fmt.Fprintf(out, "mailbox %s is connected\n", id)
	return err
}
