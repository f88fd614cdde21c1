package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// form is one way to call a command: what follows its name, and what that does
// where the command does several things.
type form struct{ args, does string }

// asks reports whether a word asks for help.
func asks(word string) bool { return word == "help" || word == "--help" || word == "-h" }

// overview lists the commands.
func overview(w io.Writer) error {
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprint(out, "Westshore Hub: customer communications and support, event-sourced.\n\n")
	for _, c := range commands() {
		_, _ = fmt.Fprintf(out, "  hub %s\t%s\n", c.name, c.does)
	}
	_, _ = fmt.Fprint(out, "\nhub help COMMAND says how a command is called.\n")
	return out.Flush()
}

// help says how a command is called.
func (c command) help(w io.Writer) error {
	_, _ = fmt.Fprintf(w, "hub %s: %s\n\n", c.name, c.does)
	return c.usage(w, c.forms)
}

// usage lists forms of a command, and under each what it does.
func (c command) usage(w io.Writer, forms []form) error {
	for _, f := range forms {
		lines := strings.TrimRight("  hub "+c.name+" "+f.args, " ") + "\n"
		if f.does != "" {
			lines += "      " + f.does + "\n"
		}
		if _, err := io.WriteString(w, lines); err != nil {
			return err
		}
	}
	return nil
}

// about are the forms that begin like a call did, or all where none does.
func (c command) about(args []string) []form {
	if len(args) > 0 {
		like := slices.DeleteFunc(slices.Clone(c.forms), func(f form) bool {
			first, _, _ := strings.Cut(f.args, " ")
			return !slices.Contains(strings.Split(first, "|"), args[0])
		})
		if len(like) > 0 {
			return like
		}
	}
	return c.forms
}
