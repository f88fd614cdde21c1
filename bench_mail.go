package main

import (
	"context"
	"encoding/json"
	"io"

	"github.com/westshore/hub/deploy/bench"
)

// benchMail measures how mail is read and taken in; a part of which the flag is 0
// is left out. kib is the average size of a mail of the large mailbox.
func benchMail(ctx context.Context, out io.Writer, flags map[string]string) error {
	n := map[string]int{"mib": 1500, "kib": 12 << 10, "singles": 30}
	for name := range n { // 0 leaves a part out
		if flags[name] == "0" {
			n[name] = 0
			delete(flags, name)
		}
	}
	n, err := counts(flags, n)
	if err != nil {
		return err
	}
	m, err := bench.RunMail(ctx, n["mib"], n["kib"], n["singles"])
	if err != nil {
		return err
	}
	return m.Print(json.NewEncoder(out))
}
