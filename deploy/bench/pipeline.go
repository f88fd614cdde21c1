package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/westshore/hub/deploy/mailtest"
)

// Pipeline is the result of one run: mails from a real Dovecot to tickets that the
// API shows, with every promise on (sealing, fsync in JetStream, store and vault).
type Pipeline struct {
	Mails    int      `json:"mails"`
	Bytes    int      `json:"bytes_per_mail"`
	Seconds  float64  `json:"seconds"`
	Rate     float64  `json:"mails_per_s"`
	CPU      float64  `json:"hub_cpu_ms_per_mail"`
	Single   Latency  `json:"single_mail_visible_ms"`    // from LMTP's 250 to the live feed and the API
	Notice   Latency  `json:"announced_mail_visible_ms"` // from Dovecot's notice to a client in IDLE (RFC 2177), which it delays
	Empty    float64  `json:"start_empty_ms"`
	Restart  float64  `json:"start_with_events_ms"`
	Events   int      `json:"events_at_restart"`
	Idle     float64  `json:"idle_pss_mib"` // before the first mail
	After    float64  `json:"after_pss_mib"`
	Peak     float64  `json:"peak_rss_mib"`
	Off      string   `json:"switched_off"`
	IMAP     string   `json:"imap_server"`
	Ratios   Ratios   `json:"ratios"`
	Baseline Baseline `json:"baseline"`
}

// Ratios compare with the baseline of the same run.
type Ratios struct {
	MailsPerFsync  float64 `json:"mails_to_fsyncs"`
	MailsPerPebble float64 `json:"mails_to_pebble_commits_128"`
}

// Latency in milliseconds over a number of mails sent one after the other.
type Latency struct {
	N   int     `json:"n"`
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// RunPipeline measures with n mails at once, then with single ones.
func RunPipeline(ctx context.Context, n, singles int) (*Pipeline, error) {
	dir, err := os.MkdirTemp("", "hub-bench")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := os.Chmod(dir, 0o755); err != nil { // Dovecot's own users walk through
		return nil, err
	}
	p := &Pipeline{Mails: n, IMAP: "dovecot", Off: "acknowledgements, smtp"}
	if p.Baseline, err = baseline(dir); err != nil {
		return nil, err
	}
	mail, err := mailtest.Start(ctx, filepath.Join(dir, "m"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = mail.Stop() }()
	h, err := prepare(ctx, filepath.Join(dir, "hub"), environment(mail))
	if err != nil {
		return nil, err
	}
	if err := p.idle(ctx, h); err != nil {
		return nil, err
	}
	fmt.Fprintf(os.Stderr, "delivering %d mails to dovecot\n", n)
	for i := range n {
		raw := message(i)
		p.Bytes = len(raw)
		if err := mail.Deliver("support@hub.test", raw); err != nil {
			return nil, err
		}
	}
	if err := p.burst(ctx, h, n); err != nil {
		return nil, err
	}
	defer h.stop()
	if err := p.singles(ctx, h, mail, n, singles); err != nil {
		return nil, err
	}
	p.After, p.Peak = memory(h.cmd.Process.Pid)
	h.stop()
	took, err := h.start(ctx)
	p.Restart = ms(took)
	p.Ratios = Ratios{MailsPerFsync: p.Rate / p.Baseline.Fsync, MailsPerPebble: p.Rate / p.Baseline.Pebble128}
	return p, err
}

func environment(mail *mailtest.System) []string {
	return []string{
		"HUB_MAILBOX_0_ID=support", "HUB_MAILBOX_0_ADDRESS=support@hub.test", "HUB_MAILBOX_0_HOST=localhost",
		fmt.Sprintf("HUB_MAILBOX_0_PORT=%d", mail.IMAPS), "HUB_MAILBOX_0_TLS=implicit", "HUB_MAILBOX_0_CA_FILE=" + mail.CAFile(),
		"HUB_MAILBOX_0_PASSWORD=" + mailtest.Password, "HUB_DESK_ACKNOWLEDGE=false", "HUB_LOG_LEVEL=warn",
	}
}

// idle starts and stops the hub on an empty folder.
func (p *Pipeline) idle(ctx context.Context, h *hub) error {
	took, err := h.start(ctx)
	if err != nil {
		return err
	}
	p.Empty = ms(took)
	time.Sleep(3 * time.Second) //nolint:forbidigo // let it come to rest
	p.Idle, _ = memory(h.cmd.Process.Pid)
	h.stop()
	return nil
}

// burst starts the hub in front of a full mailbox and waits until all is visible.
func (p *Pipeline) burst(ctx context.Context, h *hub, n int) error {
	if _, err := h.start(ctx); err != nil {
		return err
	}
	began := time.Now()
	before, err := cpu(h.cmd.Process.Pid)
	if err != nil {
		return err
	}
	for shown := 0; ; {
		have, err := h.tickets(ctx)
		if err != nil {
			return err
		}
		if have >= n {
			break
		}
		if have-shown >= 1000 {
			shown = have
			fmt.Fprintf(os.Stderr, "%d of %d visible\n", have, n)
		}
		time.Sleep(20 * time.Millisecond) //nolint:forbidigo // a benchmark polls from outside
	}
	took := time.Since(began)
	after, err := cpu(h.cmd.Process.Pid)
	p.Seconds, p.Rate = took.Seconds(), float64(n)/took.Seconds()
	p.CPU = ms(after-before) / float64(n)
	return err
}

// singles sends one mail at a time and waits until the live feed says that there
// is a ticket, and the API shows it.
func (p *Pipeline) singles(ctx context.Context, h *hub, mail *mailtest.System, n, singles int) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, h.url+"/api/v1/live", nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+h.token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	feed := bufio.NewScanner(resp.Body)
	announced, stop, err := mail.Watch("support@hub.test")
	if err != nil {
		return err
	}
	defer stop()
	var times, notices []float64
	for i := range singles {
		if err := mail.Deliver("support@hub.test", message(n+i)); err != nil {
			return err
		}
		began := time.Now()
		for have := 0; have < n+i+1; {
			if !feed.Scan() {
				return fmt.Errorf("live feed ended: %w", feed.Err())
			}
			if !strings.HasPrefix(feed.Text(), "data:") {
				continue
			}
			if have, err = h.tickets(ctx); err != nil {
				return err
			}
		}
		times = append(times, ms(time.Since(began)))
		visible := time.Now()
		select {
		case at := <-announced:
			notices = append(notices, ms(visible.Sub(at)))
		case <-time.After(5 * time.Second):
			return errors.New("dovecot announced no mail")
		}
	}
	p.Single, p.Notice = latency(times), latency(notices)
	p.Events = (n + singles) * 6 // at least: inquiry, binding, request, decision, ticket and message
	return nil
}

// message is a mail of an ordinary size from a sender of its own.
func message(i int) []byte {
	body := strings.Repeat("The parcel was announced for Tuesday and has not arrived; tracking says that a label was made.\r\n", 12)
	return fmt.Appendf(nil, "From: Customer %d <c%d@customer%d.test>\r\nTo: support@hub.test\r\nSubject: Where is parcel %d\r\n"+
		"Date: Sun, 22 Nov 2026 08:14:07 +0000\r\nMessage-ID: <bench-%d@customer.test>\r\nMIME-Version: 1.0\r\n"+
		"Content-Type: text/plain; charset=utf-8\r\n\r\nHello,\r\n\r\n%s\r\nCustomer %d\r\n", i, i, i%500, i, i, body, i)
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// Print writes the result as indented JSON.
func (p *Pipeline) Print(w *json.Encoder) error {
	w.SetIndent("", "  ")
	return w.Encode(p)
}
