package vault

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"github.com/westshore/hub/events"
)

// Names of the secrets that rest in the vault. Everything else is derived.
const (
	secretPepper   = "pepper"   // keys the blind index
	secretInstance = "instance" // Secret and Hash are derived from it
)

// Hash returns the keyed hash of parts, 32 hexadecimal digits (128 bits): equal
// parts under one domain ("message-id", "content", …) give equal hashes, and
// nobody without the vault can make or test one. It does no input or output.
func (v *Vault) Hash(domain string, parts ...string) events.Hash {
	mac := hmac.New(sha256.New, v.hashKey)
	var n [8]byte
	for _, p := range append([]string{domain}, parts...) {
		binary.BigEndian.PutUint64(n[:], uint64(len(p)))
		mac.Write(n[:])
		mac.Write([]byte(p))
	}
	return events.Hash(hex.EncodeToString(mac.Sum(nil)[:16]))
}

// Secret returns 32 bytes that belong to name, the same for the life of the
// instance: for signing tokens and addresses. The caller keeps the slice.
func (v *Vault) Secret(name string) []byte { return derive(v.instance, "secret:"+name) }

// derive makes a key from a secret (HKDF-SHA-256, RFC 5869).
func derive(secret []byte, info string) []byte {
	key, err := hkdf.Key(sha256.New, secret, nil, "ws-vault-1:"+info, keySize)
	if err != nil {
		panic(fmt.Sprintf("derive key: %v", err)) // only for a length over 8160
	}
	return key
}
