package acceptance_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Mistakes in calling and configuring the hub end it with a code and a sentence
// that helps.
func TestMisuse(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	conf := func(text string) string {
		file := filepath.Join(dir, fmt.Sprintf("%x.toml", len(text)))
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	data := filepath.Join(dir, "data")
	for name, test := range map[string]struct {
		args []string
		env  string
		code int
		want []string
	}{
		"no such command":    {args: []string{"sevre"}, code: 2, want: []string{`"sevre"`, "serve"}},
		"unknown key":        {args: []string{"serve", "--data", data, "--config", conf("[http]\nlisen = \"127.0.0.1:0\"\n")}, code: 1, want: []string{"http.lisen", `"http.listen"`}},
		"unknown table key":  {args: []string{"serve", "--data", data, "--config", conf("[[mailbox]]\naddrss = \"a@hub.test\"\n")}, code: 1, want: []string{"addrss", `"mailbox.0.address"`}},
		"unknown flag":       {args: []string{"serve", "--data", data, "--http.listn", "127.0.0.1:0"}, code: 1, want: []string{"http.listn", `"http.listen"`}},
		"unknown variable":   {args: []string{"serve", "--data", data}, env: "HUB_HTTP_LISTN=127.0.0.1:0", code: 1, want: []string{"HUB_HTTP_LISTN", `"http.listen"`}},
		"not TOML":           {args: []string{"serve", "--data", data, "--config", conf("[http\n")}, code: 1, want: []string{"line 1"}},
		"no such file":       {args: []string{"serve", "--data", data, "--config", filepath.Join(dir, "none.toml")}, code: 1, want: []string{"none.toml"}},
		"not a number":       {args: []string{"serve", "--data", data, "--smtp.port", "many"}, code: 1, want: []string{"smtp.port", "number"}},
		"secret as a flag":   {args: []string{"serve", "--data", data, "--smtp.password", "geheim"}, code: 1, want: []string{"smtp.password", "environment"}},
		"secret in the file": {args: []string{"serve", "--data", data, "--config", conf("[smtp]\npassword = \"geheim\"\n")}, code: 1, want: []string{"smtp.password_file"}},
		"no such room":       {args: []string{"serve", "--data", data, "--rooms", "attic"}, code: 2, want: []string{"attic", "mailbox"}},
		"data is a file":     {args: []string{"serve", "--data", conf("")}, code: 1, want: []string{"data folder"}},
		"demo's flags":       {args: []string{"demo", "--data", data, "--prot", "0"}, code: 2, want: []string{"--prot"}},
		"node without data":  {args: []string{"node"}, code: 2, want: []string{"--data"}},
		"no such mail":       {args: []string{"mail", "parse", filepath.Join(dir, "none.eml")}, code: 1, want: []string{"none.eml"}},
	} {
		cmd := exec.CommandContext(t.Context(), binary, test.args...)
		cmd.Dir, cmd.Env = dir, append(environ(), test.env)
		out, _ := cmd.CombinedOutput()
		text := string(out)
		if code := cmd.ProcessState.ExitCode(); code != test.code {
			t.Errorf("%s: exit code %d, want %d: %s", name, code, test.code, text)
		}
		for _, want := range test.want {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no word of %s: %s", name, want, text)
			}
		}
		if strings.Contains(text, "geheim") {
			t.Errorf("%s: the secret is on the screen: %s", name, text)
		}
		if strings.Contains(text, "goroutine ") || strings.Contains(text, "panic") {
			t.Errorf("%s: a stack is no explanation: %s", name, text)
		}
	}
}

// A second hub on the same data folder is told so, and harms nothing.
func TestSecondProcess(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	for _, args := range [][]string{
		{"demo", "--json", "--port", "0", "--data", d.data},
		{"serve", "--data", d.data, "--http.listen", "127.0.0.1:0", "--http.ops", ""},
	} {
		if out := command(t, 1, args...); !strings.Contains(out, "another hub is using this data folder") {
			t.Errorf("hub %s: %s", args[0], out)
		}
	}
	busy := strings.TrimPrefix(d.url, "http://")
	if out := command(t, 1, "serve", "--data", filepath.Join(d.dir, "other"), "--http.listen", busy, "--http.ops", ""); !strings.Contains(out, busy) {
		t.Errorf("a taken port is not named: %s", out)
	}
	l := &letter{from: "ada@customer.test", to: d.Support, subject: "Still there " + mark(), text: mark()}
	post(t, d.SMTP, l)
	d.ticketWith(l.subject)

	for _, token := range []string{"", "hub_wrong", d.token + "x"} {
		h := *d.hub
		h.token = token
		if err := h.call("GET", "/tickets", nil, nil); err == nil || !strings.HasPrefix(err.Error(), "401 unauthenticated") {
			t.Errorf("token %q: %v", token, err)
		}
	}
	// From twenty wrong passwords on, at the latest, a guesser has to wait.
	limited := false
	for range 20 {
		h := *d.hub
		h.token = ""
		err := h.call("POST", "/session", map[string]string{"email": d.Login, "password": "wrong"}, nil)
		if err == nil {
			t.Fatal("a wrong password was taken")
		}
		if limited = strings.HasPrefix(err.Error(), "429"); limited {
			break
		}
		if !strings.Contains(err.Error(), "Wrong address or password.") {
			t.Errorf("a wrong password: %v", err)
		}
	}
	if !limited {
		t.Error("twenty wrong passwords, and no limit")
	}

	before := len(must[[]ticket](d.hub)(list[ticket](d.hub, "/tickets?view=all")))
	d.process.stop(t)
	d.start()
	if after := len(must[[]ticket](d.hub)(list[ticket](d.hub, "/tickets?view=all"))); after != before {
		t.Errorf("%d tickets before the restart, %d after", before, after)
	}
	d.process.stop(t)
}
