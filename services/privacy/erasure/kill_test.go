package erasure_test

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/blobs"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/events/node"
	"github.com/westshore/hub/events/seal"
	"github.com/westshore/hub/events/store"
	"github.com/westshore/hub/events/vault"
	"github.com/westshore/hub/services/privacy/erasure"
	"github.com/westshore/hub/services/privacy/scan"
)

// bare is an office on a folder, without views: what the process of the kill test
// and the one after it open.
type bare struct {
	node   *node.Node
	store  *store.Store
	vault  *vault.Vault
	blobs  *blobs.Store
	sealer *seal.Sealer
	*journal.Journal
	ledger *erasure.Ledger
	office *erasure.Office
}

// openBare opens one; with the gate shut unless it is told to admit the vault.
func openBare(ctx context.Context, dir string, admit bool) (b *bare, err error) {
	b = &bare{}
	if b.node, err = node.Start(ctx, node.Config{Dir: filepath.Join(dir, "node"), Logger: quiet}); err != nil {
		return b, err
	}
	if b.store, err = store.Open(ctx, store.Config{URL: b.node.ConnectionString(), Socket: b.node.SocketPath(), Logger: quiet}); err != nil {
		return b, err
	}
	if b.vault, err = vault.Open(ctx, vault.Config{Dir: filepath.Join(dir, "vault"), KeyFile: filepath.Join(dir, "root.key"), Gated: true, Logger: quiet}); err != nil {
		return b, err
	}
	if b.blobs, err = blobs.Open(blobs.Config{Dir: filepath.Join(dir, "blobs"), Logger: quiet}); err != nil {
		return b, err
	}
	b.sealer = seal.New(b.vault, seal.Files{Put: b.blobs.Put, Get: b.blobs.Get})
	b.Journal = journal.New(journal.Config{Store: b.store, Sealer: b.sealer, Logger: quiet})
	b.ledger = erasure.NewLedger(b.Journal, b.vault, []erasure.Anchor{erasure.FileAnchor(filepath.Join(dir, "ledger.head"))}, quiet)
	if admit {
		if err := b.ledger.Admit(ctx); err != nil {
			return b, err
		}
	}
	b.office = erasure.New(erasure.Config{
		Journal: b.Journal, Vault: b.vault, Ledger: b.ledger, Begin: b.sealer.Begin, Forget: b.blobs.Delete, Unattended: admit,
		Scan: func(ctx context.Context, n, control *scan.Needles) (scan.Report, error) {
			return scan.Run(ctx, scan.Config{Root: dir, Register: scan.Base(), Needles: n, Control: control})
		},
		Send:   func(context.Context, erasure.Letter) error { return nil },
		Signer: ed25519.NewKeyFromSeed(b.vault.Secret("certificates")), Claim: b.vault.Secret("claims"), Logger: quiet,
	})
	return b, nil
}

func (b *bare) close() error {
	return errors.Join(b.store.Close(), b.node.Stop(context.Background()), b.vault.Close(), b.blobs.Close())
}

// childPoint is set in the process that is killed: where it stops and waits.
const childPoint = "HUB_KILL_AT"

// runChild erases until a point is reached, says so, and waits to be killed.
func runChild(dir, point string) error {
	ctx := context.Background()
	b, err := openBare(ctx, dir, true)
	if err != nil {
		return err
	}
	who, err := b.vault.Subjects(ctx, []string{ada.Address})
	if err != nil {
		return err
	}
	inquiry := events.InquiryID(events.DeriveUUID("the one inquiry").String())
	by := journal.By{Command: events.DeriveUUID("the one mail"), Actor: "door:mailbox"}
	_, err = b.Append(b.sealer.Begin(ctx), events.InquiryStream(inquiry), events.NoStream, by, events.InquiryReceived{
		Inquiry: inquiry, Channel: events.Email, Customer: who[0], Class: events.MailHuman, Raw: events.NewBlob([]byte(strings.Repeat("raw ", 20_000))),
		Contact: events.Seal(ada), Letter: events.Seal(events.Letter{Subject: "killed with kill -9", Text: "The process dies while this is erased", QuoteFrom: -1}),
	})
	if err != nil {
		return err
	}
	id, err := b.office.Open(ctx, journal.By{Command: events.DeriveUUID("the one request"), Actor: "system:test"}, erasure.Opening{ID: "0123456789abcdef0123456789abcdef", Customer: who[0], Channel: "shell", Verified: true})
	if err != nil {
		return err
	}
	b.office.StopAt(func(at string) error {
		if at == point {
			_, _ = fmt.Fprintln(os.Stdout, "reached")
			select {} // until it is killed
		}
		return nil
	})
	_, _, err = b.office.Advance(ctx, id)
	return errors.Join(err, errors.New("the point was not reached"))
}

// TestErasureSurvivesKill9 kills a process for real, with SIGKILL, where the most
// is under way, and carries the erasure on over what it left on the disk.
//
// clause: S4
func TestErasureSurvivesKill9(t *testing.T) {
	if point := os.Getenv(childPoint); point != "" {
		check(t, runChild(os.Getenv("HUB_KILL_DIR"), point))
		return
	}
	t.Parallel()
	for _, point := range []string{"destroy:intent", "destroy:done", "residue:sealed"} {
		t.Run(point, func(t *testing.T) {
			dir := t.TempDir()
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestErasureSurvivesKill9$")
			cmd.Env = append(os.Environ(), childPoint+"="+point, "HUB_KILL_DIR="+dir)
			out, err := cmd.StdoutPipe()
			check(t, err)
			check(t, cmd.Start())
			line, err := bufio.NewReader(out).ReadString('\n')
			if strings.TrimSpace(line) != "reached" {
				rest, _ := io.ReadAll(out) //nolint:errcheck // only to tell why
				t.Fatalf("the child said %q %s (%v)", line, rest, err)
			}
			check(t, cmd.Process.Signal(syscall.SIGKILL))
			_ = cmd.Wait() // killed, as it was told
			b, err := openBare(t.Context(), dir, true)
			check(t, err)
			defer func() { check(t, b.close()) }()
			_, _, err = b.office.Advance(t.Context(), "0123456789abcdef0123456789abcdef")
			check(t, err)
			s, err := b.office.Get(t.Context(), "0123456789abcdef0123456789abcdef")
			check(t, err)
			if s.Phase() != erasure.Horizon || s.Destroyed.Killed != 2 || s.Result.Hits != 0 {
				t.Errorf("%s: %+v, %+v", s.Phase(), s.Destroyed, s.Result)
			}
			history, err := b.Load(t.Context(), events.InquiryStream(events.InquiryID(events.DeriveUUID("the one inquiry").String())), &agent)
			check(t, err)
			e := history[0].Event.(events.InquiryReceived)
			if e.Letter.State() != events.Erased || len(history) != 2 {
				t.Errorf("the letter is %s, %d events", e.Letter.State(), len(history))
			}
			files := 0
			check(t, b.blobs.Each(func(events.Hash, int64) error { files++; return nil }))
			if files != 0 {
				t.Errorf("%d sealed files are left", files)
			}
		})
	}
}
