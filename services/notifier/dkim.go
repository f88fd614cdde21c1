package notifier

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"github.com/emersion/go-msgauth/dkim"
)

// SigningKey is one DKIM key of a domain (RFC 6376, RFC 8463).
type SigningKey struct {
	Domain   string // "example.com", the domain of the From address
	Selector string // "hub2026a"; its record is at <selector>._domainkey.<domain>
	Key      crypto.Signer
}

// Signer signs outgoing mail with every key of the sender's domain: an rsa and an
// ed25519 one side by side, so that each receiver finds one it knows. A key is
// rotated by adding its successor, taking it out a week after its last message,
// and its record a week after that.
type Signer struct{ keys map[string][]SigningKey }

// signedFields are signed once more than they may occur, so that a second one,
// added on the way, breaks the signature (MAIL O15).
var signedFields = []string{
	"From", "Subject", "Date", "To", "Cc", "Reply-To", "Message-ID", "In-Reply-To", "References", "MIME-Version", "Content-Type",
	"List-Unsubscribe", "List-Unsubscribe-Post",
}

// NewSigner returns a signer; without keys it signs nothing.
func NewSigner(keys []SigningKey) (*Signer, error) {
	s := &Signer{keys: map[string][]SigningKey{}}
	for _, k := range keys {
		switch key := k.Key.(type) {
		case *rsa.PrivateKey:
			if key.N.BitLen() < 2048 {
				return nil, fmt.Errorf("dkim key %s of %s: %d bits, at least 2048", k.Selector, k.Domain, key.N.BitLen())
			}
		case ed25519.PrivateKey:
		default:
			return nil, fmt.Errorf("dkim key %s of %s: neither rsa nor ed25519", k.Selector, k.Domain)
		}
		if k.Domain == "" || k.Selector == "" {
			return nil, errors.New("dkim key: no domain or no selector")
		}
		domain := strings.ToLower(k.Domain)
		s.keys[domain] = append(s.keys[domain], k)
	}
	return s, nil
}

// Sign returns the message with its signatures in front. from is the address in
// From; a domain without keys leaves the message as it is. A nil Signer signs
// nothing.
func (s *Signer) Sign(from string, raw []byte) ([]byte, error) {
	if s == nil {
		return raw, nil
	}
	_, domain := split(strings.ToLower(from))
	fields := make([]string, 0, 2*len(signedFields))
	for _, f := range signedFields {
		if hasField(raw, f) {
			fields = append(fields, f)
		}
		fields = append(fields, f)
	}
	var heads []byte
	for _, k := range s.keys[domain] {
		signed, err := dkim.NewSigner(&dkim.SignOptions{
			Domain: domain, Selector: k.Selector, Signer: k.Key, Hash: crypto.SHA256, HeaderKeys: fields,
			HeaderCanonicalization: dkim.CanonicalizationRelaxed, BodyCanonicalization: dkim.CanonicalizationRelaxed,
		})
		if err != nil {
			return nil, fmt.Errorf("sign message: %w", err)
		}
		if _, err := signed.Write(raw); err != nil {
			return nil, fmt.Errorf("sign message: %w", err)
		}
		if err := signed.Close(); err != nil {
			return nil, fmt.Errorf("sign message: %w", err)
		}
		heads = append(heads, signed.Signature()...)
	}
	return append(heads, raw...), nil
}

// hasField reports whether the header has a field of the name.
func hasField(raw []byte, name string) bool {
	head, _, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
	want := strings.ToLower(name) + ":"
	for line := range bytes.SplitSeq(head, []byte("\r\n")) {
		if len(line) >= len(want) && strings.EqualFold(string(line[:len(want)]), want) {
			return true
		}
	}
	return false
}

// ParseSigningKey reads a private key from PEM (PKCS #8, or PKCS #1 for rsa).
func ParseSigningKey(text []byte) (crypto.Signer, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("read dkim key: not PEM")
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("read dkim key: not a private key")
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, errors.New("read dkim key: not a key that signs")
	}
	return signer, nil
}

// NewSigningKey makes a private key, "rsa" (2048 bits) or "ed25519", as PEM.
func NewSigningKey(algorithm string) ([]byte, error) {
	var key any
	var err error
	switch algorithm {
	case "rsa":
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	case "ed25519":
		_, key, err = ed25519.GenerateKey(rand.Reader)
	default:
		return nil, fmt.Errorf("make dkim key: %q is neither rsa nor ed25519", algorithm)
	}
	if err != nil {
		return nil, fmt.Errorf("make dkim key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("make dkim key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// Record is the DNS name and the TXT value by which receivers find the public key
// (RFC 6376 section 3.6.1, RFC 8463 section 3).
func (k SigningKey) Record() (name, value string, err error) {
	name = k.Selector + "._domainkey." + k.Domain
	switch public := k.Key.Public().(type) {
	case *rsa.PublicKey:
		der, err := x509.MarshalPKIXPublicKey(public)
		if err != nil {
			return "", "", fmt.Errorf("print dkim record: %w", err)
		}
		return name, "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(der), nil
	case ed25519.PublicKey:
		return name, "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(public), nil
	}
	return "", "", errors.New("print dkim record: neither rsa nor ed25519")
}
