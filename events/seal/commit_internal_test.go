package seal

import (
	"bytes"
	"crypto/aes"
	"encoding/binary"
	"testing"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/vault"
)

// element is one of GF(2^128) as GCM has them (NIST SP 800-38D 6.3): the first
// bit of hi is the coefficient of 1.
type element struct{ hi, lo uint64 }

func load(b []byte) element {
	return element{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}
}

func (a element) bytes() []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, a.hi), a.lo)
}

func (a element) add(b element) element { return element{a.hi ^ b.hi, a.lo ^ b.lo} }

func (a element) mul(b element) (z element) {
	for i := range 128 {
		bit := a.hi >> (63 - i&63)
		if i >= 64 {
			bit = a.lo >> (127 - i)
		}
		if bit&1 == 1 {
			z = z.add(b)
		}
		carry := b.lo & 1
		b.lo, b.hi = b.lo>>1|b.hi<<63, b.hi>>1
		b.hi ^= carry * (0xe1 << 56)
	}
	return z
}

// inverse is a^(2^128-2).
func (a element) inverse() element {
	z := element{1 << 63, 0}
	for range 127 {
		a = a.mul(a)
		z = z.mul(a)
	}
	return z
}

// TestCiphertextThatOpensUnderTwoKeysIsTamper makes one: AES-GCM does not commit
// to its key. The commitment that stands beside the ciphertext tells the keys
// apart (F25, acceptance test 22).
//
// clause: S4
func TestCiphertextThatOpensUnderTwoKeysIsTamper(t *testing.T) {
	one, two := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
	env := goldenEnvelope()
	bound := aad(env, 0)
	nonce := bytes.Repeat([]byte{3}, nonceSize)

	// The tags of both keys agree for a ciphertext of four blocks when
	//   sum over i of block i . (H1^e(i) + H2^e(i)) = mask1 + mask2,
	// where the block numbers count the associated data and the lengths too; all
	// blocks are chosen freely but the last one, which is solved for.
	const blocks = 4
	hash := func(key []byte) (h, mask element) {
		block, err := aes.NewCipher(key)
		if err != nil {
			t.Fatal(err)
		}
		var b [16]byte
		block.Encrypt(b[:], b[:])
		h = load(b[:])
		counter := append(bytes.Clone(nonce), 0, 0, 0, 1)
		block.Encrypt(b[:], counter)
		return h, load(b[:])
	}
	lengths := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, uint64(len(bound)*8)), blocks*16*8)
	ghash := func(h element, ct []byte) (z element) {
		for _, part := range [][]byte{bound, ct, lengths} {
			for i := 0; i < len(part); i += 16 {
				z = z.add(load(part[i:])).mul(h)
			}
		}
		return z
	}
	h1, mask1 := hash(one)
	h2, mask2 := hash(two)
	ct := bytes.Repeat([]byte{9}, blocks*16)
	clear(ct[(blocks-1)*16:])
	off := ghash(h1, ct).add(mask1).add(ghash(h2, ct)).add(mask2)
	weight := h1.mul(h1).add(h2.mul(h2)) // the last block is multiplied twice
	copy(ct[(blocks-1)*16:], off.mul(weight.inverse()).bytes())
	sealed := append(append([]byte{format}, nonce...), ct...)
	sealed = append(sealed, ghash(h1, ct).add(mask1).bytes()...)
	for _, key := range [][]byte{one, two} {
		gcm, err := newAEAD(key)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := gcm.Open(nil, nonce, sealed[1+nonceSize:], bound); err != nil {
			t.Fatalf("the ciphertext does not open under both keys, so it proves nothing: %v", err)
		}
	}

	env.Sealed = [][]byte{sealed}
	env.Meta.Segments[0].Commit = bytes.Repeat([]byte{1}, 16) // of the first key
	second := vault.Result{State: events.Plain, DEK: [32]byte(two), Commit: bytes.Repeat([]byte{2}, 16)}
	opened, err := openEvent(events.Principal{Purpose: events.PurposeSupport}, env, []vault.Result{second})
	if err == nil || opened[0].State == events.Plain {
		t.Errorf("opened under the other key: %v, %v", opened[0].State, err)
	}
}
