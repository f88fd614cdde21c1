package transfer

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/services/privacy/bundle"
)

// chains is the hash chain of every stream: each link is SHA-256 over the link
// before it and the event's id, type, data and metadata, each with its length.
type chains map[events.Stream][sha256.Size]byte

func (c chains) add(e *rawEvent) {
	h := sha256.New()
	link := c[e.Stream]
	h.Write(link[:])
	for _, part := range [][]byte{e.ID[:], []byte(e.Type), e.Data, e.Meta} {
		var n [4]byte
		binary.BigEndian.PutUint32(n[:], uint32(len(part)))
		h.Write(n[:])
		h.Write(part)
	}
	c[e.Stream] = [sha256.Size]byte(h.Sum(nil))
}

// root is the Merkle tree hash (RFC 6962 section 2.1) over the chains, by name.
func (c chains) root() string {
	var leaves [][]byte
	for _, s := range slices.Sorted(maps.Keys(c)) {
		link := c[s]
		leaves = append(leaves, append(append([]byte(s), 0), link[:]...))
	}
	return hex.EncodeToString(bundle.Tree(leaves))
}
