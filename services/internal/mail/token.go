package mail

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Tokens makes and checks the unforgeable marks on our mail (MAIL I32). Every
// mark is bound to Key, which belongs to one instance, and to one purpose: a
// mark of another instance, or a bounce token in a reply address, is refused.
//
// All marks are lower-case base32 without padding (RFC 4648 section 6, read in
// either case, because mail systems change the case of local parts). A mark is
// the bytes it names followed by the first 10 bytes (80 bits) of
//
//	HMAC-SHA256(Key, purpose || 0x00 || bytes)
//
// as listed with each method. The layouts never change; a new one gets a new
// purpose and a new letter.
type Tokens struct {
	// Key is the instance key, at least 16 bytes.
	Key []byte
}

const (
	macBytes       = 10 // 80 bits
	idBytes        = 16 // an id of 32 hexadecimal digits
	recipientBytes = 2
	maxLocal       = 64 // octets of a local part, RFC 5321 section 4.5.3.1.1

	purposeReply     = "hub.reply.v1"
	purposeMessage   = "hub.message.v1"
	purposeBounce    = "hub.bounce.v1"
	purposeLoop      = "hub.loop.v1"
	purposeRecipient = "hub.recipient.v1"
	purposeBody      = "hub.body.v1"
	purposeEnvelope  = "hub.envelope.v1"
)

// ErrToken says that a mark could not be made: a bad id or too long a local part.
var ErrToken = errors.New("mail token")

var base32Lower = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// ReplyAddress is the Reply-To of a mail to one recipient:
//
//	local "+t" base32( ticket[16] recipient-tag[2] mac[10] ) "@" domain
//
// ticketID is 32 hexadecimal digits; local may have at most 17 octets, so that
// the whole local part stays within 64.
func (t Tokens) ReplyAddress(local, domain, ticketID, recipient string) (string, error) {
	id, err := id16(ticketID)
	if err != nil {
		return "", err
	}
	token := "+t" + t.seal(purposeReply, append(id, t.recipientTag(recipient)...))
	if local == "" || len(local)+len(token) > maxLocal {
		return "", fmt.Errorf("%w: local part must have 1 to %d octets, has %d", ErrToken, maxLocal-len(token), len(local))
	}
	return local + token + "@" + domain, nil
}

// ReplyToken is what a valid reply address says.
type ReplyToken struct {
	// TicketID is 32 hexadecimal digits.
	TicketID string
	tag      [recipientBytes]byte
}

// ParseReplyAddress reads a reply address; ok is false when the address carries
// no token or one that this instance did not make.
func (t Tokens) ParseReplyAddress(address string) (token ReplyToken, ok bool) {
	body, ok := t.open(purposeReply, detail(address, 't'), idBytes+recipientBytes)
	if !ok {
		return ReplyToken{}, false
	}
	token.TicketID = hex.EncodeToString(body[:idBytes])
	copy(token.tag[:], body[idBytes:])
	return token, true
}

// IssuedTo reports whether the token was made for this recipient. It compares
// 16 bits of a keyed hash: good enough to tell a person's own answer from
// one by somebody the mail was forwarded to, and no proof of who wrote.
func (t Tokens) IssuedTo(token ReplyToken, address string) bool {
	return subtle.ConstantTimeCompare(token.tag[:], t.recipientTag(address)) == 1
}

// MessageID is the bare Message-ID of a mail of ours:
//
//	"t" base32(ticket[16]) "." base32(message[16]) "." base32(mac[10]) "@" domain
//
// with the mac over both ids. Both ids are 32 hexadecimal digits.
func (t Tokens) MessageID(ticketID, messageID, domain string) (string, error) {
	ticket, err := id16(ticketID)
	if err != nil {
		return "", err
	}
	msg, err := id16(messageID)
	if err != nil {
		return "", err
	}
	mac := t.mac(purposeMessage, append(append([]byte{}, ticket...), msg...))
	return "t" + base32Lower.EncodeToString(ticket) + "." + base32Lower.EncodeToString(msg) + "." +
		base32Lower.EncodeToString(mac) + "@" + domain, nil
}

// VerifyMessageID reads an id made by MessageID, with or without angle
// brackets. The domain is not looked at.
func (t Tokens) VerifyMessageID(id string) (ticketID, messageID string, ok bool) {
	id = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(id), "<"), ">")
	left, _, found := strings.Cut(id, "@")
	if !found || len(left) == 0 || left[0]|0x20 != 't' {
		return "", "", false
	}
	parts := strings.SplitN(left[1:], ".", 4)
	if len(parts) != 3 {
		return "", "", false
	}
	ticket, ok1 := decode32(parts[0], idBytes)
	msg, ok2 := decode32(parts[1], idBytes)
	mac, ok3 := decode32(parts[2], macBytes)
	if !ok1 || !ok2 || !ok3 {
		return "", "", false
	}
	if subtle.ConstantTimeCompare(mac, t.mac(purposeMessage, append(append([]byte{}, ticket...), msg...))) != 1 {
		return "", "", false
	}
	return hex.EncodeToString(ticket), hex.EncodeToString(msg), true
}

// BounceAddress is the envelope sender of one outgoing mail (VERP):
//
//	local "+b" base32( outbound[16] mac[10] ) "@" domain
//
// local may have at most 20 octets.
func (t Tokens) BounceAddress(local, domain, outboundID string) (string, error) {
	id, err := id16(outboundID)
	if err != nil {
		return "", err
	}
	token := "+b" + t.seal(purposeBounce, id)
	if local == "" || len(local)+len(token) > maxLocal {
		return "", fmt.Errorf("%w: local part must have 1 to %d octets, has %d", ErrToken, maxLocal-len(token), len(local))
	}
	return local + token + "@" + domain, nil
}

// ParseBounceAddress gives the outbound id of an address made by BounceAddress.
func (t Tokens) ParseBounceAddress(address string) (outboundID string, ok bool) {
	body, ok := t.open(purposeBounce, detail(address, 'b'), idBytes)
	if !ok {
		return "", false
	}
	return hex.EncodeToString(body), true
}

// EnvelopeID is the ENVID of one outgoing mail (RFC 3461 section 4.4): a server
// that reports on the mail gives it back. base32( outbound[16] mac[10] ).
func (t Tokens) EnvelopeID(outboundID string) (string, error) {
	id, err := id16(outboundID)
	if err != nil {
		return "", err
	}
	return t.seal(purposeEnvelope, id), nil
}

// ParseEnvelopeID gives the outbound id of an ENVID made by EnvelopeID.
func (t Tokens) ParseEnvelopeID(envid string) (outboundID string, ok bool) {
	body, ok := t.open(purposeEnvelope, strings.TrimSpace(envid), idBytes)
	if !ok {
		return "", false
	}
	return hex.EncodeToString(body), true
}

// BodyMark is a mark for the text of a mail, where it survives relays and mail
// programs that rewrite headers, because people quote what they answer:
//
//	"ref:" base32( ticket[16] mac[10] )
func (t Tokens) BodyMark(ticketID string) (string, error) {
	id, err := id16(ticketID)
	if err != nil {
		return "", err
	}
	return "ref:" + t.seal(purposeBody, id), nil
}

// bodyMarks are a body mark and a reply address; each is followed by something
// that belongs to neither, so that a longer word is no mark.
var bodyMarks = regexp.MustCompile(`(?i)ref:([a-z2-7]{42})(?:[^a-z2-7]|$)|(\+t[a-z2-7]{45}@)`)

// maxMarks bounds how many candidates of one text are checked.
const maxMarks = 50

// FindMark finds the first valid body mark or reply address in a text, plain or
// HTML (I33). A quoted mark says which ticket a mail may be about; it says
// nothing about who wrote.
func (t Tokens) FindMark(text string) (ticketID string, ok bool) {
	if len(t.Key) == 0 || !strings.Contains(text, "ref:") && !strings.Contains(text, "+t") {
		return "", false
	}
	for _, m := range bodyMarks.FindAllStringSubmatch(text, maxMarks) {
		if body, ok := t.open(purposeBody, m[1], idBytes); m[1] != "" && ok {
			return hex.EncodeToString(body), true
		}
		if m[2] != "" {
			if token, ok := t.ParseReplyAddress("x" + m[2] + "x"); ok {
				return token.TicketID, true
			}
		}
	}
	return "", false
}

// LoopMark is the X-Hub-Loop value of an automatic mail: base32(id[16] mac[10]).
// id is 32 hexadecimal digits and makes marks differ.
func (t Tokens) LoopMark(id string) (string, error) {
	b, err := id16(id)
	if err != nil {
		return "", err
	}
	return t.seal(purposeLoop, b), nil
}

// VerifyLoopMark reports whether this instance made the mark.
func (t Tokens) VerifyLoopMark(mark string) bool {
	_, ok := t.open(purposeLoop, strings.TrimSpace(mark), idBytes)
	return ok
}

func (t Tokens) mac(purpose string, body []byte) []byte {
	h := hmac.New(sha256.New, t.Key)
	h.Write([]byte(purpose))
	h.Write([]byte{0})
	h.Write(body)
	return h.Sum(nil)[:macBytes]
}

func (t Tokens) recipientTag(address string) []byte {
	return t.mac(purposeRecipient, []byte(Key(address)))[:recipientBytes]
}

func (t Tokens) seal(purpose string, body []byte) string {
	return base32Lower.EncodeToString(append(append([]byte{}, body...), t.mac(purpose, body)...))
}

// open checks a sealed mark. A Tokens without key opens nothing.
func (t Tokens) open(purpose, s string, size int) ([]byte, bool) {
	b, ok := decode32(s, size+macBytes)
	if !ok || len(t.Key) == 0 {
		return nil, false
	}
	body := b[:size]
	if subtle.ConstantTimeCompare(b[size:], t.mac(purpose, body)) != 1 {
		return nil, false
	}
	return body, true
}

// decode32 reads exactly size bytes, in the one canonical spelling (apart from
// case).
func decode32(s string, size int) ([]byte, bool) {
	if len(s) != base32Lower.EncodedLen(size) {
		return nil, false
	}
	s = strings.ToLower(s)
	b, err := base32Lower.DecodeString(s)
	if err != nil || len(b) != size || base32Lower.EncodeToString(b) != s {
		return nil, false
	}
	return b, true
}

// detail is the part of a local part after the last "+" and the given letter.
func detail(address string, letter byte) string {
	local, _ := splitAddress(address)
	i := strings.LastIndexByte(local, '+')
	if i < 0 || i+1 >= len(local) || local[i+1]|0x20 != letter {
		return ""
	}
	return local[i+2:]
}

func id16(s string) ([]byte, error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != idBytes {
		return nil, fmt.Errorf("%w: id must be 32 hexadecimal digits", ErrToken)
	}
	return b, nil
}
