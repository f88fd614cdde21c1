package search

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// longest is how many bytes of a word count. Longer ones are codes and noise,
// and are found by their beginning.
const longest = 40

// span is a word and where it stands in the text.
type span struct {
	word       string // folded
	start, end int    // bytes
}

// cut calls each for every word of a text, folded. A word is a run of letters,
// digits and marks; every ideograph is a word of its own, as there is no space
// between them.
func cut(text string, each func(span)) {
	start := -1
	end := func(i int) {
		if start >= 0 {
			each(span{fold(text[start:i]), start, i})
			start = -1
		}
	}
	for i, c := range text {
		switch {
		case c < utf8.RuneSelf && isASCIIWord(byte(c)):
			if start < 0 {
				start = i
			}
		case c < utf8.RuneSelf:
			end(i)
		case ideograph(c):
			end(i)
			each(span{string(c), i, i + utf8.RuneLen(c)})
		case unicode.IsLetter(c) || unicode.IsDigit(c) || unicode.IsMark(c):
			if start < 0 {
				start = i
			}
		default:
			end(i)
		}
	}
	end(len(text))
}

func isASCIIWord(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

func ideograph(c rune) bool {
	return unicode.In(c, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai)
}

// fold makes a word comparable: lower case, without accents, not too long.
func fold(word string) string {
	ascii := true
	for i := range len(word) {
		if word[i] >= utf8.RuneSelf {
			ascii = false
			break
		}
	}
	word = strings.ToLower(word)
	if !ascii {
		word = strings.Map(func(c rune) rune {
			if unicode.IsLetter(c) || unicode.IsDigit(c) {
				return c
			}
			return -1 // accents, and what is left of ligatures
		}, norm.NFKD.String(word))
		word = strings.ToLower(word)
	}
	if len(word) > longest {
		word = word[:longest]
		for !utf8.ValidString(word) {
			word = word[:len(word)-1]
		}
	}
	return word
}

// The beginnings of words that are words of their own in the index, in letters.
// A cut word never holds the mark.
const (
	beginMark     = "_"
	shortestBegin = 2
	longestBegin  = 3
)

// begins calls each for the marked beginnings of a word.
func begins(word string, each func(string)) {
	n := 0
	for i := range word {
		if n >= shortestBegin && n <= longestBegin {
			each(beginMark + word[:i])
		}
		if n++; n > longestBegin {
			return
		}
	}
	if n >= shortestBegin && n <= longestBegin {
		each(beginMark + word)
	}
}

// bag is a set of words in the order they were met.
type bag struct {
	set  map[string]bool
	list []string
}

func (b *bag) put(word string) bool {
	if word == "" || b.set[word] {
		return false
	}
	if b.set == nil {
		b.set = make(map[string]bool, 256)
	}
	b.set[word] = true
	b.list = append(b.list, word)
	return true
}

// add puts in the words of texts.
func (b *bag) add(texts ...string) {
	for _, t := range texts {
		cut(t, func(s span) { b.put(s.word) })
	}
}

// index puts in the words of texts and their beginnings.
func (b *bag) index(texts ...string) {
	for _, t := range texts {
		cut(t, func(s span) {
			if b.put(s.word) {
				begins(s.word, func(w string) { b.put(w) })
			}
		})
	}
}
