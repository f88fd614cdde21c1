package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// privacyCommand is one sub-command of `hub privacy`. run gets what follows its
// name, and prints to out.
type privacyCommand struct {
	args, does string
	run        func(h *house, ctx context.Context, args []string, out io.Writer) error
}

// privacyCommands is the table of `hub privacy …`. Each part of the privacy
// office keeps its own entries in a file of its own.
func privacyCommands() map[string]privacyCommand {
	table := map[string]privacyCommand{}
	for _, part := range []map[string]privacyCommand{
		retentionCommands(), erasureCommands(), vaultCommands(), rightsCommands(),
	} {
		maps.Copy(table, part)
	}
	return table
}

// privacy carries out one sub-command of `hub privacy`.
func (h *house) privacy(ctx context.Context, args []string, out io.Writer) error {
	table := privacyCommands()
	if len(args) == 0 || args[0] == "help" {
		for _, name := range slices.Sorted(maps.Keys(table)) {
			c := table[name]
			if _, err := fmt.Fprintf(out, "  hub privacy %-12s %-44s %s\n", name, c.args, c.does); err != nil {
				return err
			}
		}
		return nil
	}
	c, ok := table[args[0]]
	if !ok {
		return misuse("there is no %q; say one of: %s", "privacy "+args[0], strings.Join(slices.Sorted(maps.Keys(table)), ", "))
	}
	err := c.run(h, ctx, args[1:], out)
	if no, ok := errors.AsType[interface {
		error
		Detail() string
	}](err); ok {
		return fmt.Errorf("%w: %s", err, no.Detail())
	}
	return err
}
