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

// privacyCommand is one sub-command of `hub privacy`: the ways to call it, one on
// each line, and what they do. run gets what follows its name, and prints to out.
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

// privacyForms are all the ways to call `hub privacy`.
func privacyForms() []form {
	var forms []form
	table := privacyCommands()
	for _, name := range slices.Sorted(maps.Keys(table)) {
		c := table[name]
		for args := range strings.SplitSeq(c.args, "\n") {
			forms = append(forms, form{args: name + " " + args})
		}
		forms[len(forms)-1].does = c.does
	}
	return forms
}

// privacy carries out one sub-command of `hub privacy`.
func (h *house) privacy(ctx context.Context, args []string, out io.Writer) error {
	table := privacyCommands()
	if len(args) == 0 {
		return misuse("which command?")
	}
	c, ok := table[args[0]]
	if !ok {
		return misuse("there is no command %q", "privacy "+args[0])
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
