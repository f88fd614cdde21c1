package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/smtp"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/westshore/hub/deploy/sandbox"
	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/gateway"
	"github.com/westshore/hub/projections/search"
	"github.com/westshore/hub/projections/tickets"
	"github.com/westshore/hub/services/desk"
	"github.com/westshore/hub/services/privacy/erasure"
	"github.com/westshore/hub/services/privacy/scan"
)

// The erasure drill (PRIVACY 0.15): a synthetic customer goes through the real
// doors of a private hub in this process, is answered, and erased; then every byte
// of every store, the log file and the search index are searched for everything
// the customer ever wrote.

// drillResult is what a drill found. Failures is empty when all is well.
type drillResult struct {
	Canaries int
	Sealed   scan.Report // before the erasure, in places where no text may ever stand
	Before   scan.Report
	After    scan.Report
	Stopped  scan.Report // once more, when the hub was shut down
	State    *erasure.State
	Took     time.Duration
	Failures []string
}

func (d *drillResult) fail(format string, a ...any) {
	d.Failures = append(d.Failures, fmt.Sprintf(format, a...))
}

// drilled is the private hub of a drill.
type drilled struct {
	*house
	box  *sandbox.Sandbox
	url  string
	keys demoKeys
	stop func() error
}

// startDrill builds the hub below a folder, with its mail system beside it.
func startDrill(ctx context.Context, dir string) (*drilled, error) {
	cfg, err := demoConfig(ctx, map[string]string{"data": filepath.Join(dir, "data"), "port": "0", "log.level": "debug"})
	if err != nil {
		return nil, err
	}
	out, err := os.OpenFile(filepath.Join(dir, "log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	log := slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	h, err := build(ctx, cfg, log)
	if err != nil {
		return nil, errors.Join(err, out.Close())
	}
	h.scanAlso = []string{out.Name()}
	d := &drilled{house: h}
	if d.keys, err = h.demoKeys(ctx); err == nil {
		d.box, err = sandbox.Start(ctx, sandbox.Config{Dir: filepath.Join(dir, "mail"), Password: d.keys.Mail, Logger: log})
	}
	if err == nil {
		err = h.pointAt(d.box, d.keys)
	}
	if err != nil {
		h.close()
		return nil, errors.Join(err, out.Close())
	}
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ready, ended := make(chan string, 1), make(chan error, 1)
	go func() { ended <- h.run(run, roomNames, func(g *gateway.Gateway) { ready <- g.URL() }) }()
	d.stop = func() error {
		cancel()
		err := <-ended
		h.close()
		return errors.Join(err, d.box.Stop(context.WithoutCancel(ctx)), out.Close())
	}
	select {
	case d.url = <-ready:
		return d, nil
	case err := <-ended:
		ended <- err
		return nil, errors.Join(fmt.Errorf("start drill: %w", err), d.stop())
	}
}

// drill runs the whole drill below a folder, which it fills and leaves.
func drill(ctx context.Context, dir string) (*drillResult, error) {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	d, err := startDrill(ctx, dir)
	if err != nil {
		return nil, err
	}
	r := &drillResult{}
	victim, witness := newCanaries("victim"), newCanaries("witness")
	err = d.drill(ctx, r, victim, witness)
	if err = errors.Join(err, d.stop()); err != nil {
		return r, fmt.Errorf("drill: %w", err)
	}
	r.Stopped, err = scan.Run(ctx, scan.Config{
		Root: d.cfg.Data, Register: d.register(), Needles: victim.needles(), Control: witness.needles(), Extra: d.scanAlso,
	})
	d.judge(r, "after the hub was shut down", r.Stopped)
	r.Took = time.Since(began)
	return r, err
}

func (d *drilled) drill(ctx context.Context, r *drillResult, victim, witness *canaries) error {
	if err := d.write(ctx, victim, witness); err != nil {
		return err
	}
	list, err := d.arrived(ctx, 7)
	if err != nil {
		return err
	}
	if err := d.answer(ctx, list, victim); err != nil {
		return err
	}
	r.Canaries = len(victim.words)
	if r.Before, err = d.scan(ctx, victim.needles(), witness.needles()); err != nil {
		return err
	}
	d.judgeBefore(r)
	who, known, err := d.vault.Lookup(ctx, victim.address)
	if err != nil || !known {
		return errors.Join(err, erasure.ErrNobody)
	}
	// The requester writes from another address, so that every trace of the
	// customer's own counts.
	id, err := d.erasure.Open(ctx, journal.By{Command: events.NewUUID(), Actor: shellActor}, erasure.Opening{
		Customer: who, Contact: events.Address{Address: "requester@lawyer.test"}, Channel: "shell", Verified: true,
	})
	if err != nil {
		return err
	}
	s, err := d.erasure.Await(ctx, id, func(s *erasure.State) bool { return s.Scope != nil })
	if err != nil {
		return err
	}
	if err := d.erasure.Approve(ctx, journal.By{Command: events.NewUUID(), Actor: shellActor}, id, s.Scope.Digest); err != nil {
		return err
	}
	r.State, err = d.erasure.Await(ctx, id, func(s *erasure.State) bool { return s.Phase() == erasure.Horizon || s.Phase() == erasure.Failed })
	if err != nil {
		return err
	}
	if err := d.caughtUp(ctx); err != nil {
		return err
	}
	if r.After, err = d.scan(ctx, victim.needles(), witness.needles()); err != nil {
		return err
	}
	d.judge(r, "after the erasure", r.After)
	return d.judgeViews(ctx, r, list, victim, witness)
}

// write sends the customer's mails and forms, and what goes wrong on the way.
func (d *drilled) write(ctx context.Context, victim, witness *canaries) error {
	mails, err := victim.mails(demoAddress)
	if err != nil {
		return err
	}
	for _, m := range mails {
		if err := smtp.SendMail(d.box.SMTPAddr(), nil, victim.address, []string{demoAddress}, m); err != nil {
			return fmt.Errorf("send mail: %w", err)
		}
	}
	plain := fmt.Sprintf("From: %s <%s>\r\nTo: %s\r\nSubject: About %s\r\n\r\nI am %s and I stay.\r\n",
		witness.word("name"), witness.address, demoAddress, witness.word("subject"), witness.word("text"))
	if err := smtp.SendMail(d.box.SMTPAddr(), nil, witness.address, []string{demoAddress}, []byte(plain)); err != nil {
		return fmt.Errorf("send mail: %w", err)
	}
	for _, bad := range []bool{false, true} {
		if err := d.submit(ctx, victim, bad); err != nil {
			return err
		}
	}
	return d.stumble(ctx, victim)
}

// submit sends the form, with a query and a file; a bad one is refused.
func (d *drilled) submit(ctx context.Context, c *canaries, bad bool) error {
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	fields := map[string]string{
		"name": c.word("form name"), "email": c.address, "subject": "Form " + c.word("form subject"),
		"message": "From the form: " + c.word("form message"), "order": c.word("form field"),
	}
	if bad {
		fields["email"] = "no address " + c.word("bad address")
	}
	for k, v := range fields {
		if err := w.WriteField(k, v); err != nil {
			return err
		}
	}
	f, err := w.CreateFormFile("file", c.word("form file name")+".txt")
	if err == nil {
		_, err = io.WriteString(f, "in the file: "+c.word("form file"))
	}
	if err = errors.Join(err, w.Close()); err != nil {
		return err
	}
	status, err := d.request(ctx, http.MethodPost, "/f/"+demoForm+"?ref="+url.QueryEscape(c.word("form query")), w.FormDataContentType(), &body)
	if err == nil && (status >= 400) != bad {
		err = fmt.Errorf("the form was answered with %d", status)
	}
	return err
}

// stumble makes the API fail with the customer's words in its input.
func (d *drilled) stumble(ctx context.Context, c *canaries) error {
	for _, x := range []struct{ method, path, body string }{
		{http.MethodGet, "/api/v1/tickets?q=" + c.word("search") + "&limit=" + c.word("limit"), ""},
		{http.MethodGet, "/api/v1/tickets/" + c.word("path"), ""},
		{http.MethodPost, "/api/v1/tickets/" + c.word("ticket id") + "/reply", `{"text": "` + c.word("json") + `", ` + c.word("no json")},
		{http.MethodPost, "/api/v1/session", `{"email":"` + c.word("login") + `","password":"` + c.word("password") + `"}`},
		{http.MethodPost, "/f/" + c.word("form id"), c.word("form body")},
	} {
		if _, err := d.request(ctx, x.method, x.path, "application/json", strings.NewReader(x.body)); err != nil {
			return err
		}
	}
	return nil
}

func (d *drilled) request(ctx context.Context, method, path, kind string, body io.Reader) (int, error) {
	req, err := http.NewRequestWithContext(ctx, method, d.url+path, body)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", kind)
	req.Header.Set("Accept", "application/json")
	if strings.HasPrefix(path, "/api/") {
		req.Header.Set("Authorization", "Bearer "+d.keys.Token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", method, err)
	}
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, errors.Join(err, res.Body.Close())
}

// arrived waits until so many messages are tickets or wait in quarantine.
func (d *drilled) arrived(ctx context.Context, want int) ([]tickets.Ticket, error) {
	for {
		changed := d.feed.Changed()
		list, err := d.tickets.List(ctx, tickets.ListQuery{View: tickets.ViewAll, Limit: 50})
		if err != nil {
			return nil, err
		}
		held, err := d.tickets.Quarantine(ctx, tickets.QuarantineQuery{Limit: 50})
		if err != nil {
			return nil, err
		}
		in := len(held.Items)
		for _, t := range list.Tickets {
			c, err := d.tickets.Read(ctx, drillAgent, string(t.ID))
			if err != nil {
				return nil, err
			}
			for _, m := range c.Messages {
				if m.Kind == tickets.Inbound {
					in++
				}
			}
		}
		if in >= want-1 {
			return list.Tickets, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, fmt.Errorf("%d of %d messages arrived: %w", in, want, ctx.Err())
		}
	}
}

var drillAgent = events.Principal{Actor: "agent:drill", Role: events.RoleAgent, Purpose: events.PurposeSupport}

// answer replies to every ticket of the customer, with a word of the customer's,
// adds a note, and waits until the mail server has it all.
func (d *drilled) answer(ctx context.Context, list []tickets.Ticket, c *canaries) error {
	me, err := d.accounts.ByEmail(ctx, d.keys.Email)
	if err != nil {
		return err
	}
	for _, t := range list {
		if t.Customer.Address != c.address {
			continue
		}
		cmd := func() desk.Command { return desk.Command{ID: events.NewUUID(), Agent: me.ID, At: time.Now()} }
		if _, err := d.desk.Reply(ctx, cmd(), desk.Reply{Ticket: t.ID, Text: "Dear customer, we read " + c.word("reply") + " and will see."}); err != nil {
			return fmt.Errorf("reply: %w", err)
		}
		if _, err := d.desk.Note(ctx, cmd(), t.ID, "Look at "+c.word("note")); err != nil {
			return fmt.Errorf("note: %w", err)
		}
	}
	for {
		changed := d.feed.Changed()
		counts, err := d.outbox.Counts(ctx)
		if err != nil {
			return err
		}
		if counts["queued"]+counts["sending"] == 0 && counts["accepted"] > 1 {
			return d.caughtUp(ctx)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("wait for the outbox: %w", ctx.Err())
		}
	}
}

// judgeBefore wants the words where people read them, and nowhere else: not in
// the log, the bus, the files or the output, not even before the erasure.
func (d *drilled) judgeBefore(r *drillResult) {
	reg := d.register()
	for _, h := range r.Before.Hits {
		i := slices.IndexFunc(reg, func(p scan.Place) bool { return p.ID == h.Store })
		if plain := i >= 0 && reg[i].Kind == scan.Plaintext || h.Store == "search:words"; !plain {
			r.fail("before the erasure, %s stood in %s (%s, %s)", h.Needle, h.Store, h.Path, h.Form)
		}
	}
	if r.Before.HitsIn("view:tickets") == 0 || r.Before.HitsIn("view:search") == 0 {
		r.fail("the scan did not see the customer in the views")
	}
	for _, f := range r.Before.Unknown {
		r.fail("%s is not on the store register", f)
	}
}

// judge wants nothing of the customer, and the witness.
func (d *drilled) judge(r *drillResult, when string, report scan.Report) {
	for _, h := range report.Hits {
		r.fail("%s, %s stands in %s (%s, %s)", when, h.Needle, h.Store, h.Path, h.Form)
	}
	for _, f := range report.Unknown {
		r.fail("%s, %s is not on the store register", when, f)
	}
	if report.Control != "found" {
		r.fail("%s, the scan did not find the one who stays", when)
	}
}

// judgeViews asks through the doors that agents use.
func (d *drilled) judgeViews(ctx context.Context, r *drillResult, list []tickets.Ticket, victim, witness *canaries) error {
	if s := r.State; s.Phase() != erasure.Horizon || s.Certificate == "" || s.Result.Hits != 0 {
		r.fail("the erasure is %s: %+v", s.Phase(), s.Result)
	}
	for _, word := range victim.words {
		res, err := d.search.Search(ctx, search.Query{Text: word})
		if err != nil {
			return err
		}
		if len(res.Hits) > 0 {
			r.fail("search still finds the customer")
		}
	}
	if res, err := d.search.Search(ctx, search.Query{Text: witness.word("subject")}); err != nil || len(res.Hits) != 1 {
		r.fail("search does not find the one who stays (%v)", err)
	}
	for _, t := range list {
		c, err := d.tickets.Read(ctx, drillAgent, string(t.ID))
		if err != nil {
			return err
		}
		if t.Customer.Address != victim.address {
			continue
		}
		if c.Ticket.Number != t.Number || !c.Ticket.Erased || c.Ticket.Subject != "" || c.Ticket.Customer.Address != "" {
			r.fail("ticket %d shows more than its number", t.Number)
		}
		for _, m := range c.Messages {
			if m.Kind != tickets.Auto && (m.State != events.Erased || m.Text != "") {
				r.fail("a message of ticket %d is %s", t.Number, m.State)
			}
		}
	}
	return nil
}

// drillCommand runs a drill in a temporary folder, or below the one that is named.
func (h *house) drillCommand(ctx context.Context, args []string, out io.Writer) error {
	parent := ""
	if len(args) == 1 && filepath.IsAbs(args[0]) {
		parent = args[0]
	} else if len(args) > 0 {
		return misuse("say: privacy drill [/FOLDER]")
	}
	dir, err := os.MkdirTemp(parent, "hub-drill-")
	if err != nil {
		return err
	}
	r, err := drill(ctx, dir)
	if err = errors.Join(err, os.RemoveAll(dir)); err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d words of a synthetic customer, found %d times before and %d times after the erasure, in %d files and %d bytes; %.1f s\n",
		r.Canaries, len(r.Before.Hits), len(r.After.Hits)+len(r.Stopped.Hits), r.After.Files, r.After.Bytes, r.Took.Seconds())
	for _, f := range r.Failures {
		b.WriteString("FAILED: " + f + "\n")
	}
	if _, err := io.WriteString(out, b.String()); err != nil {
		return err
	}
	if len(r.Failures) > 0 {
		return errUnclean
	}
	return nil
}
