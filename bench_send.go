package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/westshore/hub/deploy/mailtest"
	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/projections/outbox"
	"github.com/westshore/hub/services/notifier"
)

// sendResult is what `hub bench send` prints.
type sendResult struct {
	Mails       int     `json:"mails"`
	Bytes       int64   `json:"bytes_per_mail"`
	Server      string  `json:"smtp_server"`
	Connections int     `json:"connections"`
	Domains     int     `json:"domains"`
	DomainRate  int     `json:"domain_rate_at_first_per_min"`
	Signed      string  `json:"signed"`
	QueueRate   float64 `json:"rendered_signed_queued_per_s"`
	Seconds     float64 `json:"seconds"`
	Rate        float64 `json:"accepted_per_s"`
	CPU         float64 `json:"hub_cpu_ms_per_mail"`
	Accepted    int64   `json:"accepted"`
}

// benchSend measures from the moment that all mails are due to the last 250 in the
// outbox: claimed, offered to a real Postfix over TLS-less loopback, every step in
// the log with its fsyncs.
func benchSend(ctx context.Context, out io.Writer, flags map[string]string) error {
	n, err := counts(flags, map[string]int{"mails": 3000, "connections": 4, "rate": 6000})
	if err != nil {
		return err
	}
	r, err := runSend(ctx, n["mails"], n["connections"], n["rate"])
	if err != nil {
		return err
	}
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

func runSend(ctx context.Context, mails, connections, rate int) (*sendResult, error) {
	dir, err := os.MkdirTemp("", "hub-send")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := os.Chmod(dir, 0o755); err != nil { // Postfix's own users walk through
		return nil, err
	}
	system, err := mailtest.Start(ctx, filepath.Join(dir, "m"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = system.Stop() }()
	cfg, err := sendConfig(dir, system, connections, rate)
	if err != nil {
		return nil, err
	}
	h, err := build(ctx, cfg, slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		return nil, err
	}
	defer h.close()
	r := &sendResult{Mails: mails, Server: "postfix", Connections: connections, Domains: 2, DomainRate: rate, Signed: "rsa-2048, ed25519"}
	return r, r.measure(ctx, h)
}

func sendConfig(dir string, system *mailtest.System, connections, rate int) (*Config, error) {
	cfg := defaults()
	cfg.Data, cfg.HTTP.Ops = filepath.Join(dir, "hub"), ""
	cfg.SMTP.Host, cfg.SMTP.Port, cfg.SMTP.TLS = "127.0.0.1", system.MX, "none"
	cfg.SMTP.Connections, cfg.SMTP.DomainRate, cfg.SMTP.Undo = connections, rate, 0
	cfg.Mailbox = []MailboxConfig{{ID: "support", Address: "support@hub.test", Host: "127.0.0.1", Port: system.IMAP, TLS: "none", Password: mailtest.Password}}
	for _, algorithm := range []string{"rsa", "ed25519"} {
		name := filepath.Join(dir, algorithm+".pem")
		text, err := notifier.NewSigningKey(algorithm)
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(name, text, 0o600); err != nil {
			return nil, err
		}
		cfg.DKIM = append(cfg.DKIM, DKIMConfig{Domain: "hub.test", Selector: algorithm, KeyFile: name})
	}
	return cfg, cfg.finish()
}

func (r *sendResult) measure(ctx context.Context, h *house) error {
	ctx, stop := context.WithCancel(ctx)
	var house sync.WaitGroup
	defer house.Wait()
	defer stop()
	house.Go(func() {
		if err := h.run(ctx, []string{"recorder", "notifier"}, nil); err != nil {
			h.log.Error("the house ended", "error", err)
		}
	})
	// All are written first and due at once, later than the clerk can need.
	due := time.Now().Add(5*time.Second + time.Duration(r.Mails)*15*time.Millisecond)
	began := time.Now()
	if err := r.write(ctx, h, due); err != nil {
		return err
	}
	if _, err := r.await(ctx, h, outbox.Queued); err != nil {
		return err
	}
	r.QueueRate = float64(r.Mails) / time.Since(began).Seconds()
	fmt.Fprintf(os.Stderr, "%d mails queued, waiting until they are due\n", r.Mails)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Until(due)):
	}
	before := ownCPU()
	n, err := r.await(ctx, h, outbox.Accepted)
	took := time.Since(due)
	r.Accepted, r.Seconds, r.Rate = n, took.Seconds(), float64(r.Mails)/took.Seconds()
	r.CPU = (ownCPU() - before).Seconds() * 1000 / float64(r.Mails)
	return err
}

// write lets an agent answer people of two domains.
func (r *sendResult) write(ctx context.Context, h *house, due time.Time) error {
	text := strings.Repeat("The parcel was handed to the carrier on Tuesday and should reach you by the end of the week.\n", 10)
	for i := range r.Mails {
		to := fmt.Sprintf("alice+%d@cust.test", i)
		if i%2 == 1 {
			to = fmt.Sprintf("bounces+%d@hub.test", i)
		}
		ticket := events.TicketID(events.DeriveUUID("bench", "ticket", strconv.Itoa(i)).String())
		msg := events.MessageID(events.DeriveUUID("bench", "message", strconv.Itoa(i)).String())
		who := events.SubjectID(events.DeriveUUID("bench", "who", strconv.Itoa(i)).String())
		e := events.ReplyWritten{
			Ticket: ticket, Message: msg, Number: int64(i + 1), Mailbox: "support", Agent: "bench", Customer: who,
			MessageID: h.marks.MessageID(ticket, msg, "support"), NotBefore: due,
			Envelope: events.Seal(events.ReplyEnvelope{To: []events.Address{{Address: to}}, Subject: "Re: Where is my parcel"}),
			Answer:   events.Seal(events.Answer{Text: text}),
		}
		by := journal.By{Command: events.NewUUID(), Actor: "agent:bench"}
		if _, err := h.journal.Append(ctx, events.TicketStream(ticket), events.NoStream, by, e); err != nil {
			return err
		}
		if i == 0 {
			r.Bytes = int64(len(text))
		}
	}
	return nil
}

// await waits until every mail is in a state.
func (r *sendResult) await(ctx context.Context, h *house, want outbox.State) (int64, error) {
	for limit := time.Now().Add(5 * time.Minute); ; {
		changed := h.feed.Changed()
		counts, err := h.outbox.Counts(ctx)
		if err != nil || counts[want] >= int64(r.Mails) {
			return counts[want], err
		}
		if time.Now().After(limit) || counts[outbox.Failed]+counts[outbox.Unknown]+counts[outbox.Cancelled] > 0 {
			return counts[want], fmt.Errorf("not every mail is %s: %v", want, counts)
		}
		select {
		case <-ctx.Done():
			return counts[want], ctx.Err()
		case <-changed:
		case <-time.After(time.Second):
		}
	}
}

// ownCPU is the processor time that this process has used.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
