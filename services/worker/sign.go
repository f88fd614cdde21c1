package worker

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Headers of a webhook (Standard Webhooks 1.0.0, standardwebhooks.com). The
// signature is, for each secret, "v1," and the base64 of
//
//	HMAC-SHA256(secret, id "." timestamp "." body)
//
// separated by spaces. A receiver refuses a timestamp that is minutes away from
// its own clock and an id that it has seen.
const (
	HeaderID        = "webhook-id"
	HeaderTimestamp = "webhook-timestamp" // seconds since 1970
	HeaderSignature = "webhook-signature"
)

// minSecret is 24 bytes, as the standard asks for.
const minSecret = 24

// Secrets sign webhooks. Several at a time let a receiver change its own.
type Secrets [][]byte

// ParseSecrets reads secrets, one a line: "whsec_" and base64, newest first.
func ParseSecrets(s string) (out Secrets, err error) {
	for _, l := range strings.Fields(s) {
		b, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(l, "whsec_"))
		if err != nil || len(b) < minSecret || !strings.HasPrefix(l, "whsec_") {
			return nil, fmt.Errorf("read webhook secret: want whsec_ and the base64 of at least %d bytes", minSecret)
		}
		out = append(out, b)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("read webhook secret: there is none")
	}
	return out, nil
}

// Sign makes the signature header of a body.
func (s Secrets) Sign(id string, at time.Time, body []byte) string {
	out := make([]string, len(s))
	for i, secret := range s {
		m := hmac.New(sha256.New, secret)
		m.Write([]byte(id + "." + strconv.FormatInt(at.Unix(), 10) + "."))
		m.Write(body)
		out[i] = "v1," + base64.StdEncoding.EncodeToString(m.Sum(nil))
	}
	return strings.Join(out, " ")
}
