package mail

import (
	"slices"
	"time"
)

// Message is what one raw mail says. Strings are valid UTF-8 without NUL; lines
// of Text and HTML end with "\n". Nil slices mean "none".
type Message struct {
	// Subject is decoded (RFC 2047), on one line, without control characters.
	Subject string
	// From holds the authors, the first one being the sender the hub believes
	// the mail claims to be from. It is empty when no author could be read.
	From []Address
	// Sender is the transmitting agent of RFC 5322 section 3.6.2.
	Sender []Address
	// ReplyTo is where the sender wants answers; it says nothing about who wrote.
	ReplyTo []Address
	// To and Cc are the visible recipients, of all fields of that name.
	To, Cc []Address
	// DeliveredTo is our real recipient, best evidence first: Delivered-To,
	// X-Original-To, Envelope-To, X-Forwarded-To and their kin, bare addresses.
	DeliveredTo []string
	// Date is when the mail says it was written, zero when nothing says so;
	// DateSource tells where it was found.
	Date       time.Time
	DateSource DateSource
	// MessageID is the bare id, "" when the mail has none (see SyntheticID).
	MessageID string
	// InReplyTo and References are bare ids in the order of the mail.
	InReplyTo  []string
	References []string
	// Text is the readable body: all inline text in order, from HTML where the
	// mail has no plain text. QuoteFrom is the byte offset in Text at which the
	// quoted earlier conversation begins, -1 when there is none.
	Text      string
	QuoteFrom int
	// TextFromHTML says that Text was derived from HTML.
	TextFromHTML bool
	// HTML is the HTML body, hostile as it came; "" when there is none.
	// HTMLIsOriginal says it is one part of the mail, not several joined ones.
	HTML           string
	HTMLIsOriginal bool
	// Attachments are the files, and everything else that is not body.
	Attachments []Attachment
	// Auth is what our own mail server found out about the sender (RFC 8601).
	Auth AuthResults
	// Bounce, Complaint and Receipt are set when the mail carries such a report.
	Bounce    *Bounce
	Complaint *Complaint
	Receipt   *Receipt
	// Calendar is what an invitation in the mail says, nil when there is none.
	Calendar *Calendar
	// Enclosed is the head of the first mail attached to this one (RFC 2046
	// section 5.2.1), nil when there is none.
	Enclosed *Enclosed
	// IsEncrypted and IsSigned say that S/MIME or PGP is involved; nothing is
	// decrypted and no signature is checked.
	IsEncrypted, IsSigned bool
	// CharsetGuessed says that some text was read in a character set that the
	// mail did not declare.
	CharsetGuessed bool
	// Header gives access to every field of the outermost header.
	Header Header
	// ContentType is the media type of the whole mail, lower case.
	ContentType string
	// ReportType is the report-type parameter of a multipart/report (RFC 6522).
	ReportType string
	// Warnings are stable codes (warning.go), each at most once, sorted by first
	// appearance.
	Warnings []string
}

// DateSource says where Message.Date was found.
type DateSource string

// The places a date is taken from, best first.
const (
	DateFromHeader   DateSource = "header"
	DateFromReceived DateSource = "received"
	DateFromInternal DateSource = "internal"
	DateUnknown      DateSource = "none"
)

// Attachment is one file of a mail: a byte range of the raw message and what is
// known about it.
type Attachment struct {
	// Name is safe to show and to save under: no path, control character or
	// direction mark, at most 200 bytes. It is never empty.
	Name string
	// Type is the media type to treat the file as, without parameters, lower
	// case: the declared type, or the sniffed one where the declaration says
	// nothing. Declared and Sniffed keep both opinions.
	Type, Declared, Sniffed string
	// Size is the decoded size in bytes, SHA256 the lower-case hexadecimal
	// digest of the decoded content.
	Size   int64
	SHA256 string
	// Inline says that the HTML body shows this part (RFC 2392).
	Inline bool
	// ContentID is the bare Content-ID, ContentLocation the Content-Location.
	ContentID, ContentLocation string
	// Offset and Length are the range of the encoded body in the raw message;
	// Encoding is how to read it, for a file in a container with the way to it
	// (see DecodePart).
	Offset, Length int
	Encoding       string
}

// Enclosed is what the header of an attached mail says about it.
type Enclosed struct {
	From               []Address
	Subject, MessageID string
	Date               time.Time
}

// Options are what a mail does not know about itself.
type Options struct {
	// InternalDate is when the server received the mail (RFC 9051 section 2.3.3).
	InternalDate time.Time
	// Now is used to notice dates in the future; zero means InternalDate.
	Now time.Time
	// AuthServIDs are the authentication service identifiers of our own mail
	// servers (RFC 8601 section 2.5). Without them no result is believed.
	AuthServIDs []string
	// MaxText and MaxHTML bound Message.Text and Message.HTML in bytes. Zero
	// means DefaultMaxText and DefaultMaxHTML.
	MaxText, MaxHTML int
}

// Warn reports whether the message carries the given warning code.
func (m *Message) Warn(code string) bool { return slices.Contains(m.Warnings, code) }

// Author is the first author, the address the hub takes the mail to be from, or
// the zero Address when the mail names none.
func (m *Message) Author() Address {
	if len(m.From) == 0 {
		return Address{}
	}
	return m.From[0]
}

// SyntheticID is the Message-ID the hub gives a mail that has none: it depends
// on the raw bytes alone. The argument is the lower-case hexadecimal SHA-256 of
// the raw message.
func SyntheticID(rawSHA256 string) string { return rawSHA256 + "@missing.hub" }
