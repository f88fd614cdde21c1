package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"strconv"

	"github.com/westshore/hub/events"
)

// ErrTamper means that a ciphertext is not what was sealed in its place: it was
// changed or moved, or its key is not the one it names. It is an incident.
var ErrTamper = errors.New("sealed data do not belong where they are")

// A sealed segment is, byte by byte:
//
//	 0      1  format, 0x01
//	 1     12  nonce, random
//	13      n  AES-256-GCM under the segment's key of
//	             0  4  length of the text, big-endian
//	             4  …  the text: JSON of the segment's value
//	             …  …  zeros up to the padded size
//	13+n   16  tag
//
// The associated data are 32 bytes: the SHA-256 of what aad lists. The padded
// size n is Padmé's (Nikitin et al., "Reducing Metadata Leakage from Encrypted
// Files and Communication with PURBs", 2019) of 4 + length, and 64 at least:
// it tells the length only to within 12 percent.
const (
	format    = 0x01
	nonceSize = 12
	tagSize   = 16
	lenSize   = 4
	minPadded = 64
	overhead  = 1 + nonceSize + tagSize
)

// aad binds a ciphertext to its place: event, stream, segment and everything
// the segment table says of it in the clear. Each part has its length before
// it, as four bytes, big-endian.
func aad(env *events.Envelope, i int) []byte {
	ref := &env.Meta.Segments[i]
	buf := make([]byte, 0, 384)
	add := func(s string) {
		buf = binary.BigEndian.AppendUint32(buf, uint32(len(s)))
		buf = append(buf, s...)
	}
	add("ws-seal-1")
	add(strconv.Itoa(env.Meta.Version))
	add(string(env.Stream))
	add(string(env.ID[:]))
	add(env.Type)
	add(strconv.Itoa(i))
	add(string(ref.KID))
	add(string(ref.Subject))
	add(string(ref.Category))
	add(string(ref.Class))
	add(ref.Field)
	add(strconv.Itoa(len(ref.Purposes)))
	for _, p := range ref.Purposes {
		add(string(p))
	}
	sum := sha256.Sum256(buf)
	return sum[:]
}

// sealSegment makes the bytes above.
func sealSegment(dek, plain, aad []byte) ([]byte, error) {
	if uint64(len(plain)) > 1<<30 {
		return nil, fmt.Errorf("segment of %d bytes is too large", len(plain))
	}
	aead, err := newAEAD(dek)
	if err != nil {
		return nil, err
	}
	size := padded(lenSize + len(plain))
	padding := make([]byte, lenSize, size)
	binary.BigEndian.PutUint32(padding, uint32(len(plain)))
	padding = append(padding, plain...)[:size]
	defer clear(padding)
	out := make([]byte, 1+nonceSize, overhead+size)
	out[0] = format
	rand.Read(out[1:])
	return aead.Seal(out, out[1:1+nonceSize], padding, aad), nil
}

// openSegment returns the text, or ErrTamper.
func openSegment(dek, sealed, aad []byte) ([]byte, error) {
	if len(sealed) < overhead+minPadded || sealed[0] != format {
		return nil, ErrTamper
	}
	aead, err := newAEAD(dek)
	if err != nil {
		return nil, err
	}
	text, err := aead.Open(nil, sealed[1:1+nonceSize], sealed[1+nonceSize:], aad)
	if err != nil {
		return nil, ErrTamper
	}
	n := binary.BigEndian.Uint32(text)
	if uint64(n) > uint64(len(text)-lenSize) || len(text) != padded(lenSize+int(n)) {
		return nil, ErrTamper
	}
	return text[lenSize : lenSize+n], nil
}

// padded is Padmé: the size keeps only as many leading bits as it takes to
// write its exponent.
func padded(size int) int {
	if size <= minPadded {
		return minPadded
	}
	exponent := bits.Len(uint(size)) - 1
	mask := 1<<(exponent-bits.Len(uint(exponent))) - 1
	return (size + mask) &^ mask
}

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
