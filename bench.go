package main

import (
	"context"
	"encoding/json"
	"os"
	"strconv"

	"github.com/westshore/hub/deploy/bench"
)

var benchForms = []form{
	{"pipeline [--mails N] [--singles N]", "from Dovecot's mailbox to visible requests"},
	{"mail", "reading mail, bombs among it"},
	{"send [--mails N] [--connections N] [--rate N]", "to a mail server"},
	{"append|replay|subscribe", "the event store, beside bare Pebble"},
	{"seal [--keys N] [--only STEP]", "keys: sealing, opening, erasing, sweeping"},
	{"list [--small N] [--large N]", "a page of the list of requests"},
}

// benchCommand measures and prints JSON.
func benchCommand(ctx context.Context, args []string) error {
	flags, rest := parseFlags(args)
	if len(rest) != 1 {
		return misuse("say what to measure")
	}
	out := json.NewEncoder(os.Stdout)
	switch rest[0] {
	case "pipeline":
		n, err := counts(flags, map[string]int{"mails": 5000, "singles": 50})
		if err != nil {
			return err
		}
		p, err := bench.RunPipeline(ctx, n["mails"], n["singles"])
		if err != nil {
			return err
		}
		return p.Print(out)
	case "append", "replay", "subscribe":
		return benchStore(ctx, rest[0], os.Stdout, flags)
	case "mail":
		return benchMail(ctx, os.Stdout, flags)
	case "send":
		return benchSend(ctx, os.Stdout, flags)
	case "seal":
		return benchSeal(ctx, os.Stdout, flags)
	case "list":
		n, err := counts(flags, map[string]int{"small": 10_000, "large": 100_000})
		if err != nil {
			return err
		}
		l, err := bench.RunList(ctx, []int{n["small"], n["large"]})
		if err != nil {
			return err
		}
		return l.Print(out)
	}
	return misuse("there is nothing to measure called %q", rest[0])
}

// counts reads numbers from flags.
func counts(flags map[string]string, n map[string]int) (map[string]int, error) {
	for name, value := range flags {
		if _, ok := n[name]; !ok {
			return nil, misuse("there is no flag --%s", name)
		}
		count, err := strconv.Atoi(value)
		if err != nil || count < 1 || count > 10_000_000 {
			return nil, misuse("--%s %q is no number", name, value)
		}
		n[name] = count
	}
	return n, nil
}
