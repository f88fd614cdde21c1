package acceptance_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/westshore/hub/deploy/mailtest"
)

const chromium = "/usr/bin/chromium"

// browser opens a tab in a Chromium of its own. What its console complains about
// is a failure.
func browser(t *testing.T) context.Context {
	t.Helper()
	if _, err := exec.LookPath(chromium); err != nil {
		if mailtest.Required("chromium") {
			t.Fatalf("HUB_REQUIRE asks for it, but: %v", err)
		}
		t.Skipf("no browser: %v", err)
	}
	dir, err := os.MkdirTemp("", "chromium")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	var opts []chromedp.ExecAllocatorOption
	for _, flag := range []string{
		"headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking",
		"disable-component-update", "disable-sync", "disable-dev-shm-usage",
	} {
		opts = append(opts, chromedp.Flag(flag, true))
	}
	opts = append(opts, chromedp.ExecPath(chromium), chromedp.UserDataDir(dir), chromedp.Env("TMPDIR="+dir), chromedp.WindowSize(1360, 900))
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), opts...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx, chromedp.WithListener(func(e any) {
		switch e := e.(type) {
		case *runtime.EventExceptionThrown:
			t.Errorf("the page threw: %s %s", e.ExceptionDetails.Text, e.ExceptionDetails.URL)
		case *log.EventEntryAdded:
			// Before the login, asking who is logged in answers 401, rightly.
			if e.Entry.Level == log.EntryLevelError && !strings.Contains(e.Entry.Text, "401") {
				t.Errorf("the browser complains: %s %s", e.Entry.Text, e.Entry.URL)
			}
		}
	}))
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start browser: %v", err)
	}
	return ctx
}

// do runs steps in the browser, with patience; when they fail the log has what the
// page showed.
func do(ctx context.Context, t *testing.T, what string, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := chromedp.Do(limited, steps...); err != nil {
		again, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		text, _ := chromedp.Run(again, chromedp.Evaluate[string]("location.href + ': ' + document.body.innerText"))
		t.Fatalf("%s: %v; the page is %s", what, err, text)
	}
}

// An agent at the console sees a mail come in, answers it, and sees the customer
// answer, without ever loading the page again.
func TestConsole(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	o.start()
	o.hire()
	if status, page := get(t, o.url+"/"); status != 200 || !strings.Contains(page, "/assets/") {
		if mailtest.Required("chromium") {
			t.Fatalf("the console is not in this binary: GET / answers %d", status)
		}
		t.Skip("the console is not in this binary; build gateway/console/app first")
	}
	tab := browser(t)

	do(tab, t, "log in with a wrong password",
		chromedp.Navigate(o.url+"/"),
		chromedp.WaitVisible(chromedp.CSS(`input[name=email]`)),
		chromedp.SendKeys(chromedp.CSS(`input[name=email]`), o.email),
		chromedp.SendKeys(chromedp.CSS(`input[name=password]`), "wrong"+kb.Enter),
		chromedp.WaitVisible(`//*[@role="alert" and contains(., "Wrong address or password")]`),
	)
	do(tab, t, "log in",
		chromedp.Click(chromedp.CSS(`input[name=password]`)),
		chromedp.KeyEvent("a", chromedp.KeyModifiers(chromedp.ModifierCtrl)),
		chromedp.SendKeys(chromedp.CSS(`input[name=password]`), o.pass+kb.Enter),
		chromedp.WaitNotPresent(chromedp.CSS(`input[name=password]`)),
		chromedp.WaitReady(chromedp.CSS(`a[href^="/inbox/mine"]`)),
	)
	// Gone as soon as the page is loaded again.
	if _, err := chromedp.Run(tab, chromedp.Evaluate[bool]("window.loadedOnce = true")); err != nil {
		t.Fatal(err)
	}

	ask := &letter{from: "Alice Example <alice@cust.test>", to: "support@hub.test", subject: "Where is my parcel " + mark(), text: "I wait. " + mark()}
	sent := time.Now()
	post(t, o.mx(), ask)
	row := fmt.Sprintf(`//*[@role="row"]//a[contains(., %q)]`, ask.subject)
	do(tab, t, "see the request in the list", chromedp.WaitVisible(row))
	t.Logf("in the list %v after the mail was sent", time.Since(sent).Round(time.Millisecond))

	words := mark()
	do(tab, t, "answer it",
		chromedp.Click(row),
		chromedp.WaitVisible(fmt.Sprintf(`//article[contains(., %q)]`, ask.text)),
		chromedp.WaitVisible(chromedp.CSS(`textarea[aria-label^="Reply to"]`)),
		chromedp.SendKeys(chromedp.CSS(`textarea[aria-label^="Reply to"]`), "It left yesterday. "+words),
		chromedp.KeyEvent(kb.Enter, chromedp.KeyModifiers(chromedp.ModifierCtrl)),
		chromedp.WaitVisible(fmt.Sprintf(`//article[contains(., %q)]`, words)),
	)
	answer := o.inboxOf("alice@cust.test").with(t, words)
	first := o.ticketWith(ask.subject)
	if out := o.sent(first.ID, "accepted"); out.MessageID != answer.id() || answer.Get("In-Reply-To") != "<"+ask.id+">" {
		t.Errorf("outbox %+v; the mail:\n%s", out, answer.raw)
	}
	do(tab, t, "see that it was sent",
		chromedp.WaitVisible(fmt.Sprintf(`//article[contains(., %q) and contains(., "Sent")]`, words)),
	)

	again := &letter{from: "Alice Example <alice@cust.test>", to: address(t, answer.Get("Reply-To")), subject: "Re: " + ask.subject, text: "Thank you. " + mark()}
	sent = time.Now()
	post(t, o.mx(), again)
	do(tab, t, "see the customer answer",
		chromedp.WaitVisible(fmt.Sprintf(`//article[contains(., %q)]`, again.text)),
	)
	t.Logf("the customer's answer in the open ticket %v after it was sent", time.Since(sent).Round(time.Millisecond))
	if same, err := chromedp.Run(tab, chromedp.Evaluate[bool]("window.loadedOnce === true")); err != nil || !same {
		t.Errorf("the page was loaded again: %v, %v", same, err)
	}
}
