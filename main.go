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
	name, args, does string
	run              func(ctx context.Context, args []string) error
}

func commands() []command {
	return []command{
		{"serve", "[--config hub.toml] [--data DIR] [--rooms a,b]", "run the hub", serve},
		{"demo", "[--data DIR] [--port N] [--json]", "run a hub with a mail system of its own, to try things", demo},
		{"node", "--data DIR --listen HOST:PORT", "run the embedded event node alone", runNode},
		{"mail", "parse FILE|- | rethread [dry-run] | connect MAILBOX [URL]", "read one message; decide again whose tickets; connect a mailbox", mailCommand},
		{"check", "", "show the configuration with sources, and test each connection", check},
		{"dkim", "make DOMAIN SELECTOR [DIR] | check", "keys that sign outgoing mail, and their DNS records", dkimCommand},
		{"agent", "add|list|reset", "manage agents", inHouse("agent")},
		{"rebuild", "[VIEW…]", "replay views beside the live ones and swap them", inHouse("rebuild")},
		{"backup", "DIR", "copy the whole data folder while the hub works", backupCommand},
		{"restore", "DIR", "fill an empty data folder from a backup", restoreCommand},
		{"scavenge", "", "remove from disk what was deleted or expired", inHouse("scavenge")},
		{"lag", "", "show how far each view is behind the log", inHouse("lag")},
		{"privacy", "COMMAND [ARGS]", "retention, erasure, rights, holds; hub privacy help lists them", inHouse("privacy")},
		{"reconcile", "[MAILBOX] [fetch]", "compare what the mail servers hold with what the hub holds", inHouse("reconcile")},
		{"bench", "pipeline|list [--mails N] [--singles N]", "measure, and print JSON", benchCommand},
		{"notice", noticeUsage, "write to many: a change of policy, an incident, a transfer", noticeCommand},
		{"worker", workerUsage, "deliver mail, or tell another system what changes, from outside", workerCommand},
		{"version", "", "print version, commit and schema versions", version},
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
	if len(args) == 0 || args[0] == "help" || args[0] == "--help" || args[0] == "-h" {
		usage(os.Stdout)
		return 0
	}
	for _, c := range commands() {
		if c.name != args[0] {
			continue
		}
		err := c.run(ctx, args[1:])
		var misuse *misuseError
		switch {
		case err == nil:
			return 0
		case errors.As(err, &misuse):
			fmt.Fprintf(os.Stderr, "hub %s: %v\nusage: hub %s %s\n", c.name, err, c.name, c.args)
			return 2
		}
		fmt.Fprintf(os.Stderr, "hub %s: %v\n", c.name, err)
		return 1
	}
	fmt.Fprintf(os.Stderr, "hub: there is no command %q\n", args[0])
	usage(os.Stderr)
	return 2
}

func usage(w *os.File) {
	_, _ = fmt.Fprint(w, "Westshore Hub: customer communications and support, event-sourced.\n\n")
	for _, c := range commands() {
		_, _ = fmt.Fprintf(w, "  hub %-10s %-48s %s\n", c.name, c.args, c.does)
	}
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
