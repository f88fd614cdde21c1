package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/services/worker"
)

// WorkerConfig is a worker in a process of its own, which comes to the hatch.
type WorkerConfig struct {
	Name      string   `toml:"name" help:"lower-case letters, digits and dashes; it stands in the log"`
	Token     string   `toml:"token" secret:"yes"`
	TokenFile string   `toml:"token_file" help:"at least 32 characters that nobody guesses"`
	Channels  []string `toml:"channels" help:"what it delivers: email"`
	Feed      bool     `toml:"feed" help:"it may read what changes in tickets: ids, types and positions"`
}

// finishWorkers reads the tokens and checks what belongs together.
func (c *Config) finishWorkers() error {
	email := false
	for i := range c.Worker {
		w := &c.Worker[i]
		if w.TokenFile != "" {
			b, err := os.ReadFile(w.TokenFile)
			if err != nil {
				return fmt.Errorf("worker.%d.token_file: %w", i, err)
			}
			w.Token = strings.TrimSpace(string(b))
		}
		if len(w.Token) < 32 {
			return fmt.Errorf("worker.%d: the token has at least 32 characters; make one with openssl rand -hex 32", i)
		}
		email = email || slices.Contains(w.Channels, string(events.Email))
	}
	if c.SMTP.Outside && !email {
		return fmt.Errorf("smtp.outside: no worker is configured for the channel email")
	}
	return nil
}

// posts reports whether mail goes out at all.
func (c *Config) posts() bool { return c.SMTP.Host != "" || c.SMTP.Outside }

// openHatch opens the hatch when somebody may come to it.
func (h *house) openHatch() (err error) {
	if len(h.cfg.Worker) == 0 {
		return nil
	}
	cfg := worker.Config{
		Journal: h.journal, Bus: h.bus, OpenBlob: h.sealer.OpenBlob, Settle: h.claims().Judge,
		Key: h.vault.Secret("worker claims"), Egress: h.toWorker, Logger: h.log,
	}
	for _, w := range h.cfg.Worker {
		a := worker.Account{Name: w.Name, Token: w.Token, Feed: w.Feed}
		for _, c := range w.Channels {
			a.Channels = append(a.Channels, events.Channel(c))
		}
		cfg.Accounts = append(cfg.Accounts, a)
	}
	h.hatch, err = worker.New(cfg)
	return err
}
