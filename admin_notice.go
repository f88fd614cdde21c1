package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/services/notices"
)

var noticeForms = []form{
	{"list", ""},
	{"show ID", ""},
	{"draft FILE|- as=EMAIL", "take a draft, as JSON"},
	{"preview ID as=EMAIL [lang=de] [send=yes]", "print it as somebody will get it; send=yes sends it to you"},
	{"approve ID REVISION as=EMAIL", "for exactly what was shown, by somebody who did not write it"},
	{"start|pause|resume|cancel ID as=EMAIL", ""},
	{"report ID", "who got it, who did not, and why"},
}

// noticeCommand writes to many from the shell. The draft is read here, where its
// file is.
func noticeCommand(ctx context.Context, args []string) error {
	i := slices.Index(args, "draft")
	if i >= 0 && i+1 < len(args) {
		var b []byte
		var err error
		if args[i+1] == "-" {
			b, err = io.ReadAll(io.LimitReader(os.Stdin, 1<<19))
		} else {
			b, err = os.ReadFile(args[i+1])
		}
		if err != nil {
			return fmt.Errorf("read draft: %w", err)
		}
		args = slices.Clone(args)
		args[i+1] = string(b)
	}
	return inHouse("notice")(ctx, args)
}

// notice carries out one command on notices. Who acts is said with as=, and the
// rules are those of the console: another person approves, an administrator.
func (h *house) notice(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 {
		args = []string{"list"}
	}
	if err := h.caughtUp(ctx); err != nil {
		return err
	}
	name, rest := args[0], args[1:]
	if name == "draft" && len(rest) > 0 { // its text may hold anything
		_, settings := parted(rest[1:])
		return h.draftNotice(ctx, rest[0], settings, out)
	}
	words, settings := parted(rest)
	switch {
	case name == "list" && len(words) == 0:
		return h.listNotices(ctx, out)
	case name == "show" && len(words) == 1:
		return h.showNotice(ctx, events.NoticeID(words[0]), out)
	case name == "report" && len(words) == 1:
		return h.reportNotice(ctx, events.NoticeID(words[0]), out)
	case name == "preview" && len(words) == 1:
		return h.previewNotice(ctx, events.NoticeID(words[0]), settings, out)
	case name == "approve" && len(words) == 2:
		seen, err := strconv.ParseInt(words[1], 10, 64)
		if err != nil {
			return misuse("%q is no revision", words[1])
		}
		return h.moveNotice(ctx, name, settings, out, func(c notices.Command) (notices.Done, error) {
			return h.notices.Approve(ctx, c, events.NoticeID(words[0]), seen)
		})
	case len(words) == 1:
		run := map[string]func(context.Context, notices.Command, events.NoticeID) (notices.Done, error){
			"start": h.notices.Start, "pause": h.notices.Pause, "resume": h.notices.Resume, "cancel": h.notices.Cancel,
		}[name]
		if run != nil {
			return h.moveNotice(ctx, name, settings, out, func(c notices.Command) (notices.Done, error) {
				return run(ctx, c, events.NoticeID(words[0]))
			})
		}
	}
	return misuse("that is nothing to do with a notice")
}

// noticeBy finds who acts; boss asks for an administrator.
func (h *house) noticeBy(ctx context.Context, settings map[string]string, boss bool) (notices.Command, events.Address, error) {
	if settings["as"] == "" {
		return notices.Command{}, events.Address{}, misuse("say who you are: as=you@example.com")
	}
	a, err := h.accounts.ByEmail(ctx, settings["as"])
	if err == nil && boss && a.Role != events.RoleAdmin {
		err = errors.New("only an administrator may do this")
	}
	return notices.Command{ID: events.NewUUID(), Agent: a.ID, At: time.Now()}, events.Address{Name: a.Name, Address: a.Email}, err
}

func (h *house) draftNotice(ctx context.Context, text string, settings map[string]string, out io.Writer) error {
	c, _, err := h.noticeBy(ctx, settings, false)
	if err != nil {
		return err
	}
	var d notices.Draft
	dec := json.NewDecoder(strings.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&d); err != nil {
		return fmt.Errorf("read draft: %w", err)
	}
	done, err := h.notices.Draft(ctx, c, d)
	var invalid *notices.InvalidError
	if errors.As(err, &invalid) {
		for _, field := range slices.Sorted(maps.Keys(invalid.Faults())) {
			if _, err := fmt.Fprintf(out, "%s: %s\n", field, invalid.Faults()[field]); err != nil {
				return err
			}
		}
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s drafted, revision %d\n", done.Notice, done.Revision)
	return err
}

func (h *house) moveNotice(ctx context.Context, name string, settings map[string]string, out io.Writer, do func(notices.Command) (notices.Done, error)) error {
	c, _, err := h.noticeBy(ctx, settings, name != "pause" && name != "cancel")
	if err != nil {
		return err
	}
	done, err := do(c)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s: %s, revision %d\n", done.Notice, name, done.Revision)
	return err
}

func (h *house) previewNotice(ctx context.Context, id events.NoticeID, settings map[string]string, out io.Writer) error {
	c, me, err := h.noticeBy(ctx, settings, false)
	if err != nil {
		return err
	}
	r, err := h.notices.Preview(ctx, id, me, settings["lang"])
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(out, "Language: %s\nFrom: %s <%s>\nSubject: %s\n\n%s\n", r.Language, r.From.Name, r.From.Address, r.Subject, r.Text); err != nil {
		return err
	}
	if settings["send"] != "yes" {
		return nil
	}
	done, err := h.notices.SendPreview(ctx, c, id, me, settings["lang"])
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "sent to %s as %s\n", me.Address, done.Outbound)
	return err
}

func (h *house) listNotices(ctx context.Context, out io.Writer) error {
	for after := ""; ; {
		page, err := h.noticeView.List(ctx, 100, after)
		if err != nil {
			return err
		}
		for _, n := range page.Items {
			if _, err := fmt.Fprintf(out, "%s  %-9s %-14s %6d  %s\n", n.ID, n.State, n.Kind, n.Recipients, n.Title); err != nil {
				return err
			}
		}
		if after = page.Next; after == "" {
			return nil
		}
	}
}

func (h *house) showNotice(ctx context.Context, id events.NoticeID, out io.Writer) error {
	n, err := h.noticeView.Get(ctx, id)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(out, "%s: %s, %s, revision %d, %d people on the list\n", n.Title, n.Kind, n.State, n.Revision, n.Recipients); err != nil {
		return err
	}
	for _, part := range []struct {
		what   string
		counts map[string]int64
	}{{"messages", n.Counts}, {"skipped", n.Skipped}} {
		for _, k := range slices.Sorted(maps.Keys(part.counts)) {
			if _, err := fmt.Fprintf(out, "%-9s %-22s %d\n", part.what, k, part.counts[k]); err != nil {
				return err
			}
		}
	}
	return nil
}

// reportNotice says of everybody on the list what became of their message: ids and
// codes, no addresses.
func (h *house) reportNotice(ctx context.Context, id events.NoticeID, out io.Writer) error {
	if err := h.showNotice(ctx, id, out); err != nil {
		return err
	}
	if _, err := fmt.Fprintln(out, "customer\tmessage\tstate\tdetail\tat"); err != nil {
		return err
	}
	for after := ""; ; {
		page, err := h.noticeView.Recipients(ctx, id, "", 200, after)
		if err != nil {
			return err
		}
		for _, r := range page.Items {
			if _, err := fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%s\n", r.Customer, r.Outbound, r.State, r.Detail, r.UpdatedAt.UTC().Format(time.RFC3339)); err != nil {
				return err
			}
		}
		if after = page.Next; after == "" {
			return nil
		}
	}
}
