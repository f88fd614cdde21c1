package scan

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
)

// prime is the Mersenne prime 2^61-1: the hash of a window is a polynomial over it
// whose point is the key's (Karp and Rabin, 1987).
const prime = 1<<61 - 1

// sieveBits is the width of a window's place in the largest sieve.
const sieveBits = 22

// hasher hashes windows of a fixed length, eight bytes or sixteen.
type hasher struct {
	window int
	point  uint64
	odd    [2]uint64 // multipliers of the sieve
}

func newHasher(key []byte, window int) *hasher {
	sum := sha256.Sum256(append([]byte("window\x00"), key...))
	word := func(i int) uint64 { return binary.BigEndian.Uint64(sum[8*i:]) }
	return &hasher{window: window, point: word(0)%(prime-256) + 256, odd: [2]uint64{word(1) | 1, word(2) | 1}}
}

// of is the hash of a window.
func (h *hasher) of(b []byte) (sum uint64) {
	for _, c := range b {
		hi, lo := bits.Mul64(sum, h.point)
		sum = lo&prime + (lo>>61 | hi<<3)
		if sum >= prime {
			sum -= prime
		}
		if sum += uint64(c) + 1; sum >= prime {
			sum -= prime
		}
	}
	return sum
}

// place is where a window falls in the sieve (multiply and shift, Dietzfelbinger
// et al., 1997): it is cheaper than rolling a hash over every byte.
func (h *hasher) place(b []byte) uint32 {
	x := binary.LittleEndian.Uint64(b) * h.odd[0]
	if h.window == longWindow {
		x += binary.LittleEndian.Uint64(b[8:]) * h.odd[1]
	}
	return uint32(x >> (64 - sieveBits))
}

// matcher finds needles of one window length.
type matcher struct {
	*hasher
	// sieve is a map of bits that nearly every window falls through. Its size keeps
	// it sparse, and in the processor's cache.
	sieve  []uint64
	width  int              // of a place in it
	byHash map[uint64][]int // into list
}

func newMatcher(n *Needles, window int) *matcher {
	m := &matcher{hasher: newHasher(n.Key, window), byHash: map[uint64][]int{}}
	var places []uint32
	for i, x := range n.List {
		if x.Window == window {
			m.byHash[x.Hash] = append(m.byHash[x.Hash], i)
			places = append(places, x.Place)
		}
	}
	if len(places) == 0 {
		return nil
	}
	m.width = min(sieveBits, bits.Len(uint(len(places)*64-1)))
	m.sieve = make([]uint64, 1<<m.width/64)
	for _, p := range places {
		p >>= sieveBits - m.width
		m.sieve[p/64] |= 1 << (p % 64)
	}
	return m
}

// each calls hit for every window of b, from an offset on, that a needle's window
// hashes to, with the offset of its first byte.
func (m *matcher) each(b []byte, from int, hit func(at, needle int)) {
	sieve, shift, one, two := m.sieve, uint(64-m.width)&63, m.odd[0], m.odd[1]
	if m.window == shortWindow {
		for i := from; i+shortWindow <= len(b); i++ {
			x := binary.LittleEndian.Uint64(b[i:]) * one >> shift
			if sieve[x/64]&(1<<(x%64)) != 0 {
				m.tell(b, i, hit)
			}
		}
		return
	}
	for i := from; i+longWindow <= len(b); i++ {
		x := (binary.LittleEndian.Uint64(b[i:])*one + binary.LittleEndian.Uint64(b[i+8:])*two) >> shift
		if sieve[x/64]&(1<<(x%64)) != 0 {
			m.tell(b, i, hit)
		}
	}
}

func (m *matcher) tell(b []byte, at int, hit func(at, needle int)) {
	for _, i := range m.byHash[m.of(b[at:at+m.window])] {
		hit(at, i)
	}
}
