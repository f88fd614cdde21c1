package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func write(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "hub.toml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestFlagsBeatEnvironmentBeatsFileBeatsDefault(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "pw")
	if err := os.WriteFile(secret, []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	file := write(t, `
brand = "File"
data = "file"
[http]
listen = "file:1"
trusted_proxies = ["10.0.0.1", "10.0.0.2"]
[[mailbox]]
address = "support@example.com"
host = "imap.example.com"
poll = "30s"
password_file = "`+secret+`"
[[mailbox]]
id = "sales"
address = "sales@example.com"
`)
	c, rest, err := load([]string{"--config", file, "--http.listen", "flag:1", "rest"},
		[]string{"HUB_BRAND=Env", "HUB_HTTP_LISTEN=env:1", "HUB_MAILBOX_1_HOST=env.example.com", "PATH=/bin", "HUB_REQUIRE=dovecot"})
	if err != nil {
		t.Fatal(err)
	}
	for name, pair := range map[string][2]string{
		"brand":          {c.Brand, "Env"},
		"data":           {c.Data, "file"},
		"listen":         {c.HTTP.Listen, "flag:1"},
		"proxies":        {strings.Join(c.HTTP.Proxies, " "), "10.0.0.1 10.0.0.2"},
		"ops":            {c.HTTP.Ops, "127.0.0.1:9090"},
		"first id":       {c.Mailbox[0].ID, "support"},
		"first password": {c.Mailbox[0].Password, "s3cret"},
		"first poll":     {c.Mailbox[0].Poll.String(), "30s"},
		"second host":    {c.Mailbox[1].Host, "env.example.com"},
		"rest":           {strings.Join(rest, " "), "rest"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s is %q, want %q", name, pair[0], pair[1])
		}
	}
	shown := strings.Join(c.describe(), "\n")
	if strings.Contains(shown, "s3cret") {
		t.Error("hub check shows a password")
	}
	for _, want := range []string{"flag --http.listen", "environment HUB_BRAND", "file " + file, "default"} {
		if !strings.Contains(shown, want) {
			t.Errorf("hub check does not name the source %q", want)
		}
	}
}

func TestMistakesNameTheKeyAndTheNearestOne(t *testing.T) {
	box := "[[mailbox]]\naddress = \"a@b.test\"\n"
	for name, c := range map[string]struct {
		toml string
		args []string
		env  []string
		want []string
	}{
		"unknown key":          {toml: "brnad = \"x\"", want: []string{`"brnad"`, `"brand"`}},
		"unknown key in table": {toml: "[http]\nlisten_on = \"x\"", want: []string{`"http.listen_on"`, `"http.listen"`}},
		"unknown in list":      {toml: box + "pasword_file = \"x\"", want: []string{"mailbox.0.pasword_file", "password_file"}},
		"unknown flag":         {args: []string{"--dta", "x"}, want: []string{`"dta"`, `"data"`}},
		"unknown environment":  {env: []string{"HUB_STORE_ULR=x"}, want: []string{"HUB_STORE_ULR", `"store.url"`}},
		"no number":            {toml: "[smtp]\nport = \"many\"", want: []string{"smtp.port", "a number"}},
		"no TOML":              {toml: "brand = ", want: []string{"line 1"}},
		"no address":           {toml: "[[mailbox]]\naddress = \"nobody\"", want: []string{"mailbox.0.address", "nobody"}},
		"twice the same id":    {toml: box + box, want: []string{"mailbox.1.id"}},
		"secret in the file":   {toml: box + "password = \"x\"", want: []string{"password_file"}},
		"secret as flag":       {args: []string{"--smtp.password", "x"}, want: []string{"secrets"}},
		"password in a flag":   {args: []string{"--store.url", "esdb://admin:changeit@a:2113"}, want: []string{"store.url", "secrets"}},
		"root key in a flag":   {args: []string{"--vault.root_url", "base64key://c2VjcmV0"}, want: []string{"vault.root_url", "secrets"}},
		"form to nowhere":      {toml: "[[form]]\nid = \"f\"\nmailbox = \"x\"", want: []string{"form.0.mailbox", `"x"`}},
		"missing secret file":  {toml: "[smtp]\npassword_file = \"/none\"", want: []string{"smtp.password_file"}},
		"a table as a value":   {toml: "http = \"x\"", want: []string{`"http"`}},
		"log level":            {toml: "[log]\nlevel = \"loud\"", want: []string{"log.level", "loud"}},
	} {
		args := append([]string{"--config", write(t, c.toml)}, c.args...)
		_, _, err := load(args, c.env)
		if err == nil {
			t.Errorf("%s was accepted", name)
			continue
		}
		for _, w := range c.want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %q does not say %s", name, err, w)
			}
		}
	}
}

func TestConnectionStringsAreShownWithoutTheirUsers(t *testing.T) {
	for in, want := range map[string]string{
		"esdb://admin:p@ss@a:2113": "esdb://(hidden)@a:2113", "base64key://c2VjcmV0": "base64key://(hidden)", "nats://a:4222": "nats://a:4222",
	} {
		if got := hide("url", in); got != want {
			t.Errorf("%s is shown as %s", in, got)
		}
	}
	if got := hide("url", "esdb://admin:changeit@a:2113,b:2113"); got != "esdb://(hidden)@a:2113,b:2113" {
		t.Error(got)
	}
}
