package main

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/events/vault"
	"github.com/westshore/hub/gateway/api"
	"github.com/westshore/hub/gateway/ops"
	"github.com/westshore/hub/projections/tickets"
	"github.com/westshore/hub/services/desk"
	"github.com/westshore/hub/services/mailbox"
)

// mailDoor is one front door for mail: the mailbox that is watched, the folder of
// sent mail beside it, and how they are reached.
type mailDoor struct {
	*mailbox.Mailbox
	cfg   MailboxConfig
	door  *mailbox.Door
	sent  *mailbox.Mailbox // nil: not read
	oauth *mailbox.OAuth   // nil: a password, or a token kept by somebody else
}

func (d *mailDoor) id() events.MailboxID { return events.MailboxID(d.cfg.ID) }

// retry tries its folders now, because access to them has changed.
func (d *mailDoor) retry() {
	d.Retry()
	if d.sent != nil {
		d.sent.Retry()
	}
}

// mailbox makes one front door.
func (h *house) mailbox(m MailboxConfig, own []string, tokens []byte) (*mailDoor, error) {
	d := &mailDoor{cfg: m, door: h.newDoor(m, own, tokens)}
	cfg := mailbox.Config{
		ID: d.id(), Address: m.Address, Host: m.Host, Port: m.Port, TLS: m.TLS, CAFile: m.CAFile,
		User: m.User, Password: m.Password, Folder: m.Folder, After: m.After, Poll: m.Poll,
	}
	var err error
	switch {
	case m.OAuth != "":
		if d.oauth, err = h.oauthOf(m); err != nil {
			return nil, err
		}
		cfg.Token, cfg.TokenRefused = d.oauth.Token, d.oauth.Refused
	case m.TokenFile != "":
		cfg.Token = func(context.Context) (string, error) {
			b, err := os.ReadFile(m.TokenFile)
			return strings.TrimSpace(string(b)), err
		}
	}
	deps := h.mailDeps(d.door, "mailbox-"+m.ID)
	deps.Known = d.door.Known
	if d.Mailbox, err = mailbox.New(cfg, deps); err != nil || m.Sent == "" {
		return d, err
	}
	sent := h.newDoor(m, own, tokens)
	sent.Sent = true
	cfg.Folder, cfg.After, cfg.FromNow = m.Sent, "leave", true
	d.sent, err = mailbox.New(cfg, h.mailDeps(sent, "mailbox-"+m.ID+"-sent"))
	return d, err
}

func (h *house) newDoor(m MailboxConfig, own []string, tokens []byte) *mailbox.Door {
	door := &mailbox.Door{
		Mailbox: events.MailboxID(m.ID), Address: m.Address, Own: own, TokenKey: tokens,
		Resolve: h.vault.Subjects, Hash: h.vault.Hash, Take: h.take, Journal: h.journal, Logger: h.log,
		Agent: h.agentBook(), Forwards: !m.IgnoreForwards, FormSenders: m.FormSenders,
	}
	if m.AuthServID != "" {
		door.AuthServIDs = []string{m.AuthServID}
	}
	return door
}

// mailDeps keeps a folder's bookmark and hands on its mails.
func (h *house) mailDeps(door *mailbox.Door, name string) mailbox.Deps {
	place := events.CheckpointStream(name)
	return mailbox.Deps{
		Logger: h.log,
		Take: func(ctx context.Context, mails []mailbox.Fetched) error {
			return h.refenced(ctx, func(ctx context.Context) error { return door.Mails(ctx, mails) })
		},
		Bookmark: func(ctx context.Context) (mailbox.Bookmark, error) {
			last, _, err := h.journal.Last(ctx, place)
			e, _ := last.Event.(events.MailboxAdvanced)
			return mailbox.Bookmark{UIDValidity: e.UIDValidity, NextUID: e.Next}, err
		},
		Advance: func(ctx context.Context, b mailbox.Bookmark) error {
			by := journal.By{Command: events.NewUUID(), Actor: "door:email"}
			return h.journal.Bookmark(ctx, place, by, events.MailboxAdvanced{Mailbox: door.Mailbox, UIDValidity: b.UIDValidity, Next: b.NextUID})
		},
	}
}

// refenced seals under a fence. Somebody may be erased between being recognised
// and being sealed; then the mail is read again, and its sender is somebody new.
func (h *house) refenced(ctx context.Context, take func(context.Context) error) error {
	err := take(h.sealer.Begin(ctx))
	if errors.Is(err, vault.ErrFenced) {
		err = take(h.sealer.Begin(ctx))
	}
	return err
}

// agentBook answers whose address an agent's is, from a list that is seconds old.
func (h *house) agentBook() func(string) (events.AgentID, bool) {
	var mu sync.Mutex
	var book map[string]events.AgentID
	var read time.Time
	return func(address string) (events.AgentID, bool) {
		mu.Lock()
		defer mu.Unlock()
		if time.Since(read) > 10*time.Second {
			list, err := h.accounts.List(context.Background())
			if err != nil {
				h.log.Warn("list of agents not read", "error", err)
			} else {
				book = map[string]events.AgentID{}
				for _, a := range list {
					if a.Active {
						book[strings.ToLower(a.Email)] = a.ID
					}
				}
			}
			read = time.Now()
		}
		id, ok := book[strings.ToLower(address)]
		return id, ok
	}
}

// oauthOf makes the access of a mailbox, whose grant rests sealed in the data
// folder.
func (h *house) oauthOf(m MailboxConfig) (*mailbox.OAuth, error) {
	c := mailbox.OAuthConfig{
		Provider: m.OAuth, Tenant: m.OAuthTenant, AuthURL: m.OAuthAuthURL, TokenURL: m.OAuthTokenURL, Scopes: m.OAuthScopes,
		ClientID: m.OAuthClientID, ClientSecret: m.OAuthClientSecret, Redirect: strings.TrimSuffix(h.cfg.HTTP.PublicURL, "/") + "/mailboxes/connected",
	}
	if m.OAuthSecretEnds != "" {
		at, err := time.Parse(time.DateOnly, m.OAuthSecretEnds)
		if err != nil {
			return nil, fmt.Errorf("oauth_secret_ends: %q is no date like 2027-01-31", m.OAuthSecretEnds)
		}
		c.SecretEnds = at
	}
	grant := sealedFile{path: h.dir(filepath.Join("oauth", m.ID+".sealed")), key: h.vault.Secret("oauth grant " + m.ID)}
	c.Load = func(context.Context) (g mailbox.Grant, err error) {
		b, err := grant.read()
		if err != nil || b == nil {
			return g, err
		}
		return g, json.Unmarshal(b, &g)
	}
	c.Save = func(_ context.Context, g mailbox.Grant) error {
		b, err := json.Marshal(g)
		if err != nil {
			return err
		}
		return grant.write(b)
	}
	return mailbox.NewOAuth(c)
}

// sealedFile keeps one secret in a file: the byte 1, a nonce of 12 bytes, and
// AES-256-GCM of the content under a key from the vault's root.
type sealedFile struct {
	path string
	key  []byte
}

func (f sealedFile) aead() (cipher.AEAD, error) {
	block, err := aes.NewCipher(f.key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// read gives nothing when there is no file.
func (f sealedFile) read() ([]byte, error) {
	b, err := os.ReadFile(f.path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	gcm, err := f.aead()
	if err != nil {
		return nil, err
	}
	if len(b) < 1+gcm.NonceSize() || b[0] != 1 {
		return nil, errors.New("not a sealed file of this version")
	}
	return gcm.Open(nil, b[1:1+gcm.NonceSize()], b[1+gcm.NonceSize():], nil)
}

// write replaces the file as a whole, durably.
func (f sealedFile) write(content []byte) error {
	gcm, err := f.aead()
	if err != nil {
		return err
	}
	b := make([]byte, 1+gcm.NonceSize(), 1+gcm.NonceSize()+len(content)+gcm.Overhead())
	b[0] = 1
	if _, err := rand.Read(b[1:]); err != nil {
		return err
	}
	b = gcm.Seal(b, b[1:], content, nil)
	if err := os.MkdirAll(filepath.Dir(f.path), 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(f.path), ".new-*")
	if err != nil {
		return err
	}
	_, err = tmp.Write(b)
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), f.path)
	}
	if err != nil {
		_ = os.Remove(tmp.Name())
	}
	return err
}

// watchMail starts the loops of the front doors: one for each folder, so that a
// sick one stops no other, and one that compares every night.
func (h *house) watchMail(start func(string, func(context.Context) error)) {
	for _, d := range h.mailboxes {
		start("mailbox", d.Run)
		if d.sent != nil {
			start("mailbox", d.sent.Run)
		}
	}
	if len(h.mailboxes) > 0 {
		start("reconcile", h.reconcileNightly)
	}
}

func (h *house) mailDoor(id string) (*mailDoor, error) {
	for _, d := range h.mailboxes {
		if d.cfg.ID == id {
			return d, nil
		}
	}
	return nil, tickets.ErrNotFound
}

// mailRoom is what the API may do with mailboxes.
func (h *house) mailRoom() *api.MailRoom {
	return &api.MailRoom{
		Reconciliations: func(ctx context.Context, id string) ([]api.Reconciliation, error) {
			d, err := h.mailDoor(id)
			if err != nil {
				return nil, err
			}
			return h.reconciliations(ctx, d)
		},
		Reconcile: func(ctx context.Context, id string) (r api.Reconciliation, err error) {
			d, err := h.mailDoor(id)
			if err != nil {
				return r, err
			}
			e, err := h.compare(ctx, d, true)
			return reconciliation(time.Now(), e), err
		},
		Connect: func(_ context.Context, id string, by events.AgentID) (string, error) {
			d, err := h.mailDoor(id)
			switch {
			case err != nil:
				return "", err
			case d.oauth == nil:
				return "", &desk.Refusal{Code: "no_oauth", Sentence: "This mailbox is not reached with OAuth."}
			}
			return d.oauth.Begin(string(by))
		},
		Connected: func(ctx context.Context, by events.AgentID, state, code string) (string, error) {
			for _, d := range h.mailboxes {
				if d.oauth == nil {
					continue
				}
				err := d.oauth.Finish(ctx, string(by), state, code)
				if errors.Is(err, mailbox.ErrState) {
					continue // another mailbox's
				}
				if err == nil {
					d.retry()
				}
				return d.cfg.ID, err
			}
			return "", &desk.Refusal{Code: "attempt_over", Sentence: "This connection attempt has ended. Begin again."}
		},
		Retry: h.reread,
	}
}

// reread reads a quarantined mail once more: from the server where that still
// has it, else from what was kept.
func (h *house) reread(ctx context.Context, as events.Principal, c desk.Command, id events.InquiryID) (desk.Done, error) {
	state, err := h.tickets.Judgement(ctx, id)
	if err != nil {
		return desk.Done{}, err
	}
	history, err := h.journal.Load(ctx, events.InquiryStream(id), nil)
	if err != nil || len(history) == 0 {
		return desk.Done{}, errors.Join(err, desk.ErrNotFound)
	}
	before, ok := history[0].Event.(events.InquiryReceived)
	if !ok || state != "held" || before.Channel != events.Email {
		return desk.Done{}, &desk.Refusal{Code: "not_quarantined", Sentence: "This mail is not in quarantine any more."}
	}
	d, err := h.mailDoor(string(before.Mailbox))
	if err != nil {
		return desk.Done{}, err
	}
	f := mailbox.Fetched{UIDValidity: before.UIDValidity, UID: before.UID, InternalDate: before.ArrivedAt, Size: before.Size}
	if before.UID != 0 {
		if now, there, err := d.Fetch(ctx, before.UIDValidity, before.UID); err == nil && there && now.Raw != nil {
			f.Raw, f.Size = now.Raw, now.Size
		}
	}
	notThere := &desk.Refusal{Code: "not_there", Sentence: "The mail server does not give this mail, and no whole copy was kept."}
	if f.Raw == nil && before.Raw.Empty() {
		return desk.Done{}, notThere
	}
	if f.Raw == nil {
		raw, sealed, err := h.sealer.OpenBlob(ctx, as, before.Raw)
		if err != nil {
			return desk.Done{}, fmt.Errorf("open kept mail: %w", err)
		}
		if sealed != events.Plain || int64(len(raw)) < before.Size {
			return desk.Done{}, notThere
		}
		f.Raw = raw
	}
	var again events.InquiryID
	err = h.refenced(ctx, func(ctx context.Context) (err error) {
		again, err = d.door.Again(ctx, before, f)
		return err
	})
	if err != nil {
		return desk.Done{}, err
	}
	return h.desk.Reread(ctx, c, id, again)
}

func (h *house) mailboxStates(ctx context.Context) ([]api.Mailbox, error) {
	counts, err := h.tickets.MailboxCounts(ctx)
	if err != nil {
		return nil, err
	}
	held, err := h.tickets.HeldCounts(ctx)
	if err != nil {
		return nil, err
	}
	out := []api.Mailbox{}
	for _, d := range h.mailboxes {
		s := d.Status()
		box := api.Mailbox{
			ID: d.cfg.ID, Address: d.cfg.Address, State: s.State, LastError: s.LastError, LastOKAt: moment(s.LastOK),
			Messages: counts[d.id()], UIDNext: s.UIDNext, Quarantined: held[d.id()],
		}
		if d.oauth != nil {
			a := d.oauth.Access(ctx)
			box.Access = &api.MailboxAccess{Connected: a.Connected, EndsAt: moment(a.Expires), Warning: a.Warning}
		}
		if d.sent != nil {
			s := d.sent.Status()
			box.Sent = &api.MailboxFolder{Folder: d.cfg.Sent, State: s.State, LastOKAt: moment(s.LastOK), LastError: s.LastError}
		}
		last, err := h.reconciliations(ctx, d)
		if err != nil {
			return nil, err
		}
		if len(last) > 0 {
			box.Reconciled = &last[0]
		}
		out = append(out, box)
	}
	return out, nil
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// mailMetrics are the figures of the front doors (MAIL I49).
func (h *house) mailMetrics() []ops.Metric {
	each := func(value func(mailbox.Status) (float64, bool)) func() []ops.Sample {
		return func() (out []ops.Sample) {
			for _, d := range h.mailboxes {
				if v, ok := value(d.Status()); ok {
					out = append(out, ops.Sample{Labels: []string{d.cfg.ID}, Value: v})
				}
			}
			return out
		}
	}
	return []ops.Metric{
		{Name: "hub_mailbox_silence_seconds", Help: "Time since a mailbox last answered.", Labels: []string{"mailbox"}, Read: each(func(s mailbox.Status) (float64, bool) {
			return time.Since(s.LastOK).Seconds(), !s.LastOK.IsZero()
		})},
		{Name: "hub_mailbox_waiting_messages", Help: "Mails listed and not taken yet.", Labels: []string{"mailbox"}, Read: each(func(s mailbox.Status) (float64, bool) {
			return float64(s.Waiting), true
		})},
		{Name: "hub_mailbox_oldest_waiting_seconds", Help: "How long the oldest mail that is not taken has been on the server.", Labels: []string{"mailbox"}, Read: each(func(s mailbox.Status) (float64, bool) {
			return time.Since(s.OldestWaiting).Seconds(), !s.OldestWaiting.IsZero()
		})},
		{Name: "hub_quarantine_messages", Help: "Mails that wait for a person.", Labels: []string{"mailbox"}, Read: func() (out []ops.Sample) {
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
			defer cancel()
			held, err := h.tickets.HeldCounts(ctx)
			if err != nil {
				return nil
			}
			for _, d := range h.mailboxes {
				out = append(out, ops.Sample{Labels: []string{d.cfg.ID}, Value: float64(held[d.id()])})
			}
			return out
		}},
		{Name: "hub_brake_hits_total", Help: "What a brake kept back since start.", Labels: []string{"brake"}, Read: func() (out []ops.Sample) {
			if h.router == nil {
				return nil
			}
			for brake, n := range h.router.Brakes() {
				out = append(out, ops.Sample{Labels: []string{brake}, Value: float64(n)})
			}
			return out
		}},
	}
}
