package forms

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"time"

	"github.com/westshore/hub/events"
)

// A stamp says when a page was made, so that a program that posts at once and a
// page kept for days are both seen. It is 40 bytes in base64url: 8 bytes
// big-endian Unix milliseconds, 16 random bytes, and the first 16 bytes of
// HMAC-SHA-256 over "form-stamp", the form's id and the first 24 bytes.
const stampLen = 40

const (
	minFill = 2 * time.Second
	maxFill = 24 * time.Hour
)

// Stamp returns a fresh stamp for a page of the form.
func (f *Forms) Stamp(form events.FormID) string {
	b := make([]byte, stampLen)
	binary.BigEndian.PutUint64(b, uint64(f.now().UnixMilli()))
	_, _ = rand.Read(b[8:24]) // never fails, crypto/rand
	copy(b[24:], f.sign(form, b[:24]))
	return base64.RawURLEncoding.EncodeToString(b)
}

// checkStamp returns a sentence when the stamp does not stand.
func (f *Forms) checkStamp(form events.FormID, stamp string) string {
	b, err := base64.RawURLEncoding.DecodeString(stamp)
	if err != nil || len(b) != stampLen || subtle.ConstantTimeCompare(b[24:], f.sign(form, b[:24])) != 1 {
		return "This page was not complete. Please check your message and send it again."
	}
	switch age := f.now().Sub(time.UnixMilli(int64(binary.BigEndian.Uint64(b)))); {
	case age < minFill:
		return "That was very quick. Please wait a moment and send it again."
	case age > maxFill:
		return "This page was open for more than a day. Please check your message and send it again."
	}
	return ""
}

func (f *Forms) sign(form events.FormID, b []byte) []byte {
	mac := hmac.New(sha256.New, f.secret)
	mac.Write([]byte("form-stamp\x00" + string(form) + "\x00"))
	mac.Write(b)
	return mac.Sum(nil)[:16]
}
