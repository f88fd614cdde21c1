package accounts

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

// The cost of one password: OWASP's second recommendation for argon2id (19 MiB,
// two passes, one lane), about 25 ms on one core.
const (
	argonMemory = 19 * 1024 // KiB
	argonTime   = 2
	argonLanes  = 1
	saltLen     = 16
	hashLen     = 32
)

// Passwords have between these many characters. There is no rule about which.
const (
	minPassword = 10
	maxPassword = 256
)

// judge bounds how many passwords are worked on at once, and with it memory.
type judge struct {
	seats chan struct{}
	decoy string // hash that no password matches, for addresses nobody has
}

func newJudge(seats int) *judge {
	return &judge{seats: make(chan struct{}, seats), decoy: encode(randomBytes(saltLen), randomBytes(hashLen))}
}

// hash returns the PHC string of a password.
func (j *judge) hash(ctx context.Context, password string) (string, error) {
	if n := utf8.RuneCountInString(password); n < minPassword || n > maxPassword || !utf8.ValidString(password) {
		return "", &RefusedError{fmt.Sprintf("A password has %d to %d characters.", minPassword, maxPassword)}
	}
	if err := j.enter(ctx); err != nil {
		return "", err
	}
	defer j.leave()
	salt := randomBytes(saltLen)
	return encode(salt, derive(password, salt, argonTime, argonMemory, argonLanes)), nil
}

// matches compares a password with a PHC string; an empty one stands for an
// address nobody has and costs the same.
func (j *judge) matches(ctx context.Context, password, phc string) (bool, error) {
	known := phc != ""
	if !known {
		phc = j.decoy
	}
	if len(password) > 4*maxPassword {
		password = "" // too long to be anybody's, and not worth reading
	}
	salt, want, m, t, p, err := decode(phc)
	if err != nil {
		return false, err
	}
	if err := j.enter(ctx); err != nil {
		return false, err
	}
	defer j.leave()
	same := subtle.ConstantTimeCompare(derive(password, salt, t, m, p), want) == 1
	return same && known, nil
}

func (j *judge) enter(ctx context.Context) error {
	select {
	case j.seats <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait to check a password: %w", ctx.Err())
	}
}

func (j *judge) leave() { <-j.seats }

func derive(password string, salt []byte, t, m uint32, p uint8) []byte {
	return argon2.IDKey([]byte(norm.NFKC.String(password)), salt, t, m, p, hashLen)
}

func encode(salt, hash []byte) string {
	b := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonLanes, b.EncodeToString(salt), b.EncodeToString(hash))
}

func decode(phc string) (salt, hash []byte, m, t uint32, p uint8, err error) {
	parts := strings.Split(phc, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return nil, nil, 0, 0, 0, fmt.Errorf("read password hash: unknown scheme")
	}
	if _, err = fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &m, &t, &p); err != nil || m == 0 || t == 0 || p == 0 {
		return nil, nil, 0, 0, 0, fmt.Errorf("read password hash: malformed cost")
	}
	if salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err == nil {
		hash, err = base64.RawStdEncoding.DecodeString(parts[5])
	}
	if err != nil || len(hash) != hashLen {
		return nil, nil, 0, 0, 0, fmt.Errorf("read password hash: malformed")
	}
	return salt, hash, m, t, p, nil
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails, crypto/rand
	return b
}
