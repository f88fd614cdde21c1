package mail

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
)

// Parsed is the JSON shape of `hub mail parse` (a contract): addresses and
// Message-IDs are bare, lists are never null, date is RFC 3339 or "".
type Parsed struct {
	Subject     string       `json:"subject"`
	From        []string     `json:"from"`
	To          []string     `json:"to"`
	Cc          []string     `json:"cc"`
	ReplyTo     []string     `json:"reply_to"`
	Date        string       `json:"date"`
	MessageID   string       `json:"message_id"`
	InReplyTo   string       `json:"in_reply_to"`
	References  []string     `json:"references"`
	Text        string       `json:"text"`
	HTML        string       `json:"html"`
	Attachments []ParsedFile `json:"attachments"`
	Class       string       `json:"class"`
	Rule        string       `json:"class_rule"`
	Warnings    []string     `json:"warnings"`
}

// ParsedFile is one attachment of Parsed. Type is the declared media type, or
// the effective one where the mail declares none; Sniffed is what the content
// looks like.
type ParsedFile struct {
	Name    string `json:"name"`
	Type    string `json:"type"`
	Sniffed string `json:"sniffed"`
	Size    int64  `json:"size"`
	SHA256  string `json:"sha256"`
	Inline  bool   `json:"inline"`
}

// ParsedJSON writes what we make of a message as indented JSON.
func ParsedJSON(w io.Writer, m *Message, own OwnAddresses) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(NewParsed(m, own)); err != nil {
		return fmt.Errorf("write parsed mail: %w", err)
	}
	return nil
}

// NewParsed gives the JSON shape of a message.
func NewParsed(m *Message, own OwnAddresses) Parsed {
	class, rule := Classify(m, own)
	p := Parsed{
		Subject: m.Subject, From: bare(m.From), To: bare(m.To), Cc: bare(m.Cc), ReplyTo: bare(m.ReplyTo),
		MessageID: m.MessageID, References: list(m.References), Text: m.Text, HTML: m.HTML,
		Attachments: []ParsedFile{}, Class: string(class), Rule: rule, Warnings: list(m.Warnings),
	}
	if !m.Date.IsZero() {
		p.Date = m.Date.Format(time.RFC3339)
	}
	if len(m.InReplyTo) > 0 {
		p.InReplyTo = m.InReplyTo[0]
	}
	for _, a := range m.Attachments {
		typ := a.Declared
		if !strings.Contains(typ, "/") {
			typ = a.Type
		}
		p.Attachments = append(p.Attachments, ParsedFile{Name: a.Name, Type: typ, Sniffed: a.Sniffed, Size: a.Size, SHA256: a.SHA256, Inline: a.Inline})
	}
	return p
}

func bare(as []Address) []string {
	out := []string{}
	for _, a := range as {
		if a.Address != "" {
			out = append(out, a.Address)
		}
	}
	return out
}

func list(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}
