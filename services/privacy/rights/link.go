package rights

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"time"

	"github.com/westshore/hub/events"
)

// linkKind says what a link is good for.
type linkKind byte

const (
	linkCentre      linkKind = 'c' // the privacy centre of one person
	linkUnsubscribe linkKind = 'u' // ends one purpose
	linkConfirm     linkKind = 'o' // confirms consent to one purpose
	linkPack        linkKind = 'p' // fetches a copy of data, once
)

// link is what a token says. A token is
//
//	kind (1 byte) · end, Unix seconds, 0: never (8) · id (16) · purpose · HMAC-SHA-256 cut to 16 bytes
//
// in base64url without padding (RFC 4648 section 5). The id is random and names
// nobody.
type link struct {
	kind    linkKind
	until   time.Time
	id      [16]byte
	purpose string
}

// links signs and reads tokens.
type links struct{ key []byte }

const macSize = 16

// ErrLink says that a link is no link of ours, or is over.
var ErrLink = &Refusal{code: "not_found", Reason: "link", Sentence: "This link is not valid any more. Please ask for a new one."}

func (l links) mac(body []byte) []byte {
	m := hmac.New(sha256.New, l.key)
	m.Write([]byte("privacy link 1\x00"))
	m.Write(body)
	return m.Sum(nil)[:macSize]
}

func (l links) sign(k link) string {
	body := []byte{byte(k.kind)}
	var until uint64
	if !k.until.IsZero() {
		until = uint64(k.until.Unix())
	}
	body = binary.BigEndian.AppendUint64(body, until)
	body = append(append(body, k.id[:]...), k.purpose...)
	return base64.RawURLEncoding.EncodeToString(append(body, l.mac(body)...))
}

// read gives what a token of one kind says, ErrLink for any other.
func (l links) read(token string, kind linkKind, now time.Time) (link, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(raw) < 1+8+16+macSize || len(raw) > 256 {
		return link{}, ErrLink
	}
	body, mac := raw[:len(raw)-macSize], raw[len(raw)-macSize:]
	if !hmac.Equal(mac, l.mac(body)) || linkKind(body[0]) != kind {
		return link{}, ErrLink
	}
	out := link{kind: kind, purpose: string(body[25:])}
	copy(out.id[:], body[9:25])
	if until := binary.BigEndian.Uint64(body[1:9]); until != 0 {
		if out.until = time.Unix(int64(until), 0).UTC(); !now.Before(out.until) {
			return link{}, ErrLink
		}
	}
	return out, nil
}

func (l link) subject() events.SubjectID { return events.SubjectID(hex.EncodeToString(l.id[:])) }

func (l link) request() events.RequestID { return events.RequestID(hex.EncodeToString(l.id[:])) }

// idOf is the 16 bytes of an id of 32 hexadecimal digits.
func idOf(s string) (id [16]byte, ok bool) {
	n, err := hex.Decode(id[:], []byte(s))
	return id, err == nil && n == len(id) && len(s) == 2*len(id)
}

// link makes a whole address of a public page.
func (r *Rights) link(path string, k link) string { return r.cfg.URL() + path + r.links.sign(k) }

// UnsubscribeURL is the link that ends one purpose for a person, for the header
// List-Unsubscribe (RFC 8058): it needs no login and works more than once.
func (r *Rights) UnsubscribeURL(customer events.SubjectID, purpose string) string {
	id, ok := idOf(string(customer))
	if !ok {
		return ""
	}
	return r.link("/u/", link{kind: linkUnsubscribe, id: id, purpose: purpose})
}
