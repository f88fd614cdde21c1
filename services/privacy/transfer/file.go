package transfer

import (
	"bufio"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/hpke"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/vault"
)

// An export is a sequence of blocks, each with its length before it as four bytes,
// big-endian:
//
//	header   JSON of header, in the clear
//	enc      the encapsulated key of HPKE (RFC 9180): DHKEM(X25519, HKDF-SHA256),
//	         HKDF-SHA256, AES-256-GCM; info is format, a zero byte and the header
//	record   … sealed with the sequence number of HPKE, so that none can be left out,
//	         doubled or moved; the last one is the end
//
// A record is one byte of its kind and what it holds: JSON, or a file as its name
// (64 digits) and its bytes. The end holds a summary and the sender's signature over
// SHA-256 of every block before it, followed by the summary.
const (
	format = "westshore-hub/transfer/1"

	recPapers = 'p' // papers
	recKeys   = 'k' // keysRecord
	recFile   = 'f' // name, bytes: a ciphertext
	recEvents = 'e' // []rawEvent
	recHolds  = 'h' // []vault.HoldOrder
	recEnd    = 'z' // endRecord
)

// maxBlock bounds what is read of one block.
const maxBlock = 256 << 20

// ErrForged says that a file is no export of who is said to have made it, or not
// whole, or not for this hub.
var ErrForged = errors.New("this is not a whole export of this sender for this hub")

type header struct {
	Format   string            `json:"format"`
	Transfer events.TransferID `json:"transfer"`
	Made     time.Time         `json:"made"`
	To       string            `json:"to"`   // Keys of the receiver
	From     string            `json:"from"` // Ed25519 key of the sender, base64
}

type keysRecord struct {
	Keys  []vault.Carried           `json:"keys,omitempty"`
	Tombs map[events.KID]vault.Tomb `json:"tombs,omitempty"`
}

// rawEvent is an event as it stands in the log.
type rawEvent struct {
	ID     events.UUID   `json:"id"`
	Type   string        `json:"type"`
	Stream events.Stream `json:"stream"`
	Data   []byte        `json:"data"`
	Meta   []byte        `json:"meta"`
}

// Papers are what the receiver should know beside the data.
type Papers struct {
	Policy   string            `json:"policy"`   // version of the privacy policy in force
	Rules    []vault.Rule      `json:"rules"`    // retention schedule in force
	Registry []json.RawMessage `json:"registry"` // events of policy, schedule and register of processors, in their clear facts
}

// Summary is what an export holds.
type Summary struct {
	Transfer   events.TransferID `json:"transfer"`
	Made       time.Time         `json:"made"`
	Events     int               `json:"events"`
	Streams    int               `json:"streams"`
	Keys       int               `json:"keys"`
	Tombstones int               `json:"tombstones"`
	Kept       int               `json:"kept,omitempty"` // did not travel: restricted, or not for this purpose
	Files      int               `json:"files"`
	Root       string            `json:"root"`             // Merkle root over the streams' hash chains
	State      string            `json:"state"`            // SHA-256 of what folding the streams gives
	Digest     string            `json:"digest,omitempty"` // names the file
}

type endRecord struct {
	Summary   json.RawMessage `json:"summary"`
	Signature []byte          `json:"signature"`
}

// keysPrefix stands before the public keys of a hub.
const keysPrefix = "hub-transfer-1:"

// Keys writes the public keys of a receiver: what an export is sealed to, and what
// the receipt is signed with.
func keysText(seal *ecdh.PublicKey, sign ed25519.PublicKey) string {
	return keysPrefix + base64.RawURLEncoding.EncodeToString(append(seal.Bytes(), sign...))
}

func parseKeys(s string) (seal *ecdh.PublicKey, sign ed25519.PublicKey, err error) {
	text, ok := strings.CutPrefix(strings.TrimSpace(s), keysPrefix)
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if !ok || err != nil || len(raw) != 64 {
		return nil, nil, refuse("keys", "These are not the keys of a receiving hub; it prints them with: hub privacy transfer expect.")
	}
	if seal, err = ecdh.X25519().NewPublicKey(raw[:32]); err != nil {
		return nil, nil, refuse("keys", "These are not the keys of a receiving hub.")
	}
	return seal, ed25519.PublicKey(raw[32:]), nil
}

func suite() (hpke.KDF, hpke.AEAD) { return hpke.HKDFSHA256(), hpke.AES256GCM() }

func infoOf(head []byte) []byte { return append([]byte(format+"\x00"), head...) }

// sealing writes an export.
type sealing struct {
	w    *bufio.Writer
	s    *hpke.Sender
	sum  hash.Hash
	sign ed25519.PrivateKey
}

func newSealing(w io.Writer, h header, sign ed25519.PrivateKey) (*sealing, error) {
	to, _, err := parseKeys(h.To)
	if err != nil {
		return nil, err
	}
	h.Format, h.From = format, base64.StdEncoding.EncodeToString(sign.Public().(ed25519.PublicKey))
	head, err := json.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("begin export: %w", err)
	}
	pub, err := hpke.NewDHKEMPublicKey(to)
	if err != nil {
		return nil, fmt.Errorf("begin export: %w", err)
	}
	kdf, aead := suite()
	enc, sender, err := hpke.NewSender(pub, kdf, aead, infoOf(head))
	if err != nil {
		return nil, fmt.Errorf("begin export: %w", err)
	}
	x := &sealing{w: bufio.NewWriterSize(w, 1<<20), s: sender, sum: sha256.New(), sign: sign}
	return x, errors.Join(x.block(head), x.block(enc))
}

func (x *sealing) block(b []byte) error {
	if len(b) > maxBlock {
		return errors.New("a block is too large")
	}
	var n [4]byte
	binary.BigEndian.PutUint32(n[:], uint32(len(b)))
	x.sum.Write(n[:])
	x.sum.Write(b)
	_, err := x.w.Write(n[:])
	if err == nil {
		_, err = x.w.Write(b)
	}
	return err
}

func (x *sealing) record(kind byte, body []byte) error {
	sealed, err := x.s.Seal(nil, append([]byte{kind}, body...))
	if err != nil {
		return fmt.Errorf("seal record: %w", err)
	}
	return x.block(sealed)
}

func (x *sealing) put(kind byte, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write record: %w", err)
	}
	defer clear(body)
	return x.record(kind, body)
}

// end signs what was written, and gives its digest.
func (x *sealing) end(s Summary) (Summary, error) {
	before := x.sum.Sum(nil)
	doc, err := json.Marshal(s)
	if err != nil {
		return s, fmt.Errorf("end export: %w", err)
	}
	s.Digest = hex.EncodeToString(before)
	if err := x.put(recEnd, endRecord{doc, ed25519.Sign(x.sign, append(before, doc...))}); err != nil {
		return s, err
	}
	return s, x.w.Flush()
}

// opening reads an export.
type opening struct {
	r    *bufio.Reader
	s    *hpke.Recipient
	sum  hash.Hash
	from ed25519.PublicKey
	head header
}

// digestOf names a file without opening it: its last block is the end, which the
// digest stands in.
func digestOf(r io.Reader) (h header, digest string, err error) {
	x := &opening{r: bufio.NewReaderSize(r, 1<<20), sum: sha256.New()}
	head, err := x.block()
	if err != nil || json.Unmarshal(head, &h) != nil || h.Format != format {
		return h, "", fmt.Errorf("read export: %w", ErrForged)
	}
	for {
		before := x.sum.Sum(nil)
		if _, err := x.block(); err != nil {
			return h, "", fmt.Errorf("read export: %w", ErrForged)
		}
		if _, err := x.r.Peek(1); errors.Is(err, io.EOF) {
			return h, hex.EncodeToString(before), nil
		}
	}
}

// fileOf reads the record of a ciphertext, which bears the digest of its bytes.
func fileOf(body []byte) (events.Hash, []byte, error) {
	const digits = 2 * sha256.Size
	if len(body) < digits {
		return "", nil, fmt.Errorf("read export: %w: a file has no name", ErrForged)
	}
	sum := sha256.Sum256(body[digits:])
	if hex.EncodeToString(sum[:]) != string(body[:digits]) {
		return "", nil, fmt.Errorf("read export: %w: a file is not what its name says", ErrForged)
	}
	return events.Hash(body[:digits]), body[digits:], nil
}

func newOpening(r io.Reader, key *ecdh.PrivateKey, keys string, from ed25519.PublicKey) (*opening, error) {
	x := &opening{r: bufio.NewReaderSize(r, 1<<20), sum: sha256.New(), from: from}
	head, err := x.block()
	if err != nil || json.Unmarshal(head, &x.head) != nil || x.head.Format != format || x.head.To != keys ||
		x.head.From != base64.StdEncoding.EncodeToString(from) {
		return nil, fmt.Errorf("read export: %w", ErrForged)
	}
	enc, err := x.block()
	if err != nil {
		return nil, fmt.Errorf("read export: %w", ErrForged)
	}
	private, err := hpke.NewDHKEMPrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("read export: %w", err)
	}
	kdf, aead := suite()
	if x.s, err = hpke.NewRecipient(enc, private, kdf, aead, infoOf(head)); err != nil {
		return nil, fmt.Errorf("read export: %w", ErrForged)
	}
	return x, nil
}

func (x *opening) block() ([]byte, error) {
	var n [4]byte
	if _, err := io.ReadFull(x.r, n[:]); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(n[:])
	if size > maxBlock {
		return nil, ErrForged
	}
	b, err := io.ReadAll(io.LimitReader(x.r, int64(size)))
	if err != nil || len(b) != int(size) {
		return nil, ErrForged
	}
	x.sum.Write(n[:])
	x.sum.Write(b)
	return b, nil
}

// each hands over the records; at the end it checks the signature and that nothing
// follows. Whatever is amiss is ErrForged.
func (x *opening) each(handle func(kind byte, body []byte) error) (Summary, error) {
	var s Summary
	for {
		before := x.sum.Sum(nil)
		sealed, err := x.block()
		if err != nil {
			return s, fmt.Errorf("read export: %w: it ends early", ErrForged)
		}
		plain, err := x.s.Open(nil, sealed)
		if err != nil || len(plain) == 0 {
			return s, fmt.Errorf("read export: %w: a record does not open", ErrForged)
		}
		if plain[0] != recEnd {
			if err := handle(plain[0], plain[1:]); err != nil {
				return s, err
			}
			clear(plain)
			continue
		}
		var end endRecord
		if json.Unmarshal(plain[1:], &end) != nil || !ed25519.Verify(x.from, append(before, end.Summary...), end.Signature) ||
			json.Unmarshal(end.Summary, &s) != nil {
			return s, fmt.Errorf("read export: %w: the signature does not belong to it", ErrForged)
		}
		if _, err := x.r.ReadByte(); !errors.Is(err, io.EOF) {
			return s, fmt.Errorf("read export: %w: something follows its end", ErrForged)
		}
		s.Digest = hex.EncodeToString(before)
		return s, nil
	}
}
