package main

import (
	"context"
	"fmt"
	"net/mail"
	"os"
	"strings"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/gateway/api"
	"github.com/westshore/hub/gateway/ops"
	"github.com/westshore/hub/projections/outbox"
	"github.com/westshore/hub/services/mailbox"
	"github.com/westshore/hub/services/notifier"
)

// DKIMConfig is one key that signs outgoing mail.
type DKIMConfig struct {
	Domain   string `toml:"domain" help:"of the From address"`
	Selector string `toml:"selector" help:"its record is at <selector>._domainkey.<domain>; see hub dkim"`
	KeyFile  string `toml:"key_file" help:"private key, PEM; hub dkim makes one"`
}

// finishPost checks what concerns outgoing mail.
func (c *Config) finishPost() error {
	if err := readSecret(&c.Archive.Password, c.Archive.PasswordFile, "archive"); err != nil {
		return err
	}
	if c.SMTP.Unknown != string(notifier.Ask) && c.SMTP.Unknown != string(notifier.Resend) {
		return fmt.Errorf("smtp.unknown: %q is neither ask nor resend", c.SMTP.Unknown)
	}
	if c.SMTP.Undo < 0 || c.SMTP.Undo > time.Hour {
		return fmt.Errorf("smtp.undo: %s is not between 0 and 1h", c.SMTP.Undo)
	}
	if c.SMTP.Attach < 1 || c.SMTP.Attach > 25 {
		return fmt.Errorf("smtp.attach: %d is not between 1 and 25", c.SMTP.Attach)
	}
	if c.SMTP.Links < time.Hour || c.SMTP.Links > 365*24*time.Hour {
		return fmt.Errorf("smtp.links: %s is not between 1h and 8760h", c.SMTP.Links)
	}
	if _, err := c.quiet(); err != nil {
		return err
	}
	if a := c.Archive.Address; a != "" {
		if _, err := mail.ParseAddress(a); err != nil {
			return fmt.Errorf("archive.address: %q is no mail address", a)
		}
		for i, m := range c.Mailbox {
			if strings.EqualFold(m.Address, a) {
				return fmt.Errorf("archive.address: mailbox.%d reads it, and every message of ours would come back as an inquiry", i)
			}
		}
		if c.Archive.User == "" {
			c.Archive.User = a
		}
	}
	return nil
}

// quiet reads smtp.quiet and smtp.zone.
func (c *Config) quiet() (q notifier.Quiet, err error) {
	if c.SMTP.Quiet == "" {
		return q, nil
	}
	from, to, ok := strings.Cut(c.SMTP.Quiet, "-")
	clock := func(s string) time.Duration {
		t, err := time.Parse("15:04", strings.TrimSpace(s))
		ok = ok && err == nil
		return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute
	}
	if q.From, q.To = clock(from), clock(to); !ok {
		return q, fmt.Errorf("smtp.quiet: %q is not like 21:00-07:00", c.SMTP.Quiet)
	}
	if q.Zone, err = time.LoadLocation(c.SMTP.Zone); err != nil {
		return q, fmt.Errorf("smtp.zone: %q is no time zone", c.SMTP.Zone)
	}
	return q, nil
}

// signer reads the DKIM keys.
func (c *Config) signer() (*notifier.Signer, error) {
	var keys []notifier.SigningKey
	for i, k := range c.DKIM {
		text, err := os.ReadFile(k.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("dkim.%d.key_file: %w", i, err)
		}
		key, err := notifier.ParseSigningKey(text)
		if err != nil {
			return nil, fmt.Errorf("dkim.%d.key_file: %w", i, err)
		}
		keys = append(keys, notifier.SigningKey{Domain: k.Domain, Selector: k.Selector, Key: key})
	}
	return notifier.NewSigner(keys)
}

// notify starts the back door.
func (h *house) notify(start func(string, func(context.Context) error)) error {
	relay := h.relay()
	if err := relay.Check(); err != nil && !h.cfg.SMTP.Outside {
		return err
	}
	signer, err := h.cfg.signer()
	if err != nil {
		return err
	}
	quiet, err := h.cfg.quiet()
	if err != nil {
		return err
	}
	start("clerk", (&notifier.Clerk{
		Journal: h.journal, Marks: h.marks, Hash: h.vault.Hash, Brand: h.cfg.Brand, Gate: h.gate(), Undo: h.cfg.SMTP.Undo,
		Unsubscribe: h.rights.UnsubscribeURL, OpenBlob: h.sealer.OpenBlob, Links: h.links(), Attach: int64(h.cfg.SMTP.Attach) << 20,
		Contact: func(ctx context.Context, who events.SubjectID) (events.Address, error) {
			r, err := h.recipient(ctx, who)
			return r.To, err
		},
		Signer: signer, Now: time.Now, Logger: h.log,
	}).Run)
	if h.cfg.SMTP.Outside {
		start("hatch", h.hatch.Run)
	} else {
		start("worker", (&notifier.Worker{
			Claims: h.claims(), Bus: h.bus, Relay: relay, Name: h.worker, Connections: h.cfg.SMTP.Connections, Now: time.Now, Logger: h.log,
		}).Run)
	}
	start("notices", h.notices.Run)
	start("dispatcher", (&notifier.Dispatcher{
		Journal: h.journal, Bus: h.bus, Outbox: h.outbox, Changed: h.feed.Changed, CaughtUp: h.caughtUp,
		Worker: h.worker, Alone: h.node != nil && !h.cfg.SMTP.Outside, Gate: h.gate(), Egress: h.toRelay, Hash: h.vault.Hash, Own: h.marks.Own, Quiet: quiet,
		Pacing: notifier.Pacing{Start: float64(h.cfg.SMTP.DomainRate)}, Evidence: h.evidence(), Unsure: notifier.Unsure(h.cfg.SMTP.Unknown),
		Now: time.Now, Logger: h.log,
	}).Run)
	start("postmaster", (&notifier.Postmaster{
		Journal: h.journal, Outbox: h.outbox, Hash: h.vault.Hash, Now: time.Now, Logger: h.log,
	}).Run)
	start("outbox alarm", h.alarm)
	return nil
}

// links are the addresses of files that are too large for a mail.
func (h *house) links() *notifier.Links {
	return &notifier.Links{
		Journal: h.journal, OpenBlob: h.sealer.OpenBlob, Key: h.vault.Secret("file links"), URL: func() string { return h.publicURL() + "/files/" },
		Keep: h.cfg.SMTP.Links, Now: time.Now,
	}
}

// fetchFile opens a file for whoever has its link.
func (h *house) fetchFile(ctx context.Context, token string) (string, []byte, error) {
	f, content, err := h.links().Fetch(ctx, token)
	return f.Name, content, err
}

// gate is who may be written to.
func (h *house) gate() notifier.Gate { return h.rights.Allowed }

// claims is the counter at which workers get messages.
func (h *house) claims() *notifier.Claims {
	return &notifier.Claims{Journal: h.journal, OpenBlob: h.sealer.OpenBlob, Now: time.Now}
}

func (h *house) relay() notifier.RelayConfig {
	c := h.cfg.SMTP
	return notifier.RelayConfig{
		Host: c.Host, Port: c.Port, TLS: c.TLS, CAFile: c.CAFile, User: c.User, Password: c.Password, Hello: c.Hello,
		Archive: h.cfg.Archive.Address,
	}
}

// evidence looks into the archive of what was sent; nil without one.
func (h *house) evidence() notifier.Archive {
	c := h.cfg.Archive
	if c.Address == "" || c.Host == "" {
		return nil
	}
	box := mailbox.Config{
		ID: "archive", Address: c.Address, Host: c.Host, Port: c.Port, TLS: c.TLS, CAFile: c.CAFile,
		User: c.User, Password: c.Password, Folder: c.Folder,
	}
	return func(ctx context.Context, id events.OutboundID) (bool, error) {
		return mailbox.Holds(ctx, box, notifier.DeliveryField, string(id))
	}
}

// post is what the API knows of outgoing mail beside its view.
func (h *house) post() api.Post {
	return api.Post{
		Undo: h.cfg.SMTP.Undo,
		Sent: func(ctx context.Context, as events.Principal, id events.OutboundID) ([]byte, events.State, error) {
			history, err := h.journal.Load(ctx, events.OutboundStream(id), nil)
			if err != nil {
				return nil, events.Unopened, err
			}
			for _, r := range history {
				if q, ok := r.Event.(events.MessageQueued); ok {
					return h.sealer.OpenBlob(ctx, as, q.Rendered)
				}
			}
			return nil, events.Unopened, outbox.ErrNotFound
		},
		Person: func(ctx context.Context, address string) (events.SubjectID, events.Hash, error) {
			who, err := h.vault.Subjects(ctx, []string{address})
			if err != nil {
				return "", "", err
			}
			return who[0], notifier.AddressHash(h.vault.Hash, address), nil
		},
	}
}

// alarm says in the log when somebody must look at the outbox, and when it is well
// again (MAIL O24).
func (h *house) alarm(ctx context.Context) error {
	tick := time.NewTicker(30 * time.Second)
	defer tick.Stop()
	was := ""
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		health, err := h.outbox.Health(ctx, time.Now())
		if err != nil {
			continue
		}
		now := strings.Join(health.Alarms(), ",")
		switch now {
		case was:
		case "":
			h.log.Info("outbox is well again")
		default:
			h.log.Error("outbox needs somebody", "alarms", now, "oldest", health.Oldest.Round(time.Second), "oldest_unknown", health.OldestUnknown.Round(time.Second))
		}
		was = now
	}
}

// postMetrics are what an operator watches of outgoing mail (MAIL O24).
func (h *house) postMetrics() []ops.Metric {
	health := func(value func(outbox.Health) []ops.Sample) func() []ops.Sample {
		return func() []ops.Sample {
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
			defer cancel()
			at, err := h.outbox.Health(ctx, time.Now())
			if err != nil {
				return nil
			}
			return value(at)
		}
	}
	one := func(value func(outbox.Health) float64) func() []ops.Sample {
		return health(func(at outbox.Health) []ops.Sample { return []ops.Sample{{Value: value(at)}} })
	}
	return []ops.Metric{
		{Name: "hub_outbox_messages", Help: "Messages by state.", Labels: []string{"state"}, Read: func() (out []ops.Sample) {
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
			defer cancel()
			counts, err := h.outbox.Counts(ctx)
			if err != nil {
				return nil
			}
			for state, n := range counts {
				out = append(out, ops.Sample{Labels: []string{string(state)}, Value: float64(n)})
			}
			return out
		}},
		{
			Name: "hub_outbox_waiting", Help: "Messages that wait, by the class of their last refusal.", Labels: []string{"class"},
			Read: func() (out []ops.Sample) {
				ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
				defer cancel()
				classes, err := h.outbox.Classes(ctx)
				if err != nil {
					return nil
				}
				for class, n := range classes {
					out = append(out, ops.Sample{Labels: []string{class}, Value: float64(n)})
				}
				return out
			},
		},
		{Name: "hub_outbox_oldest_seconds", Help: "How long the oldest message that may go has waited.", Read: one(func(at outbox.Health) float64 { return at.Oldest.Seconds() })},
		{Name: "hub_outbox_unknown_oldest_seconds", Help: "For how long the oldest unknown outcome has been one.", Read: one(func(at outbox.Health) float64 { return at.OldestUnknown.Seconds() })},
		{Name: "hub_outbox_suppressed", Help: "Addresses on the suppression list.", Read: one(func(at outbox.Health) float64 { return float64(at.Suppressed) })},
		{Name: "hub_outbox_alarm", Help: "1 when somebody must look: oldest, unknown, login.", Labels: []string{"alarm"}, Read: health(func(at outbox.Health) (out []ops.Sample) {
			for _, a := range at.Alarms() {
				out = append(out, ops.Sample{Labels: []string{a}, Value: 1})
			}
			return out
		})},
	}
}
