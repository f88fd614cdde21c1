package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/westshore/hub/services/notifier"
)

var dkimForms = []form{
	{"make DOMAIN SELECTOR [DIR]", "make an rsa and an ed25519 key, and print their records"},
	{"check", "compare the records in the DNS with the keys of the configuration"},
}

// dkimCommand makes keys that sign outgoing mail and prints their DNS records, or
// compares what DNS says with the keys of the configuration.
func dkimCommand(ctx context.Context, args []string) error {
	verb := ""
	if len(args) > 0 {
		verb = args[0]
	}
	switch verb {
	case "make":
		return makeKeys(args[1:])
	case "check":
		return checkKeys(ctx, args[1:])
	}
	return misuse("make keys, or check them")
}

// makeKeys writes an rsa and an ed25519 key and prints what goes into DNS and into
// the configuration.
func makeKeys(args []string) error {
	if len(args) < 2 || len(args) > 3 || !validID(args[1]) || !strings.Contains(args[0], ".") {
		return misuse("a domain and a selector of lower-case letters, digits and dashes are needed")
	}
	domain, selector, dir := strings.ToLower(args[0]), args[1], "."
	if len(args) == 3 {
		dir = args[2]
	}
	for _, algorithm := range []string{"rsa", "ed25519"} {
		text, err := notifier.NewSigningKey(algorithm)
		if err != nil {
			return err
		}
		key, err := notifier.ParseSigningKey(text)
		if err != nil {
			return err
		}
		k := notifier.SigningKey{Domain: domain, Selector: selector + "-" + algorithm, Key: key}
		file := filepath.Join(dir, "dkim-"+domain+"-"+k.Selector+".pem")
		f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return fmt.Errorf("write key: %w", err)
		}
		_, err = f.Write(text)
		if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
			return fmt.Errorf("write key: %w", err)
		}
		name, value, err := k.Record()
		if err != nil {
			return err
		}
		fmt.Printf("; %s\n%s. IN TXT %s\n\n[[dkim]]\ndomain = %q\nselector = %q\nkey_file = %q\n\n", algorithm, name, quoted(value), domain, k.Selector, file)
	}
	return nil
}

// quoted splits a TXT value into strings of at most 255 bytes (RFC 1035 section
// 3.3.14).
func quoted(s string) string {
	var parts []string
	for len(s) > 255 {
		parts, s = append(parts, `"`+s[:255]+`"`), s[255:]
	}
	return strings.Join(append(parts, `"`+s+`"`), " ")
}

var errRecords = errors.New("DNS does not say what the keys are; receivers will not believe the signatures")

// checkKeys asks DNS for the record of every key of the configuration.
func checkKeys(ctx context.Context, args []string) error {
	cfg, rest, err := load(args, os.Environ())
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return misuse("%q is no flag", rest[0])
	}
	wrong := false
	for i, k := range cfg.DKIM {
		text, err := os.ReadFile(k.KeyFile)
		if err != nil {
			return fmt.Errorf("dkim.%d.key_file: %w", i, err)
		}
		key, err := notifier.ParseSigningKey(text)
		if err != nil {
			return fmt.Errorf("dkim.%d.key_file: %w", i, err)
		}
		name, want, err := notifier.SigningKey{Domain: k.Domain, Selector: k.Selector, Key: key}.Record()
		if err != nil {
			return err
		}
		said := "as it should be"
		got, err := net.DefaultResolver.LookupTXT(ctx, name)
		switch {
		case err != nil:
			wrong, said = true, "not there: "+err.Error()
		case strings.ReplaceAll(strings.Join(got, ""), " ", "") != strings.ReplaceAll(want, " ", ""):
			wrong, said = true, "another one"
		}
		fmt.Printf("%s: %s\n", name, said)
	}
	if wrong {
		return errRecords
	}
	return nil
}
