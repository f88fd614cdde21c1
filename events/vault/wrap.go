package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
)

const (
	keySize    = 32 // AES-256
	commitSize = 16
	kidSize    = 16
	nonceSize  = 12
	wrapSize   = nonceSize + keySize + 16
)

func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("make cipher: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("make cipher: %w", err)
	}
	return aead, nil
}

// wrap appends nonce, sealed key and tag to dst: 60 bytes for a 32-byte key.
// Nonces are random, so one wrapping key is good for 2^32 keys (NIST SP
// 800-38D 8.3), far more than an epoch sees.
func wrap(dst []byte, aead cipher.AEAD, key, aad []byte) []byte {
	at := len(dst)
	dst = append(dst, make([]byte, nonceSize)...)
	rand.Read(dst[at:])
	return aead.Seal(dst, dst[at:at+nonceSize], key, aad)
}

// unwrap opens what wrap made, into key.
func unwrap(key []byte, aead cipher.AEAD, wrapped, aad []byte) bool {
	if len(wrapped) != wrapSize || len(key) != keySize {
		return false
	}
	_, err := aead.Open(key[:0], wrapped[:nonceSize], wrapped[nonceSize:], aad)
	return err == nil
}

// commitment names a key without revealing it. AES-GCM does not commit to its
// key: without this, a ciphertext could be made that opens under two.
func commitment(dek []byte) [commitSize]byte {
	h := sha256.New()
	h.Write([]byte("ws-kc1"))
	h.Write(dek)
	var sum [sha256.Size]byte
	return [commitSize]byte(h.Sum(sum[:0])[:commitSize])
}

func committed(dek, commit []byte) bool {
	c := commitment(dek)
	return subtle.ConstantTimeCompare(c[:], commit) == 1
}
