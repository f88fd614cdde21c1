package scan

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
)

// prime is the Mersenne prime 2^61-1: the rolling hash is a polynomial over it
// whose point is the key's (Karp and Rabin, 1987).
const prime = 1<<61 - 1

// hasher rolls over a window of a fixed length.
type hasher struct {
	window int
	point  uint64
	out    [256]uint64 // what a byte weighs when it leaves the window
}

func newHasher(key []byte, window int) *hasher {
	sum := sha256.Sum256(append([]byte("rolling\x00"), key...))
	h := &hasher{window: window, point: binary.BigEndian.Uint64(sum[:])%(prime-256) + 256}
	top := uint64(1)
	for range window {
		top = mulmod(top, h.point)
	}
	for b := range h.out {
		h.out[b] = mulmod(top, uint64(b)+1)
	}
	return h
}

func mulmod(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return reduce(lo&prime + (lo>>61 | hi<<3))
}

// reduce brings a sum of two numbers below the prime, below it again.
func reduce(x uint64) uint64 {
	if x >= prime {
		x -= prime
	}
	return x
}

func (h *hasher) of(b []byte) (sum uint64) {
	for _, c := range b {
		sum = reduce(mulmod(sum, h.point) + uint64(c) + 1)
	}
	return sum
}

// filterBits is the size of the bitmap that nearly every window stops at.
const filterBits = 1 << 20

// matcher finds needles of one window length.
type matcher struct {
	*hasher
	filter [filterBits / 64]uint64
	byHash map[uint64][]int // into list
}

func newMatcher(n *Needles, window int) *matcher {
	m := &matcher{hasher: newHasher(n.Key, window), byHash: map[uint64][]int{}}
	for i, x := range n.List {
		if x.Window == window {
			m.byHash[x.Hash] = append(m.byHash[x.Hash], i)
			m.filter[x.Hash%filterBits/64] |= 1 << (x.Hash % 64)
		}
	}
	if len(m.byHash) == 0 {
		return nil
	}
	return m
}

// each calls hit for every window of b that a needle's window hashes to, with the
// offset of its first byte, from the given one on, in no particular order. It rolls
// over two halves at once, since one step has to wait for the one before.
func (m *matcher) each(b []byte, from int, hit func(at, needle int)) {
	w := m.window
	n := len(b) - w + 1 - from
	if n <= 0 {
		return
	}
	half := n / 2
	left, right := from, from+half
	l, r := m.of(b[left:left+w]), m.of(b[right:right+w])
	for i := range half {
		if m.may(l) {
			m.tell(left+i, l, hit)
		}
		if m.may(r) {
			m.tell(right+i, r, hit)
		}
		l = m.roll(l, b[left+i], b[left+i+w])
		if right+i+w < len(b) {
			r = m.roll(r, b[right+i], b[right+i+w])
		}
	}
	if n%2 == 1 && m.may(r) {
		m.tell(right+half, r, hit)
	}
}

func (m *matcher) may(h uint64) bool { return m.filter[h%filterBits/64]&(1<<(h%64)) != 0 }

func (m *matcher) tell(at int, h uint64, hit func(at, needle int)) {
	for _, i := range m.byHash[h] {
		hit(at, i)
	}
}

// roll moves a window on by one byte: h·point + in − out, below 2^63 throughout.
func (m *matcher) roll(h uint64, out, in byte) uint64 {
	hi, lo := bits.Mul64(h, m.point)
	x := lo&prime + (lo>>61 | hi<<3) + uint64(in) + 1 + prime - m.out[out]
	x = x&prime + x>>61
	if x >= prime {
		x -= prime
	}
	return x
}
