package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/services/privacy/disclosure"
	"github.com/westshore/hub/services/privacy/transfer"
)

// transferSteps are the steps of a business transfer, in their order: the first and
// the third are the sender's, the second and the fourth the receiver's.
const transferSteps = `announce as=EMAIL acquirer=NAME subject=TEXT text=FILE
expect as=EMAIL
export TRANSFER as=EMAIL to=KEYS file=FILE [mailboxes=ID,ID]
verify TRANSFER as=EMAIL from=KEY file=FILE [papers=FILE]
import TRANSFER as=EMAIL from=KEY file=FILE [receipt=FILE] [longer=GROUND]   (while the hub is stopped)
complete TRANSFER as=EMAIL receipt=FILE
shred TRANSFER as=EMAIL certificate=FILE`

func (h *house) transferCommand(ctx context.Context, args []string, out io.Writer) error {
	words, flags := parted(args)
	usage := misuse("which step of which transfer?")
	if len(words) == 0 {
		return usage
	}
	agent, by, err := h.person(ctx, flags)
	if err != nil {
		return err
	}
	switch {
	case words[0] == "announce" && len(words) == 1:
		return h.announceTransfer(ctx, by, agent, flags, out)
	case words[0] == "expect" && len(words) == 1:
		id, keys, err := h.transfer.Expect(ctx, by, agent)
		if err == nil {
			_, err = fmt.Fprintf(out, "%s\nthe sender exports to=%s\n", id, keys)
		}
		return err
	case len(words) != 2:
		return usage
	}
	id := events.TransferID(words[1])
	switch words[0] {
	case "export":
		return h.exportBusiness(ctx, by, agent, id, flags, out)
	case "verify", "import":
		return h.importBusiness(ctx, by, agent, id, flags, words[0] == "verify", out)
	case "complete":
		doc, err := os.ReadFile(flags["receipt"])
		if err != nil {
			return err
		}
		var r transfer.Receipt
		if json.Unmarshal(doc, &r) != nil {
			return misuse("receipt=%s is no receipt", flags["receipt"])
		}
		if err := h.transfer.Complete(ctx, by, agent, id, r); err != nil {
			return err
		}
		_, err = fmt.Fprintln(out, "the receiver reached the same state; a second person may say: hub privacy transfer shred")
		return err
	case "shred":
		if flags["certificate"] == "" {
			return misuse("say where the certificate goes: certificate=FILE")
		}
		b, err := h.transfer.Shred(ctx, by, agent, id)
		if err != nil {
			return err
		}
		if err := os.WriteFile(flags["certificate"], b, 0o600); err != nil {
			return err
		}
		_, err = fmt.Fprintf(out, "destroyed; certificate in %s, checked with: hub privacy verify-package %s key=%s\n", flags["certificate"], flags["certificate"], h.transfer.SenderKey())
		return err
	}
	return usage
}

func (h *house) announceTransfer(ctx context.Context, by journal.By, agent events.AgentID, flags map[string]string, out io.Writer) error {
	text, err := os.ReadFile(flags["text"])
	if err != nil {
		return err
	}
	now := time.Now()
	id, err := h.disclosure.Announce(ctx, by, agent, disclosure.NewTransfer{
		Acquirer: events.RecipientID(flags["acquirer"]), Effective: now.AddDate(0, 2, 0), ObjectBy: now.AddDate(0, 1, 0),
		Subject: flags["subject"], Text: string(text),
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s\neverybody is written to, once, by the running hub\n", id)
	return err
}

// exportBusiness writes the file beside its name, and gives it its name when it is
// whole.
func (h *house) exportBusiness(ctx context.Context, by journal.By, agent events.AgentID, id events.TransferID, flags map[string]string, out io.Writer) error {
	path := flags["file"]
	if path == "" || flags["to"] == "" {
		return misuse("say to whom, and into which file")
	}
	n := transfer.NewExport{To: flags["to"]}
	for _, m := range strings.FieldsFunc(flags["mailboxes"], func(r rune) bool { return r == ',' }) {
		n.Mailboxes = append(n.Mailboxes, events.MailboxID(m))
	}
	f, err := os.OpenFile(path+".partial", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	s, err := h.transfer.Export(ctx, by, agent, id, n, f)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = errors.Join(os.Rename(f.Name(), path), syncPath(filepath.Dir(path)))
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	if err := printed(out, s); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "the receiver imports it from=%s\n", h.transfer.SenderKey())
	return err
}

func (h *house) importBusiness(ctx context.Context, by journal.By, agent events.AgentID, id events.TransferID, flags map[string]string, only bool, out io.Writer) error {
	if !only && h.serving.Load() {
		return misuse("stop the hub first: who answers mail would answer what is only half there")
	}
	f, err := os.Open(flags["file"])
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	n := transfer.NewImport{File: f, From: flags["from"], Longer: flags["longer"]}
	if only {
		s, papers, err := h.transfer.Verify(ctx, agent, id, n)
		if err != nil {
			return err
		}
		if flags["papers"] != "" {
			doc, err := json.MarshalIndent(papers, "", "  ")
			if err = errors.Join(err, os.WriteFile(flags["papers"], doc, 0o600)); err != nil {
				return err
			}
		}
		return printed(out, s)
	}
	done, err := h.transfer.Import(ctx, by, agent, id, n)
	if err != nil {
		return err
	}
	if done.Again {
		if _, err := fmt.Fprintln(out, "this file was imported before; nothing was changed"); err != nil {
			return err
		}
	}
	if flags["receipt"] != "" {
		doc, err := json.MarshalIndent(done.Receipt, "", "  ")
		if err = errors.Join(err, os.WriteFile(flags["receipt"], doc, 0o600)); err != nil {
			return err
		}
	}
	return printed(out, done)
}

// printed shows what an export or an import came to.
func printed(out io.Writer, v any) error {
	doc, err := json.MarshalIndent(v, "", "  ")
	if err == nil {
		_, err = fmt.Fprintf(out, "%s\n", doc)
	}
	return err
}
