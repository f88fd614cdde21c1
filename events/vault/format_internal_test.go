package vault

import (
	"bytes"
	"encoding/hex"
	"testing"
)

// What the first release wrote must be read for ever: these constants are never
// edited.
const (
	goldenCommit  = "e4e97226b0580ef0fd4f84be7a31b724"
	goldenDerived = "fb05de7f50f2317dcd0b5881dcf870f15fbde4aae18ecd4adea822d96ff539fc"
	goldenWrapped = "1a1b4bc303ed170d22c6d20c1f3f06f4952aadf4869fc5b55f76b07d5f1ca7feb15ab2e32239fb1731e82f6926f74c93e253167626d8f7f30904cf43"
)

func TestKeysOfTheFirstReleaseStillUnwrap(t *testing.T) {
	dek := bytes.Repeat([]byte{7}, keySize)
	if c := commitment(dek); hex.EncodeToString(c[:]) != goldenCommit {
		t.Errorf("commitment = %x, want %s", c, goldenCommit)
	}
	if d := hex.EncodeToString(derive(dek, "hash")); d != goldenDerived {
		t.Errorf("derived = %s, want %s", d, goldenDerived)
	}
	aead, err := newAEAD(bytes.Repeat([]byte{9}, keySize))
	if err != nil {
		t.Fatal(err)
	}
	wrapped, err := hex.DecodeString(goldenWrapped)
	if err != nil {
		t.Fatal(err)
	}
	var got [keySize]byte
	kid := bytes.Repeat([]byte{5}, kidSize)
	if !unwrap(got[:], aead, wrapped, kid) || !bytes.Equal(got[:], dek) {
		t.Error("the wrapped key does not open")
	}
	kid[0]++
	if unwrap(got[:], aead, wrapped, kid) {
		t.Error("a wrapped key opens under another name")
	}
}
