package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/services/notifier"
	"github.com/westshore/hub/services/worker"
)

var workerForms = []form{
	{"smtp --hub URL --token-file FILE", "deliver outgoing mail through the mail server of the configuration"},
	{"webhook --hub URL --token-file FILE --to URL --secret-file FILE --state FILE", "tell another system what changes"},
	{"webhook … [--from POSITION|start|now] [--replay] [--private] [--give-up 24h]", "where to begin; to a private address; how long to insist"},
	{"schemas", "print the JSON Schemas of the contract, for a worker in another language (deploy/worker-example)"},
}

// workerCommand runs a notification worker outside the hub's process.
func workerCommand(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return misuse("which worker?")
	}
	if args[0] == "schemas" {
		return workerSchemas()
	}
	own := map[string]string{}
	rest := args[1:]
	for _, name := range []string{"hub", "token-file", "to", "secret-file", "state", "from", "give-up"} {
		own[name], rest = takeFlag(rest, name)
	}
	for _, name := range []string{"replay", "private"} {
		own[name], rest = takeSwitch(rest, name)
	}
	cfg, left, err := load(rest, os.Environ())
	if err != nil {
		return err
	}
	if len(left) > 0 {
		return misuse("%q is no flag", left[0])
	}
	client, err := workerClient(own)
	if err != nil {
		return err
	}
	switch args[0] {
	case "smtp":
		return smtpWorker(ctx, cfg, client)
	case "webhook":
		return webhookWorker(ctx, cfg, client, own)
	}
	return misuse("there is no worker %q", args[0])
}

// takeSwitch takes a flag without a value out of the arguments.
func takeSwitch(args []string, name string) (set string, rest []string) {
	for _, a := range args {
		if a == "--"+name {
			set = "yes"
			continue
		}
		rest = append(rest, a)
	}
	return set, rest
}

func workerClient(own map[string]string) (*worker.Client, error) {
	if own["hub"] == "" || own["token-file"] == "" {
		return nil, misuse("--hub and --token-file are needed")
	}
	token, err := os.ReadFile(own["token-file"])
	if err != nil {
		return nil, fmt.Errorf("read token: %w", err)
	}
	return &worker.Client{URL: own["hub"], Token: strings.TrimSpace(string(token))}, nil
}

// smtpWorker delivers mail through the mail server of the [smtp] section.
func smtpWorker(ctx context.Context, cfg *Config, client *worker.Client) error {
	log := newLogger(cfg).With("room", "worker")
	relay := notifier.RelayConfig{
		Host: cfg.SMTP.Host, Port: cfg.SMTP.Port, TLS: cfg.SMTP.TLS, CAFile: cfg.SMTP.CAFile, User: cfg.SMTP.User, Password: cfg.SMTP.Password,
		Hello: cfg.SMTP.Hello, Archive: cfg.Archive.Address,
	}
	courier, err := notifier.NewCourier(relay, cfg.SMTP.Connections, log)
	if err != nil {
		return err
	}
	defer courier.Close()
	deliver := func(ctx context.Context, p worker.Payload, start func(context.Context, bool) error) (worker.Result, error) {
		_, domain, _ := strings.Cut(strings.ToLower(p.Envelope.RcptTo), "@")
		d, ok := courier.Deliver(ctx, &notifier.Claim{
			Outbound: events.OutboundID(p.Outbound), Attempt: p.Attempt, Channel: events.Email, Domain: events.Hash(domain), State: events.Plain,
			MailFrom: p.Envelope.MailFrom, RcptTo: p.Envelope.RcptTo, EnvID: p.Envelope.EnvID, Raw: p.Message,
		}, func(ctx context.Context, archived bool) error {
			if err := start(ctx, archived); errors.Is(err, worker.ErrTaken) {
				return notifier.ErrOver
			} else if err != nil {
				return err
			}
			return nil
		})
		if !ok {
			return worker.Result{}, worker.ErrTaken
		}
		return worker.Result{Outcome: worker.Outcome(d.Outcome), Class: d.Class, Code: d.Code, Queue: d.Queue}, nil
	}
	log.Info("delivering mail for a hub", "hub", client.URL, "server", cfg.SMTP.Host)
	return (&worker.Mail{Client: client, Channel: string(events.Email), Deliver: deliver, Parallel: cfg.SMTP.Connections, Logger: log}).Run(ctx)
}

// webhookWorker tells another system what changes in tickets.
func webhookWorker(ctx context.Context, cfg *Config, client *worker.Client, own map[string]string) error {
	if own["to"] == "" || own["secret-file"] == "" || own["state"] == "" {
		return misuse("--to, --secret-file and --state are needed")
	}
	b, err := os.ReadFile(own["secret-file"])
	if err != nil {
		return fmt.Errorf("read webhook secret: %w", err)
	}
	secrets, err := worker.ParseSecrets(string(b))
	if err != nil {
		return err
	}
	hook := &worker.Webhook{
		Client: client, URL: own["to"], Secrets: secrets, Place: worker.Place{Path: own["state"]}, From: own["from"], Replay: own["replay"] != "",
		HTTP: worker.NewSender(own["private"] != ""), Dead: own["state"] + ".dead", Logger: newLogger(cfg).With("room", "worker"),
	}
	if own["give-up"] != "" {
		if hook.GiveUp, err = time.ParseDuration(own["give-up"]); err != nil || hook.GiveUp <= 0 {
			return misuse("--give-up %s is no duration such as 24h", own["give-up"])
		}
	}
	return hook.Run(ctx)
}
