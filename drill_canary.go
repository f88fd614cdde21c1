package main

import (
	"archive/zip"
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"strings"
	"unicode/utf16"

	"golang.org/x/text/encoding/japanese"

	"github.com/westshore/hub/services/privacy/scan"
)

// The mails of the drill: one synthetic customer who writes a canary, a word that
// stands nowhere else in the world, into everything a mail or a form has. Nothing
// here leads anywhere: .test is reserved for tests (RFC 6761).

// canaries are the words of one synthetic person.
type canaries struct {
	address string
	words   map[string]string
}

func newCanaries(who string) *canaries {
	c := &canaries{words: map[string]string{}}
	c.address = who + "." + strings.ToLower(rand.Text()[:14]) + "@customer.test"
	c.words["address"] = c.address
	return c
}

// word makes the canary of a field.
func (c *canaries) word(field string) string {
	if c.words[field] == "" {
		c.words[field] = "Zq" + rand.Text()[:20] + strings.ToLower(rand.Text()[:4])
	}
	return c.words[field]
}

// japanese makes a canary of 24 kanji.
func (c *canaries) japanese(field string) string {
	var b [24]byte
	rand.Read(b[:])
	var s strings.Builder
	for _, x := range b {
		s.WriteRune([]rune("一二三四五六七八九十百千東西南北山川田中村上下大小")[int(x)%24])
	}
	c.words[field] = s.String()
	return c.words[field]
}

func (c *canaries) needles() *scan.Needles {
	n := scan.NewNeedles()
	for field, word := range c.words {
		n.Add(field, word)
	}
	return n
}

func folded(s string) string {
	var b strings.Builder
	for len(s) > 76 {
		b.WriteString(s[:76] + "\r\n")
		s = s[76:]
	}
	return b.String() + s + "\r\n"
}

func base64Lines(b []byte) string { return folded(base64.StdEncoding.EncodeToString(b)) }

func quotedPrintable(s string) string {
	var b strings.Builder
	w := quotedprintable.NewWriter(&b)
	_, _ = w.Write([]byte(s)) // a strings.Builder does not fail
	_ = w.Close()
	return b.String()
}

// mails are the letters of the customer, with the most unlike encodings.
func (c *canaries) mails(to string) ([][]byte, error) {
	head := func(subject, kind string) string {
		return fmt.Sprintf("From: %s <%s>\r\nTo: %s\r\nSubject: %s\r\nMessage-ID: <%s@customer.test>\r\nX-Canary: %s\r\nMIME-Version: 1.0\r\nContent-Type: %s\r\n",
			mime.BEncoding.Encode("utf-8", c.word("display name")+" Ørsted"), c.address, to, mime.QEncoding.Encode("utf-8", subject), c.word("message-id "+subject), c.word("header"), kind)
	}
	var packed bytes.Buffer
	z := zip.NewWriter(&packed)
	f, err := z.Create(c.word("name in zip") + ".txt")
	if err != nil {
		return nil, err
	}
	if _, err := f.Write([]byte(strings.Repeat("inside the zip "+c.word("content of zip")+" ", 40))); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	// A JPEG is begun by FF D8, its Exif segment by FF E1.
	photo := append([]byte{0xff, 0xd8, 0xff, 0xe1, 0x00, 0x60, 'E', 'x', 'i', 'f', 0, 0}, []byte("taken by "+c.word("exif")+"\xff\xd9")...)
	full := head("Order "+c.word("subject")+" is broken", `multipart/mixed; boundary="b1"`) + "\r\n" +
		"--b1\r\nContent-Type: multipart/alternative; boundary=\"b2\"\r\n\r\n" +
		"--b2\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" +
		quotedPrintable("Hello, this is a long line so that it folds, and my word is "+c.word("quoted-printable")+" — do you see it? Très bien.\r\n") +
		"\r\n--b2\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
		base64Lines([]byte(`<p title="`+c.word("html attribute")+`">My word is `+c.word("html")+` <a href="https://example.test/?q=`+c.word("link")+`">here</a></p>`)) +
		"\r\n--b2--\r\n--b1\r\nContent-Type: text/plain; name*=utf-8''" + c.word("attachment name") + ".txt\r\n" +
		"Content-Disposition: attachment; filename*=utf-8''" + c.word("attachment name") + ".txt\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
		base64Lines([]byte(strings.Repeat("attached "+c.word("attachment")+"\n", 900))) +
		"\r\n--b1\r\nContent-Type: application/zip; name=things.zip\r\nContent-Disposition: attachment; filename=things.zip\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
		base64Lines(packed.Bytes()) +
		"\r\n--b1\r\nContent-Type: image/jpeg; name=photo.jpg\r\nContent-ID: <" + c.word("content-id") + "@x>\r\nContent-Disposition: inline; filename=photo.jpg\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
		base64Lines(photo) + "\r\n--b1--\r\n"
	var wide []byte
	for _, u := range utf16.Encode([]rune("A letter in UTF-16 whose word is " + c.word("utf-16") + "\r\n")) {
		wide = append(wide, byte(u), byte(u>>8))
	}
	jp, err := japanese.ISO2022JP.NewEncoder().String(c.japanese("iso-2022-jp") + "\r\n")
	if err != nil {
		return nil, err
	}
	return [][]byte{
		[]byte(full),
		[]byte(head("In UTF-16", "text/plain; charset=utf-16le") + "Content-Transfer-Encoding: base64\r\n\r\n" + base64Lines(append([]byte{0xff, 0xfe}, wide...))),
		[]byte(head("In Japanese", "text/plain; charset=iso-2022-jp") + "Content-Transfer-Encoding: 7bit\r\n\r\n" + jp),
		// What makes a parser complain, and errors quote.
		[]byte(head("Broken", `multipart/mixed; boundary="`+c.word("boundary")+`"; charset="`+c.word("charset")+`"`) + "Date: " + c.word("date") + "\r\nReferences: <" + c.word("references") + "\r\n" +
			"Content-Transfer-Encoding: " + c.word("transfer encoding") + "\r\nno colon " + c.word("no colon") + "\r\n\r\n=ZZ broken \x00 " + c.word("broken body") + "\r\n"),
	}, nil
}
