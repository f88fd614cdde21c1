package acceptance_test

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/westshore/hub/deploy/mailtest"
)

// needNode returns the path of node, or skips.
func needNode(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("node")
	if err != nil {
		if mailtest.Required("node") {
			t.Fatalf("HUB_REQUIRE asks for it, but: %v", err)
		}
		t.Skipf("no node: %v", err)
	}
	return path
}

// outside is an office whose mail is delivered by workers in other processes.
func outside(t *testing.T) *office {
	t.Helper()
	o := openOffice(t)
	o.secret("worker.token", rand.Text()+rand.Text())
	o.secret("hook.secret", "whsec_"+base64.StdEncoding.EncodeToString([]byte(rand.Text())))
	o.extend(fmt.Sprintf("[[worker]]\nname = \"mailer\"\ntoken_file = %q\nchannels = [\"email\"]\nfeed = true\n", o.file("worker.token")))
	o.args = append(o.args, "--smtp.outside=true", "--desk.acknowledge=false")
	o.start()
	o.hire()
	return o
}

// with starts a program of ours beside the hub, with further environment.
func (o *office) with(env []string, name string, args ...string) *process {
	o.t.Helper()
	for _, kv := range env {
		key, value, _ := strings.Cut(kv, "=")
		o.t.(*testing.T).Setenv(key, value)
	}
	return spawn(o.t, o.file(filepath.Base(name)+".log"), nil, name, args...)
}

// answered waits until an answer to a ticket is in a state.
func (o *office) answered(id, state string) {
	o.t.Helper()
	until(o.t, "an answer that is "+state, func() (bool, string) {
		all, err := list[outbound](o.hub, "/outbox")
		if err != nil {
			return false, err.Error()
		}
		have := ""
		for _, out := range all {
			if out.Ticket == id && out.Kind == "reply" {
				have += out.State + " "
			}
		}
		return have == state+" ", have
	})
}

// TestWorkersOutside: an answer is delivered by `hub worker smtp`, another process,
// and one by a worker in JavaScript; neither when there is no worker.
func TestWorkersOutside(t *testing.T) {
	node := needNode(t)
	o := outside(t)
	first, second := mark(), mark()
	for _, m := range []string{first, second} {
		l := &letter{from: "Alice <alice@cust.test>", to: "support@hub.test", subject: "Order " + m, text: "Please help."}
		if err := o.mail.Deliver("support@hub.test", l.raw()); err != nil {
			t.Fatal(err)
		}
	}
	one, two := o.ticketWith(first), o.ticketWith(second)
	if err := o.reply(one.ID, "by-smtp-"+first, false); err != nil {
		t.Fatal(err)
	}
	o.answered(one.ID, "sending") // claimed, and nobody comes for it
	if n := o.arrivedWith("by-smtp-" + first); n != 0 {
		t.Fatalf("%d copies arrived without a worker", n)
	}

	args := append([]string{"worker", "smtp", "--hub", o.url, "--token-file", o.file("worker.token")}, o.args...)
	smtp := o.with(nil, binary, args...)
	o.answered(one.ID, "accepted")
	until(t, "the answer at the customer", func() (bool, string) {
		n := o.arrivedWith("by-smtp-" + first)
		return n == 1, fmt.Sprintf("%d copies", n)
	})
	smtp.stop(t)

	folder := o.file("out")
	js := o.with([]string{"HUB=" + o.url, "TOKEN_FILE=" + o.file("worker.token"), "FOLDER=" + folder}, node, "../worker-example/worker.mjs")
	if err := o.reply(two.ID, "by-node-"+second, false); err != nil {
		t.Fatal(err)
	}
	o.answered(two.ID, "accepted")
	files, _ := filepath.Glob(filepath.Join(folder, "*"))
	if len(files) != 1 {
		t.Fatalf("%d files, want one message", len(files))
	}
	raw, err := os.ReadFile(files[0])
	if err != nil || !bytes.Contains(raw, []byte("by-node-"+second)) || !bytes.Contains(raw, []byte("\r\n")) {
		t.Errorf("the message: %v\n%.500s", err, raw)
	}
	js.stop(t)

	for _, path := range []string{"/worker/v1/next", "/worker/v1/results"} { // an agent's token opens nothing here
		req, err := http.NewRequestWithContext(t.Context(), "POST", o.url+path, strings.NewReader(`{"channel":"email"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+o.token)
		res, err := o.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s with an agent's token: %s", path, res.Status)
		}
	}
	o.stop(t)
}

// arrivedWith counts the mails at the customer that hold a text.
func (o *office) arrivedWith(text string) (n int) {
	o.t.Helper()
	mails, err := mailtest.ReadFolder(mailtest.Addr(o.mail.IMAP), "alice@cust.test", mailtest.Password, "INBOX")
	if err != nil {
		o.t.Fatal(err)
	}
	for _, m := range mails {
		if bytes.Contains(m.Raw, []byte(text)) {
			n++
		}
	}
	return n
}

// hooked is what the receiver in JavaScript believed.
type hooked struct {
	ID    string
	Event struct {
		Type, Subject, Position string
		Data                    struct {
			Ticket   string
			Revision int64
		}
	}
}

// receiver runs the example's receiver and collects what it prints.
type receiver struct {
	port string
	mu   sync.Mutex
	got  []hooked
}

func (o *office) receive(node string, refuse int) *receiver {
	o.t.Helper()
	cmd := exec.CommandContext(o.t.Context(), node, "../worker-example/receiver.mjs")
	cmd.Env = append(environ(), "SECRET_FILE="+o.file("hook.secret"), fmt.Sprintf("REFUSE=%d", refuse))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		o.t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		o.t.Fatal("the receiver says nothing")
	}
	r := &receiver{port: lines.Text()}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for lines.Scan() {
			var h hooked
			if json.Unmarshal(lines.Bytes(), &h) == nil {
				r.mu.Lock()
				r.got = append(r.got, h)
				r.mu.Unlock()
			}
		}
	}()
	o.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-done
		_ = cmd.Wait()
	})
	return r
}

// all is what came so far.
func (r *receiver) all() []hooked {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]hooked{}, r.got...)
}

// TestWebhooksAreSignedOrderedAndReplayed: a receiver in JavaScript checks every
// signature, refuses the first ones, and still gets every event of each ticket in
// order; a worker that was killed goes on, and can begin again.
func TestWebhooksAreSignedOrderedAndReplayed(t *testing.T) {
	node := needNode(t)
	o := outside(t)
	r := o.receive(node, 3)
	hook := func(more ...string) *process {
		args := append([]string{
			"worker", "webhook", "--hub", o.url, "--token-file", o.file("worker.token"), "--to", "http://127.0.0.1:" + r.port + "/hook",
			"--secret-file", o.file("hook.secret"), "--state", o.file("hook.place"), "--private",
		}, more...)
		return o.with(nil, binary, append(args, o.args...)...)
	}
	p := hook("--from", "start")
	m := mark()
	l := &letter{from: "Alice <alice@cust.test>", to: "support@hub.test", subject: "Order " + m, text: "secret-words"}
	if err := o.mail.Deliver("support@hub.test", l.raw()); err != nil {
		t.Fatal(err)
	}
	id := o.ticketWith(m).ID
	for i := range 5 {
		if err := o.call("POST", "/tickets/"+id+"/note", map[string]string{"text": fmt.Sprint("note ", i)}, nil); err != nil {
			t.Fatal(err)
		}
	}
	revisions := func() (out []int64) {
		for _, h := range r.all() {
			if h.Event.Data.Ticket == id {
				out = append(out, h.Event.Data.Revision)
			}
		}
		return out
	}
	told := func(kind string, n int) {
		t.Helper()
		until(t, "webhooks of "+kind, func() (bool, string) {
			have := 0
			for _, h := range r.all() {
				if h.Event.Data.Ticket == id && h.Event.Type == kind {
					have++
				}
			}
			return have >= n, fmt.Sprint(have)
		})
	}
	told("hub.TicketOpened", 1)
	told("hub.NoteAdded", 5)
	for i, rev := range revisions() {
		if int64(i) != rev {
			t.Errorf("out of order or twice: %v", revisions())
			break
		}
	}
	p.kill()
	if err := o.call("POST", "/tickets/"+id+"/resolve", nil, nil); err != nil {
		t.Fatal(err)
	}
	p = hook()
	told("hub.TicketResolved", 1)
	p.stop(t)
	before := len(r.all())
	p = hook("--replay", "--from", "start")
	told("hub.TicketResolved", 2)
	if n := len(r.all()); n < 2*before-before/2 {
		t.Errorf("%d webhooks after the replay, %d before", n, before)
	}
	p.stop(t)
	for _, h := range r.all() {
		if b, _ := json.Marshal(h); bytes.Contains(b, []byte("secret-words")) || bytes.Contains(b, []byte("alice")) || h.ID == "" {
			t.Errorf("a webhook says too much: %s", b)
		}
	}
	o.stop(t)
}
