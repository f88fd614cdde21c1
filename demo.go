package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"github.com/westshore/hub/deploy/sandbox"
	"github.com/westshore/hub/events"
	"github.com/westshore/hub/gateway"
	"github.com/westshore/hub/services/accounts"
)

// The demo's brand and people. Nothing here leads anywhere: .test is reserved for
// tests (RFC 6761).
const (
	demoBrand   = "Northwind"
	demoAddress = "support@northwind.test"
	demoForm    = "contact"
)

var demoPeople = []accounts.New{
	{Name: "Maya Olsen", Email: "maya@northwind.test", Role: events.RoleAdmin},
	{Name: "Tomasz Król", Email: "tomasz@northwind.test", Role: events.RoleAgent},
}

// demoKeys is what a kept demo folder remembers, in a file of its own.
type demoKeys struct {
	Email    string `json:"email"`
	Password string `json:"password"`
	Token    string `json:"api_token"`
	Mail     string `json:"mail_password"`
}

// demo runs a hub together with a mail system of its own, on loopback.
func demo(ctx context.Context, args []string) error {
	flags, rest := parseFlags(args)
	for f := range flags {
		if f != "data" && f != "port" && f != "json" && f != "log.level" {
			return misuse("there is no flag --%s", f)
		}
	}
	if len(rest) > 0 {
		return misuse("%q is no flag", rest[0])
	}
	cfg, err := demoConfig(ctx, flags)
	if err != nil {
		return err
	}
	log := newLogger(cfg)
	h, err := build(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer h.close()
	keys, err := h.demoKeys(ctx)
	if err != nil {
		return err
	}
	box, err := sandbox.Start(ctx, sandbox.Config{
		Dir: filepath.Join(cfg.Data, "mail"), Password: keys.Mail, Logger: log,
		SMTPListen: freeOr(ctx, flags["port"], 2525), IMAPListen: freeOr(ctx, flags["port"], 1143),
	})
	if err != nil {
		return err
	}
	defer func() { _ = box.Stop(context.WithoutCancel(ctx)) }()
	if err := h.pointAt(box, keys); err != nil {
		return err
	}
	_, asJSON := flags["json"]
	return h.run(ctx, roomNames, func(g *gateway.Gateway) { greet(g, box, keys, asJSON) })
}

func demoConfig(ctx context.Context, flags map[string]string) (*Config, error) {
	cfg := defaults()
	cfg.Data, cfg.Brand, cfg.Log.Level = "hub-demo", demoBrand, "warn"
	if d := flags["data"]; d != "" {
		cfg.Data = d
	}
	if l := flags["log.level"]; l != "" {
		cfg.Log.Level = l
	}
	cfg.HTTP.Listen = freeOr(ctx, flags["port"], 8080)
	if p := flags["port"]; p != "" {
		if n, err := strconv.ParseUint(p, 10, 16); err != nil {
			return nil, misuse("--port %q is no port", p)
		} else if n != 0 {
			cfg.HTTP.Listen = net.JoinHostPort("127.0.0.1", p)
		}
	}
	cfg.HTTP.Ops = "" // a demo has no operator, and may run beside a real hub
	// A demo is for trying things: one person may write a lot.
	cfg.Desk.NewTickets, cfg.Desk.DomainAnswers = 100_000, 1000
	cfg.Mailbox = []MailboxConfig{{ID: "support", Address: demoAddress, Name: demoBrand + " Support", User: demoAddress, Host: "127.0.0.1", TLS: "none", Password: "-"}}
	cfg.Form = []FormConfig{{
		ID: demoForm, Title: "Contact " + demoBrand, Mailbox: "support", Attachments: true,
		Intro: "Write to us. We answer by mail, usually within a day.",
	}}
	return cfg, cfg.finish()
}

// freeOr is the usual port of a demo, or any free one when that is taken or the
// caller named a port of its own.
func freeOr(ctx context.Context, port string, usual int) string {
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(usual))
	if port == "" {
		if l, err := new(net.ListenConfig).Listen(ctx, "tcp", address); err == nil {
			_ = l.Close()
			return address
		}
	}
	return "127.0.0.1:0"
}

// demoKeys reads the demo's logins, or makes them the first time.
func (h *house) demoKeys(ctx context.Context) (k demoKeys, err error) {
	file := h.dir("demo.json")
	b, err := os.ReadFile(file)
	if err == nil {
		return k, json.Unmarshal(b, &k)
	}
	if !os.IsNotExist(err) {
		return k, err
	}
	k = demoKeys{Email: demoPeople[0].Email, Password: newPassword(), Mail: newPassword()[:12]}
	for i, p := range demoPeople {
		p.Password = k.Password
		id, err := h.accounts.Add(ctx, "system:demo", p)
		if err != nil {
			return k, err
		}
		if i == 0 {
			if k.Token, err = h.accounts.CreateToken(ctx, "system:demo", id, "demo"); err != nil {
				return k, err
			}
		}
	}
	if b, err = json.MarshalIndent(k, "", "  "); err != nil {
		return k, err
	}
	return k, os.WriteFile(file, b, 0o600)
}

// pointAt makes the hub use the sandbox as its mail server.
func (h *house) pointAt(box *sandbox.Sandbox, k demoKeys) error {
	host, port, err := splitPort(box.IMAPAddr())
	if err != nil {
		return err
	}
	m := &h.cfg.Mailbox[0]
	m.Host, m.Port, m.Password = host, port, k.Mail
	h.cfg.SMTP.TLS = "none"
	if h.cfg.SMTP.Host, h.cfg.SMTP.Port, err = splitPort(box.SMTPAddr()); err != nil {
		return err
	}
	door, err := h.mailbox(*m, []string{m.Address}, h.vault.Secret(tokenSecret))
	if err != nil {
		return err
	}
	h.mailboxes[0] = door
	return nil
}

func splitPort(address string) (host string, port int, err error) {
	host, p, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, err
	}
	port, err = strconv.Atoi(p)
	return host, port, err
}

// greet says what to open, as whom, and how to send the first mail.
func greet(g *gateway.Gateway, box *sandbox.Sandbox, k demoKeys, asJSON bool) {
	form := g.URL() + "/f/" + demoForm
	if asJSON {
		_ = json.NewEncoder(os.Stdout).Encode(map[string]string{
			"console": g.URL(), "smtp": box.SMTPAddr(), "imap": box.IMAPAddr(),
			"imap_user": demoAddress, "imap_password": k.Mail, "support_address": demoAddress,
			"api_token": k.Token, "form": form, "login": k.Email, "password": k.Password,
		})
		return
	}
	fmt.Printf(`
%s is open.

  Console    %s
  Log in as  %s   password  %s
  Form       %s

  Send it a mail:

    printf 'From: Ada Berglund <ada@customer.test>\r\nTo: %s\r\nSubject: Charged twice\r\n\r\nHello, you charged me twice for order 104882.\r\n' | curl -sS smtp://%s --mail-from ada@customer.test --mail-rcpt %s -T -

  Read what a customer received: any address is a mailbox on the IMAP server %s, with the password %s.

  Ctrl-C stops it. What happened stays in the demo folder; start it again and it is all there.

`, demoBrand, g.URL(), k.Email, k.Password, form, demoAddress, box.SMTPAddr(), demoAddress, box.IMAPAddr(), k.Mail)
}
