package seal

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"

	"github.com/westshore/hub/events"
)

// A sealed file is, byte by byte:
//
//	0  1  format, 0x01
//	1  7  nonce prefix, random
//	8  …  chunks: AES-256-GCM of 65,536 bytes each, the last one of what is
//	      left (nothing, for an empty file), with its 16 bytes of tag
//
// This is the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár, "Online
// Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance", 2015): the
// nonce of a chunk is the prefix, the chunk's number (four bytes, big-endian)
// and 1 for the last chunk, 0 for every other. So chunks can't be swapped, cut
// off or added. The associated data of each chunk are the first 8 bytes.
//
// The key is HKDF-SHA-256 of the segment's key, with an info that names the
// file: event, field, index and key, each with its length before it.
const (
	chunkSize  = 64 << 10
	prefixSize = 7
	headSize   = 1 + prefixSize
	maxChunks  = 1<<32 - 1

	// inlineMax is the largest ciphertext that travels inside its event.
	inlineMax = 32 << 10
)

func blobKey(dek []byte, kid events.KID, at events.BlobAt) (cipher.AEAD, error) {
	info := make([]byte, 0, 128)
	for _, s := range []string{"ws-blob-1", string(at.Event[:]), at.Field, strconv.Itoa(at.Index), string(kid)} {
		info = binary.BigEndian.AppendUint32(info, uint32(len(s)))
		info = append(info, s...)
	}
	key, err := hkdf.Key(sha256.New, dek, nil, string(info), len(dek))
	if err != nil {
		return nil, fmt.Errorf("derive key of a file: %w", err)
	}
	defer clear(key)
	return newAEAD(key)
}

func chunkNonce(head []byte, n uint32, last bool) []byte {
	nonce := make([]byte, nonceSize)
	copy(nonce, head[1:headSize])
	binary.BigEndian.PutUint32(nonce[prefixSize:], n)
	if last {
		nonce[nonceSize-1] = 1
	}
	return nonce
}

// sealBlob makes the bytes above.
func sealBlob(dek, plain []byte, kid events.KID, at events.BlobAt) ([]byte, error) {
	aead, err := blobKey(dek, kid, at)
	if err != nil {
		return nil, err
	}
	chunks := max(1, (len(plain)+chunkSize-1)/chunkSize)
	if uint64(chunks) > maxChunks {
		return nil, fmt.Errorf("file of %d bytes is too large", len(plain))
	}
	out := make([]byte, headSize, headSize+len(plain)+chunks*tagSize)
	out[0] = format
	rand.Read(out[1:])
	for n := range chunks {
		part := plain[n*chunkSize : min(len(plain), (n+1)*chunkSize)]
		out = aead.Seal(out, chunkNonce(out, uint32(n), n == chunks-1), part, out[:headSize])
	}
	return out, nil
}

// openBlob returns the file, or ErrTamper.
func openBlob(dek, sealed []byte, size int64, kid events.KID, at events.BlobAt) ([]byte, error) {
	if len(sealed) < headSize+tagSize || sealed[0] != format {
		return nil, ErrTamper
	}
	aead, err := blobKey(dek, kid, at)
	if err != nil {
		return nil, err
	}
	head, rest := sealed[:headSize], sealed[headSize:]
	out := make([]byte, 0, len(rest))
	for n := uint32(0); ; n++ {
		take := min(len(rest), chunkSize+tagSize)
		last := take == len(rest)
		out, err = aead.Open(out, chunkNonce(head, n, last), rest[:take], head)
		if err != nil {
			return nil, ErrTamper
		}
		rest = rest[take:]
		if last {
			break
		}
	}
	if int64(len(out)) != size {
		return nil, ErrTamper
	}
	return out, nil
}

// digest names a ciphertext: 64 hexadecimal digits of its SHA-256.
func digest(sealed []byte) events.Hash {
	sum := sha256.Sum256(sealed)
	return events.Hash(hex.EncodeToString(sum[:]))
}
