package erasure

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/vault"
)

// The tree over what was destroyed, as RFC 6962 section 2.1 builds it: a leaf is
// SHA-256(0 . kid . commitment . milliseconds . cause), a node SHA-256(1 . left .
// right); a node without a partner moves up as it is. Leaves are sorted by key.

func leaf(kid events.KID, commit []byte, at time.Time, cause string) []byte {
	h := sha256.New()
	_, _ = h.Write([]byte{0})
	_, _ = h.Write([]byte(kid))
	_, _ = h.Write(commit)
	_, _ = h.Write([]byte(at.UTC().Format("2006-01-02T15:04:05.000Z") + cause))
	return h.Sum(nil)
}

func node(a, b []byte) []byte {
	h := sha256.New()
	_, _ = h.Write([]byte{1})
	_, _ = h.Write(a)
	_, _ = h.Write(b)
	return h.Sum(nil)
}

func leaves(gone []Target, commits map[events.KID][]byte, at time.Time, cause string) [][]byte {
	gone = slices.SortedFunc(slices.Values(gone), func(a, b Target) int { return cmp.Compare(a.KID, b.KID) })
	out := make([][]byte, len(gone))
	for i, t := range gone {
		out[i] = leaf(t.KID, commits[t.KID], at, cause)
	}
	return out
}

func level(nodes [][]byte) [][]byte {
	var out [][]byte
	for i := 0; i < len(nodes); i += 2 {
		if i+1 == len(nodes) {
			out = append(out, nodes[i])
		} else {
			out = append(out, node(nodes[i], nodes[i+1]))
		}
	}
	return out
}

func merkleRoot(nodes [][]byte) events.Hash {
	if len(nodes) == 0 {
		return ""
	}
	for len(nodes) > 1 {
		nodes = level(nodes)
	}
	return events.Hash(hex.EncodeToString(nodes[0]))
}

// Proof shows that one key is among those a certificate's root covers.
type Proof struct {
	Leaf string   `json:"leaf"`
	Path []string `json:"path"` // "l:" or "r:" and the hash of the neighbour on that side
	Root string   `json:"root"`
}

// Check recomputes the root.
func (p Proof) Check() bool {
	at, err := hex.DecodeString(p.Leaf)
	for _, step := range p.Path {
		side, digits, _ := strings.Cut(step, ":")
		neighbour, bad := hex.DecodeString(digits)
		switch {
		case err != nil || bad != nil:
			return false
		case side == "l":
			at = node(neighbour, at)
		default:
			at = node(at, neighbour)
		}
	}
	return err == nil && hex.EncodeToString(at) == p.Root
}

func prove(nodes [][]byte, i int) Proof {
	p := Proof{Leaf: hex.EncodeToString(nodes[i]), Root: string(merkleRoot(nodes))}
	for ; len(nodes) > 1; nodes, i = level(nodes), i/2 {
		switch {
		case i%2 == 1:
			p.Path = append(p.Path, "l:"+hex.EncodeToString(nodes[i-1]))
		case i+1 < len(nodes):
			p.Path = append(p.Path, "r:"+hex.EncodeToString(nodes[i+1]))
		}
	}
	return p
}

// Prove makes the inclusion proof of one key of an erasure.
func (o *Office) Prove(ctx context.Context, id events.RequestID, kid events.KID) (Proof, error) {
	s, err := o.load(ctx, id)
	if err != nil {
		return Proof{}, err
	}
	if s.Destroyed == nil {
		return Proof{}, &Refusal{"not_destroyed", "Nothing was destroyed yet."}
	}
	s.Round = 0
	gone, err := o.gone(ctx, s)
	if err != nil {
		return Proof{}, err
	}
	commits, err := o.commitments(ctx, gone)
	if err != nil {
		return Proof{}, err
	}
	slices.SortFunc(gone, func(a, b Target) int { return cmp.Compare(a.KID, b.KID) })
	i := slices.IndexFunc(gone, func(t Target) bool { return t.KID == kid })
	if i < 0 {
		return Proof{}, ErrNotFound
	}
	return prove(leaves(gone, commits, s.DestroyedAt, vault.CauseSubject), i), nil
}

// commitments reads those of keys, dead or alive, from the events they seal.
func (o *Office) commitments(ctx context.Context, list []Target) (map[events.KID][]byte, error) {
	commits, had := map[events.KID][]byte{}, map[events.Stream]bool{}
	for _, t := range list {
		if had[t.Stream] {
			continue
		}
		had[t.Stream] = true
		history, err := o.j.Load(ctx, t.Stream, nil)
		if err != nil {
			return nil, err
		}
		for _, r := range history {
			for _, ref := range r.Meta.Segments {
				commits[ref.KID] = ref.Commit
			}
		}
	}
	return commits, nil
}
