// Command hub is Westshore Hub: mail and web forms become tickets, agents answer
// in the console, and everything is an event. One binary holds every room of the
// house; `hub serve` runs them.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
)

// command is one sub-command. run gets what follows its name.
type command struct {
	name, does string
	forms      []form
	run        func(ctx context.Context, args []string) error
}

func commands() []command {
	return []command{
		{"serve", "run the hub", []form{{"[--config hub.toml] [--data DIR] [--rooms a,b]", ""}}, serve},
		{"demo", "run a hub with a mail system of its own, to try things", []form{{"[--data DIR] [--port N] [--json]", ""}}, demo},
		{"check", "show the configuration with sources, and test each connection", []form{{}}, check},
		{"agent", "manage agents", agentForms, inHouse("agent")},
		{"mail", "read one message, decide again whose it is, connect a mailbox", mailForms, mailCommand},
		{"reconcile", "compare what the mail servers hold with what the hub holds", []form{{"[MAILBOX] [fetch]", "fetch: take in what is missing"}}, inHouse("reconcile")},
		{"notice", "write to many: a change of policy, an incident, a transfer", noticeForms, noticeCommand},
		{"worker", "deliver mail, or tell another system what changes, from outside", workerForms, workerCommand},
		{"dkim", "keys that sign outgoing mail, and their DNS records", dkimForms, dkimCommand},
		{"privacy", "retention, erasure, rights, holds, transfers", privacyForms(), inHouse("privacy")},
		{"backup", "copy the whole data folder while the hub works", []form{{"DIR", ""}}, backupCommand},
		{"restore", "fill an empty data folder from a backup", []form{{"DIR", ""}}, restoreCommand},
		{"scavenge", "remove from disk what was deleted or expired", []form{{}}, inHouse("scavenge")},
		{"rebuild", "replay views beside the live ones and swap them", []form{{"[VIEW…]", ""}}, inHouse("rebuild")},
		{"lag", "show how far each view is behind the log", []form{{}}, inHouse("lag")},
		{"node", "run the embedded event node alone", []form{{"--data DIR --listen HOST:PORT", ""}}, runNode},
		{"bench", "measure, and print JSON", benchForms, benchCommand},
		{"version", "print version, commit and schema versions", []form{{}}, version},
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	go func() {
		<-ctx.Done()
		stop() // the second signal ends the process at once
	}()
	os.Exit(run(ctx, os.Args[1:]))
}

// Exit codes: 0 done, 1 failed, 2 misused.
func run(ctx context.Context, args []string) int {
	if len(args) > 1 && asks(args[0]) {
		args = []string{args[1], "help"}
	}
	if len(args) == 0 || asks(args[0]) {
		return told(overview(os.Stdout))
	}
	for _, c := range commands() {
		if c.name != args[0] {
			continue
		}
		if len(args) > 1 && asks(args[1]) {
			return told(c.help(os.Stdout))
		}
		err := c.run(ctx, args[1:])
		var misuse *misuseError
		switch {
		case err == nil:
			return 0
		case errors.As(err, &misuse):
			fmt.Fprintf(os.Stderr, "hub %s: %v\n\n", c.name, err)
			_ = c.usage(os.Stderr, c.about(args[1:]))
			return 2
		}
		fmt.Fprintf(os.Stderr, "hub %s: %v\n", c.name, err)
		return 1
	}
	fmt.Fprintf(os.Stderr, "hub: there is no command %q\n\n", args[0])
	_ = overview(os.Stderr)
	return 2
}

func told(err error) int {
	if err != nil {
		return 1
	}
	return 0
}

// misuseError is a mistake in how a command was called.
type misuseError struct{ text string }

func (e *misuseError) Error() string { return e.text }

func misuse(format string, a ...any) error { return &misuseError{fmt.Sprintf(format, a...)} }

// release is set when a release is built; otherwise the commit says what this is.
var release = "0.1.0-dev"

func commit() string {
	info, _ := debug.ReadBuildInfo()
	if info != nil {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return s.Value[:min(12, len(s.Value))]
			}
		}
	}
	return "unknown"
}

func goVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return strings.TrimPrefix(info.GoVersion, "go")
	}
	return "unknown"
}
