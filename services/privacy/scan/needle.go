package scan

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/gob"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"
)

// The windows over which a needle is looked up before it is confirmed: long ones
// for all that is long enough, short ones for the rest.
const (
	longWindow  = 16
	shortWindow = 8
	macSize     = 16
	// Shingle is the length of a piece of a longer text.
	Shingle = 28
)

// Needle is one text, in one encoding, that must not be there any more: keyed
// hashes of a window of it, and an HMAC of the whole. Name says what it was
// and Form how it was encoded; neither is personal.
type Needle struct {
	Name   string
	Form   string
	Text   int // which text it is a form of
	Window int
	At     int // offset of the window
	Length int
	Place  uint32 // of the window in the sieve
	Hash   uint64
	MAC    [macSize]byte
}

// Needles are what one scan looks for, under a key of their own. Without the key
// they say nothing; with it they only answer whether a text one already has is
// among them.
type Needles struct {
	Key  []byte
	List []Needle
	// Texts is how many different texts they stand for, Short how many texts were
	// too short to be looked for.
	Texts int
	Short int

	next int

	seen map[[macSize]byte]bool
}

// NewNeedles begins an empty set under a fresh key.
func NewNeedles() *Needles {
	n := &Needles{Key: make([]byte, 32), seen: map[[macSize]byte]bool{}}
	rand.Read(n.Key)
	return n
}

// Marshal writes the set with its key: to be sealed.
func (n *Needles) Marshal() ([]byte, error) {
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(n); err != nil {
		return nil, fmt.Errorf("write needles: %w", err)
	}
	return b.Bytes(), nil
}

// ParseNeedles reads what Marshal wrote.
func ParseNeedles(doc []byte) (*Needles, error) {
	n := &Needles{}
	if err := gob.NewDecoder(bytes.NewReader(doc)).Decode(n); err != nil || len(n.Key) != 32 {
		return nil, errNeedles
	}
	for _, x := range n.List {
		if x.Window != longWindow && x.Window != shortWindow || x.At < 0 || x.At+x.Window > x.Length || x.Length > maxLength || x.Place >= 1<<sieveBits {
			return nil, errNeedles
		}
	}
	return n, nil
}

var errNeedles = errors.New("parse needles: not what was written")

// maxLength bounds a needle in any encoding.
const maxLength = 1024

// Add looks for a text in every form it may rest in.
func (n *Needles) Add(name, text string) {
	if len(text) < shortWindow {
		if text != "" {
			n.Short++
		}
		return
	}
	n.Texts, n.next = n.Texts+1, n.next+1
	for _, f := range forms(text) {
		n.add(name, f.name, f.bytes)
	}
}

// AddText looks for pieces of a longer text: up to count shingles, at random
// places but on whole characters, so that what is looked for is not known from
// the text alone.
func (n *Needles) AddText(name, text string, count int) {
	if len(text) <= 2*Shingle {
		n.Add(name, text)
		return
	}
	for i := range count {
		at := randomBelow(len(text) - Shingle)
		for at > 0 && !utf8.RuneStart(text[at]) {
			at--
		}
		end := at + Shingle
		for end < len(text) && !utf8.RuneStart(text[end]) {
			end++
		}
		n.Add(fmt.Sprintf("%s.%d", name, i+1), text[at:end])
	}
}

// AddBytes looks for bytes as they are: a key, a wrapped key, a piece of a file.
func (n *Needles) AddBytes(name string, b []byte) {
	if len(b) < shortWindow {
		n.Short++
		return
	}
	n.Texts, n.next = n.Texts+1, n.next+1
	n.add(name, "raw", b[:min(len(b), maxLength)])
	for _, f := range binaryForms(b[:min(len(b), maxLength/4)]) {
		n.add(name, f.name, f.bytes)
	}
}

func (n *Needles) add(name, form string, b []byte) {
	if len(b) < shortWindow || len(b) > maxLength {
		return
	}
	window := longWindow
	if len(b) < longWindow {
		window = shortWindow
	}
	mac := n.mac(b)
	if n.seen[mac] {
		return
	}
	n.seen[mac] = true
	at := busiest(b, window)
	h := newHasher(n.Key, window)
	n.List = append(n.List, Needle{Name: name, Form: form, Text: n.next, Window: window, At: at, Length: len(b), Place: h.place(b[at : at+window]), Hash: h.of(b[at : at+window]), MAC: mac})
}

// Without drops every text that stands in what each hands over: words that others
// wrote as well prove nothing.
func (n *Needles) Without(each func(record func([]byte) error) error) (dropped int, err error) {
	t, shared := newTools(n), map[int]bool{}
	err = each(func(b []byte) error {
		return t.blob(bytes.NewReader(b), int64(len(b)), "", maxDepth, func(i int, _ int64, _ string) { shared[n.List[i].Text] = true })
	})
	if err != nil {
		return 0, fmt.Errorf("compare needles: %w", err)
	}
	n.List = slices.DeleteFunc(n.List, func(x Needle) bool { return shared[x.Text] })
	n.Texts -= len(shared)
	return len(shared), nil
}

func (n *Needles) mac(b []byte) [macSize]byte {
	m := hmac.New(sha256.New, n.Key)
	m.Write([]byte("needle\x00"))
	m.Write(b)
	return [macSize]byte(m.Sum(nil))
}

// busiest is the window with the most different bytes: one that is rare in
// everybody else's text.
func busiest(b []byte, window int) int {
	best, most := 0, 0
	for at := 0; at+window <= len(b); at++ {
		var seen [256]bool
		count := 0
		for _, c := range b[at : at+window] {
			if !seen[c] {
				seen[c] = true
				count++
			}
		}
		if count > most {
			best, most = at, count
		}
	}
	return best
}

func randomBelow(n int) int {
	var b [8]byte
	rand.Read(b[:])
	v := uint64(0)
	for _, c := range b {
		v = v<<8 | uint64(c)
	}
	return int(v % uint64(n))
}
