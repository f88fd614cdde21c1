package erasure

import (
	"context"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/vault"
)

// Certificate is what an erasure is proved with (PRIVACY Appendix B). It names no
// person and no id of one: the requester's claim code is the only bond.
type Certificate struct {
	ID         string              `json:"cert"`
	Version    int                 `json:"v"`
	Tenant     string              `json:"tenant"`
	Order      string              `json:"order"`
	ClaimHash  string              `json:"claim_hash"` // SHA-256 of the claim code
	Law        []string            `json:"law"`
	Clauses    []string            `json:"clauses"`
	Times      Times               `json:"t"`
	Erased     map[string]int      `json:"erased"` // by category/class
	Deferred   []Kept              `json:"deferred"`
	Exempt     []Kept              `json:"exempt"`
	Remains    []Kept              `json:"kept"`
	Crypto     Crypto              `json:"crypto"`
	Stores     []events.StoreLevel `json:"stores"`
	Recipients []RecipientLine     `json:"recipients"`
	OutOfScope []string            `json:"out_of_scope"`
	Scan       ScanLine            `json:"scan"`
	Ledger     LedgerLine          `json:"ledger"`
	Limits     []string            `json:"limits"`
	Tool       string              `json:"tool"`
	Verifier   string              `json:"verifier"`
	Key        string              `json:"key"` // public, "ed25519:" and base64
	Signature  string              `json:"sig,omitempty"`
}

// Times of an erasure; Annex is when the last backup expired.
type Times struct {
	Received  time.Time `json:"received"`
	Verified  time.Time `json:"verified"`
	Fenced    time.Time `json:"fenced"`
	Destroyed time.Time `json:"destroyed"`
	Drained   time.Time `json:"drained"`
	Due       time.Time `json:"due"`
	Issued    time.Time `json:"issued"`
}

// Kept is something that stays, and why.
type Kept struct {
	What    string `json:"what"`
	N       int    `json:"n,omitempty"`
	Ground  string `json:"ground,omitempty"`
	Article string `json:"art,omitempty"`
	Until   string `json:"until,omitempty"`
	Auto    bool   `json:"auto_complete,omitempty"`
}

// Crypto says how keys were destroyed.
type Crypto struct {
	Algorithm string `json:"alg"`
	Method    string `json:"method"`
	Root      string `json:"keys_root"` // Merkle root over the destroyed keys
	Keys      int    `json:"keys"`
	Wrapped   bool   `json:"live_keys_wrapped_anew"`
}

// RecipientLine is one recipient.
type RecipientLine struct {
	ID       string `json:"id"`
	Notified string `json:"notified"` // mail or operator
	Acked    bool   `json:"acked"`
}

// ScanLine is what the byte scan said.
type ScanLine struct {
	Files   int    `json:"files"`
	Bytes   int64  `json:"bytes"`
	Needles int    `json:"needles"`
	Hits    int    `json:"hits"`
	Control string `json:"negative_control"`
	Digest  string `json:"digest"`
}

// LedgerLine is where the intent stands.
type LedgerLine struct {
	Seq  int64  `json:"seq"`
	Hash string `json:"hash"`
}

// ErrSignature means that a certificate is not what was signed.
var ErrSignature = errors.New("the certificate was not signed with this key, or was changed")

// sign gives a certificate its signature: over its JSON without one.
func (c Certificate) sign(key ed25519.PrivateKey) (string, error) {
	c.Key = "ed25519:" + base64.StdEncoding.EncodeToString(key.Public().(ed25519.PublicKey))
	c.Signature = ""
	body, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("sign certificate: %w", err)
	}
	c.Signature = "ed25519:" + base64.StdEncoding.EncodeToString(ed25519.Sign(key, body))
	b, err := json.Marshal(c)
	return string(b), err
}

// ParseCertificate reads a certificate and checks its signature with a public key,
// written as in Key; an empty key trusts the one it names.
func ParseCertificate(doc []byte, key string) (Certificate, error) {
	var c Certificate
	d := json.NewDecoder(strings.NewReader(string(doc)))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return c, fmt.Errorf("read certificate: %w", err)
	}
	if key == "" {
		key = c.Key
	}
	public, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(key, "ed25519:"))
	sig, bad := base64.StdEncoding.DecodeString(strings.TrimPrefix(c.Signature, "ed25519:"))
	bare := c
	bare.Signature = ""
	body, wrong := json.Marshal(bare)
	if errors.Join(err, bad, wrong) != nil || len(public) != ed25519.PublicKeySize || c.Key != key || !ed25519.Verify(public, body, sig) {
		return c, ErrSignature
	}
	return c, nil
}

// PublicKey is what certificates are checked with.
func (o *Office) PublicKey() string {
	return "ed25519:" + base64.StdEncoding.EncodeToString(o.cfg.Signer.Public().(ed25519.PublicKey))
}

// claim is the code that only the requester is told: 96 bits.
func (o *Office) claim(order events.UUID) string {
	mac := hmac.New(sha256.New, o.cfg.Claim)
	_, _ = mac.Write([]byte("claim\x00" + order.String()))
	code := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(mac.Sum(nil)[:12])
	var parts []string
	for chunk := range slices.Chunk([]byte(code), 5) {
		parts = append(parts, string(chunk))
	}
	return strings.Join(parts, "-")
}

// ClaimHash is what stands on a certificate for a claim code.
func ClaimHash(code string) string {
	sum := sha256.Sum256([]byte(strings.ToUpper(strings.TrimSpace(code))))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// certificate fills in what is known now.
func (o *Office) certificate(s *State) Certificate {
	r := s.Result
	c := Certificate{
		ID: "ec_" + short("certificate", string(s.Request), fmt.Sprint(s.Round)), Version: 1, Tenant: o.cfg.Tenant, Order: "er_" + s.Scope.Order.String(),
		ClaimHash: ClaimHash(o.claim(s.Scope.Order)), Law: law(s.Law), Clauses: clauses(s.Scope.Counts),
		Times: Times{
			Received: seconds(s.Received), Verified: seconds(s.Verified), Fenced: seconds(s.Fenced), Destroyed: seconds(s.DestroyedAt),
			Drained: seconds(s.Drained), Due: seconds(s.Due), Issued: seconds(o.now()),
		},
		Erased: map[string]int{}, Deferred: []Kept{}, Exempt: []Kept{}, Recipients: []RecipientLine{},
		Crypto: Crypto{
			Algorithm: "AES-256-GCM", Method: "NIST SP 800-88r2 cryptographic erase", Root: "merkle:" + string(s.Destroyed.Root),
			Keys: s.Destroyed.Killed, Wrapped: s.Residue,
		},
		Stores: r.Stores, OutOfScope: []string{"the requester's own mailbox", "independent copies of recipients", "paper"},
		Scan:   ScanLine{Files: r.Files, Bytes: r.Bytes, Needles: r.Needles, Hits: r.Hits, Control: r.Control, Digest: "sha256:" + string(r.Digest)},
		Ledger: LedgerLine{Seq: s.Destroyed.Ledger, Hash: string(s.Destroyed.LedgerHash)},
		Limits: []string{
			"what was delivered to a browser, a mailbox or a recipient is out of reach",
			"over-provisioned cells of disks and snapshots of virtual machines are covered by destroyed keys only",
			"the log keeps one random number for each person, so that erased messages of one person can be told to be one person's, but not whose",
		},
		Tool: o.cfg.Tool, Verifier: "system:privacy",
	}
	for _, n := range s.Scope.Counts {
		if n.Live+n.Held > 0 {
			c.Erased[string(n.Category)+"/"+string(n.Class)] = n.Live + n.Held
		}
	}
	if s.waiting() {
		c.Crypto.Keys = s.Destroyed.Killed
		c.Deferred = append(c.Deferred, Kept{What: "segments under a legal hold", N: len(s.Deferral.KIDs), Ground: string(s.Deferral.Ground), Article: s.Deferral.Article, Auto: true})
		for _, n := range s.Scope.Counts {
			if key := string(n.Category) + "/" + string(n.Class); n.Held > 0 {
				if c.Erased[key] -= n.Held; c.Erased[key] == 0 {
					delete(c.Erased, key)
				}
			}
		}
	}
	for _, x := range s.Exempted {
		e := o.cfg.Exempt[x.Class]
		c.Exempt = append(c.Exempt, Kept{What: e.What, N: x.Keys, Ground: string(x.Ground), Article: x.Article, Until: e.Until})
	}
	c.Remains = []Kept{
		{What: "facts without a person: numbers, times, states of requests", Ground: "LegitimateInterest", Article: "GDPR 6(1)(f)"},
		{What: "record of this request", Ground: string(events.GroundLegallyExempt), Article: "GDPR 6(1)(c)", Until: seconds(s.Received.AddDate(2, 0, 0)).Format(time.DateOnly)},
		{What: "address this request was answered to", Ground: string(events.GroundLegallyExempt), Article: "GDPR 6(1)(c)", Until: "30 days after the request is closed"},
		{What: "keyed hash of an address that asked for no mail, only where it did", Ground: "LegitimateInterest", Article: "GDPR 6(1)(f)", Until: "objection withdrawn"},
	}
	for _, id := range slices.Sorted(maps.Keys(s.Told)) {
		c.Recipients = append(c.Recipients, RecipientLine{ID: id, Notified: s.Told[id].Method, Acked: s.Acked[id]})
	}
	return c
}

// short is a readable id.
func short(parts ...string) string {
	id := events.DeriveUUID(parts...)
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(id[:10]))
}

func seconds(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }

func law(l events.Law) []string {
	if l == events.CCPA {
		return []string{"CCPA 1798.105"}
	}
	return []string{"GDPR 17(1)"}
}

// clauses are those of the policy under which the data were collected.
func clauses(counts []events.SegmentCount) (out []string) {
	of := map[events.Category]string{events.Contact: "1.1", events.Account: "1.2", events.Communication: "1.3", "C-USAGE": "1.4"}
	for _, n := range counts {
		if id := of[n.Category]; id != "" {
			out = append(out, events.PolicyVersion+"#"+id)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// certify issues the certificate and destroys the needles, which are of no use
// any more unless something is deferred.
func (o *Office) certify(ctx context.Context, s *State) error {
	doc, err := o.certificate(s).sign(o.cfg.Signer)
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(doc))
	err = o.say(ctx, s, stepCertify, events.CertificateIssued{Request: s.Request, Order: s.Scope.Order, Certificate: doc, Digest: events.Hash(hex.EncodeToString(sum[:]))})
	if err != nil || s.waiting() {
		return err
	}
	return o.burn(ctx, s)
}

// burn destroys the needles' keys: those of every preview.
func (o *Office) burn(ctx context.Context, s *State) error {
	history, err := o.j.Load(ctx, events.RequestStream(s.Request), nil)
	if err != nil {
		return err
	}
	var all []Target
	for _, r := range history {
		if _, ok := r.Event.(events.ErasureScopeResolved); ok {
			for _, ref := range r.Meta.Segments {
				all = append(all, Target{ref.KID, r.Stream})
			}
		}
	}
	_, err = o.cfg.Ledger.Destroy(ctx, events.DeriveUUID("burn needles", string(s.Request)), vault.CauseRetention, time.Time{}, all)
	return err
}

// horizon issues the annex: no backup from before is left.
func (o *Office) horizon(ctx context.Context, s *State) error {
	c, err := ParseCertificate([]byte(s.Certificate), o.PublicKey())
	if err != nil {
		return err
	}
	c.ID, c.Times.Issued = c.ID+"+1", seconds(o.now())
	for i, l := range c.Stores {
		if l.Store == "backups" {
			c.Stores[i] = events.StoreLevel{Store: l.Store, Level: V4}
		}
	}
	c.Stores = append(slices.DeleteFunc(c.Stores, func(l events.StoreLevel) bool { return l.Store == "recipients" }), recipientLevel(s))
	for i, r := range c.Recipients {
		c.Recipients[i].Acked = s.Acked[r.ID]
	}
	doc, err := c.sign(o.cfg.Signer)
	if err != nil {
		return err
	}
	return o.say(ctx, s, stepHorizon, events.BackupHorizonReached{Request: s.Request, Order: s.Scope.Order, Certificate: doc})
}

// Certificate returns the newest certificate of a request, signed.
func (o *Office) Certificate(ctx context.Context, id events.RequestID) (string, error) {
	s, err := o.load(ctx, id)
	switch {
	case err != nil:
		return "", err
	case s.Annex != "":
		return s.Annex, nil
	case s.Certificate != "":
		return s.Certificate, nil
	}
	return "", &Refusal{"not_certified", "The certificate is not issued yet."}
}
