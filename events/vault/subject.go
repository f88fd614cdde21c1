package vault

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"

	"github.com/westshore/hub/events"
)

const kindEmail = 1

// domains maps a domain to its A-label (RFC 5891), leniently: mail comes from
// names that no registry would take.
var domains = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false))

// normalise gives an address the one form it is looked up by: trimmed, in
// Unicode's composed form, lower-case, the domain as an A-label. Two mailboxes
// that differ by case alone are one person (RFC 5321 2.4 would allow two).
func normalise(addr string) string {
	addr = strings.ToLower(norm.NFC.String(strings.TrimSpace(addr)))
	at := strings.LastIndexByte(addr, '@')
	if at < 0 {
		return addr
	}
	domain := strings.TrimSuffix(addr[at+1:], ".")
	if ascii, err := domains.ToASCII(domain); err == nil {
		domain = ascii
	}
	return addr[:at+1] + domain
}

// blindIndex is what stands for an address in the database. It is personal data
// still: whoever holds the pepper can test an address.
func (v *Vault) blindIndex(addr string) ([]byte, error) {
	n := normalise(addr)
	if n == "" || n == "@" {
		return nil, errors.New("an address is empty")
	}
	mac := hmac.New(sha256.New, v.pepper)
	mac.Write([]byte("email\x00"))
	mac.Write([]byte(n))
	return mac.Sum(nil), nil
}

// Subjects returns the person behind each address, in order. A person is made,
// with a random id, for an address nobody was known by. Two addresses that
// differ by case or by the spelling of an international domain are one.
func (v *Vault) Subjects(ctx context.Context, addrs []string) ([]events.SubjectID, error) {
	if v.gated.Load() {
		return nil, fmt.Errorf("resolve subjects: %w", ErrGated)
	}
	index := make([][]byte, len(addrs))
	for i, a := range addrs {
		var err error
		if index[i], err = v.blindIndex(a); err != nil {
			return nil, fmt.Errorf("resolve subjects: %w", err)
		}
	}
	known, err := resolve(ctx, v.r, index)
	if err != nil {
		return nil, explain("resolve subjects", err)
	}
	var unknown [][]byte
	for _, b := range index {
		if known[string(b)] == "" {
			unknown = append(unknown, b)
		}
	}
	if len(unknown) > 0 {
		var made map[string]events.SubjectID
		err := v.w.do(ctx, &job{run: func(ctx context.Context, w *writer) (err error) {
			made, err = v.makeSubjects(ctx, w, unknown)
			return err
		}})
		if err != nil {
			return nil, explain("resolve subjects", err)
		}
		for k, s := range made {
			known[k] = s
		}
	}
	out := make([]events.SubjectID, len(addrs))
	for i, b := range index {
		out[i] = known[string(b)]
	}
	return out, nil
}

// Lookup returns the person behind an address, if one is known by it.
func (v *Vault) Lookup(ctx context.Context, addr string) (events.SubjectID, bool, error) {
	b, err := v.blindIndex(addr)
	if err != nil {
		return "", false, fmt.Errorf("look up subject: %w", err)
	}
	known, err := resolve(ctx, v.r, [][]byte{b})
	s, ok := known[string(b)]
	return s, ok, explain("look up subject", err)
}

func resolve(ctx context.Context, q querier, index [][]byte) (map[string]events.SubjectID, error) {
	known := make(map[string]events.SubjectID, len(index))
	err := selectIn(ctx, q, "SELECT bidx, subject FROM ident WHERE bidx", index, func(r *sql.Rows) error {
		var bidx, subject []byte
		err := r.Scan(&bidx, &subject)
		known[string(bidx)] = events.SubjectID(hex.EncodeToString(subject))
		return err
	})
	return known, err
}

// makeSubjects looks once more, now that nobody else writes, and makes whoever
// is still unknown.
func (v *Vault) makeSubjects(ctx context.Context, w *writer, index [][]byte) (map[string]events.SubjectID, error) {
	known, err := resolve(ctx, w, index)
	if err != nil {
		return nil, err
	}
	for _, b := range index {
		if known[string(b)] != "" {
			continue
		}
		var id [16]byte
		rand.Read(id[:])
		if _, err := w.exec(ctx, "INSERT INTO subject (id, state, created_at) VALUES (?, 1, ?)", id[:], millis(v.now())); err != nil {
			return nil, err
		}
		if _, err := w.exec(ctx, "INSERT INTO ident (bidx, subject, kind, verified) VALUES (?, ?, ?, 0)", b, id[:], kindEmail); err != nil {
			return nil, err
		}
		known[string(b)] = events.SubjectID(hex.EncodeToString(id[:]))
	}
	return known, nil
}
