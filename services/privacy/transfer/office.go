package transfer

import (
	"context"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/events/seal"
	"github.com/westshore/hub/events/store"
	"github.com/westshore/hub/events/vault"
)

// Config is what the office works with. Funcs are other rooms, passed by main.
type Config struct {
	Journal *journal.Journal
	Store   *store.Store // the log, byte for byte
	Vault   *vault.Vault
	Files   seal.Files // ciphertexts that do not travel inside their event
	Key     []byte     // signs exports and receipts, 32 bytes
	// State says what folding the history of a stream gives, in bytes that are equal
	// for equal states and do not depend on revisions or positions; nil for streams
	// that nobody folds.
	State func(events.Stream, []events.Recorded) []byte
	// Busy counts what is still on its way into the log or out to people.
	Busy func(context.Context) (int, error)
	// Contact is a person's address on file; ErrNoContact when there is none any more.
	Contact func(context.Context, events.SubjectID) (events.Address, error)
	// AddressHash is what stands for an address on the suppression list.
	AddressHash func(address string) events.Hash
	// Papers are those of this house, of today.
	Papers func(context.Context) (Papers, error)
	// Hold places a hold, and Destroy destroys keys, by way of the ledger.
	Hold    func(context.Context, vault.HoldOrder) (vault.Held, error)
	Destroy func(ctx context.Context, order events.UUID, cause string, keys []vault.Info) (vault.Destroyed, error)
	// Fence forgets a person's addresses, by way of the ledger.
	Fence func(ctx context.Context, order events.UUID, who events.SubjectID) error
	// Independent refuses the word of one agent beside that of the one who proposed
	// when both accounts are in one hand.
	Independent func(ctx context.Context, proposed, agrees events.AgentID) error
	Now         func() time.Time // nil: time.Now
	Logger      *slog.Logger
}

// Office sends and receives businesses. It is safe for concurrent use.
type Office struct {
	cfg  Config
	j    *journal.Journal
	log  *slog.Logger
	sign ed25519.PrivateKey
}

// New returns an office.
func New(c Config) *Office {
	if c.Now == nil {
		c.Now = time.Now
	}
	seed := sha256.Sum256(append([]byte("transfers 1\x00"), c.Key...))
	return &Office{cfg: c, j: c.Journal, log: c.Logger.With("room", "privacy", "part", "transfer"), sign: ed25519.NewKeyFromSeed(seed[:])}
}

// SenderKey is what a receiver checks exports of this hub with: Ed25519, base64.
func (o *Office) SenderKey() string {
	return base64.StdEncoding.EncodeToString(o.sign.Public().(ed25519.PublicKey))
}

// Refusal is a business "no": a stable reason and a sentence for a person.
type Refusal struct {
	code     string
	Reason   string
	Sentence string
}

// Error tells the reason.
func (r *Refusal) Error() string { return "refused: " + r.Reason }

// Code is the kind of problem, as the gateway knows them.
func (r *Refusal) Code() string {
	if r.code == "" {
		return "conflict"
	}
	return r.code
}

// Detail is the sentence.
func (r *Refusal) Detail() string { return r.Sentence }

func refuse(reason, sentence string) error {
	return &Refusal{Reason: reason, Sentence: sentence}
}

// ErrNoContact says that no address of a person is on file.
var ErrNoContact = errors.New("no address on file")

// ErrNotFound is returned when there is no such transfer.
var ErrNotFound = &Refusal{code: "not_found", Reason: "unknown", Sentence: "There is no such transfer here."}

// file is where a transfer stands, at its sender or at its receiver.
type file struct {
	announced events.BusinessTransferAnnounced
	noticed   bool
	sealed    events.TenantExportSealed
	at        time.Time // of the newest export
	completed bool
	shredded  bool
	expected  events.TransferExpected
	imported  events.TransferImported
}

func (o *Office) file(ctx context.Context, id events.TransferID, as *events.Principal) (f file, err error) {
	if u, err := events.ParseUUID(string(id)); err != nil || u.String() != string(id) {
		return f, ErrNotFound
	}
	history, err := o.j.Load(ctx, events.TransferStream(id), as)
	if err != nil {
		return f, fmt.Errorf("read transfer: %w", err)
	}
	for _, rec := range history {
		switch e := rec.Event.(type) {
		case events.BusinessTransferAnnounced:
			f.announced = e
		case events.TransferNoticed:
			f.noticed = true
		case events.TenantExportSealed:
			f.sealed, f.at, f.completed = e, rec.Meta.At, false
		case events.TransferCompleted:
			f.completed = true
		case events.TenantShredded:
			f.shredded = true
		case events.TransferExpected:
			f.expected = e
		case events.TransferImported:
			f.imported = e
		}
	}
	if len(history) == 0 {
		return f, ErrNotFound
	}
	return f, nil
}

// legal is who opens keys for a transfer.
func legal(agent events.AgentID, id events.TransferID) events.Principal {
	return events.Principal{Actor: events.AgentActor(agent), Role: events.RoleLegal, Purpose: events.PurposeLegal, Matter: string(id)}
}

func step(by journal.By, parts ...string) journal.By {
	by.Causation = by.Command
	by.Command = events.DeriveUUID(append([]string{"step", by.Command.String()}, parts...)...)
	return by
}

// Expect begins a transfer at its receiver: it makes a key for one export and gives
// the text that the sender seals it to.
func (o *Office) Expect(ctx context.Context, by journal.By, agent events.AgentID) (id events.TransferID, keys string, err error) {
	id = events.TransferID(events.DeriveUUID("expect", by.Command.String()).String())
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return "", "", fmt.Errorf("expect transfer: %w", err)
	}
	e := events.TransferExpected{
		Transfer: id, Keys: keysText(key.PublicKey(), o.sign.Public().(ed25519.PublicKey)), By: agent, Owner: events.SubjectID(id),
		Key: events.Seal(events.TransferKey{Private: key.Bytes()}),
	}
	_, err = o.j.Execute(ctx, events.TransferStream(id), by, func(history []events.Recorded) ([]events.Event, error) {
		if len(history) > 0 {
			return nil, nil
		}
		return []events.Event{e}, nil
	})
	if err != nil {
		return "", "", fmt.Errorf("expect transfer: %w", err)
	}
	f, err := o.file(ctx, id, nil)
	return id, f.expected.Keys, err
}

// Receipt is what the receiver says it reached, signed with the key that it gave
// with Expect.
type Receipt struct {
	Transfer  events.TransferID `json:"transfer"` // as the sender names it
	Root      string            `json:"root"`
	State     string            `json:"state"`
	Digest    string            `json:"digest"`
	At        time.Time         `json:"at"`
	Signature []byte            `json:"signature,omitempty"`
}

func (r Receipt) bytes() []byte {
	r.Signature = nil
	b, err := json.Marshal(r)
	if err != nil {
		panic(fmt.Sprintf("encode receipt: %v", err)) // strings and a time
	}
	return append([]byte("transfer receipt 1\x00"), b...)
}

// Complete takes the receiver's receipt: it reached the state that was exported.
func (o *Office) Complete(ctx context.Context, by journal.By, agent events.AgentID, id events.TransferID, r Receipt) error {
	f, err := o.file(ctx, id, nil)
	if err != nil {
		return err
	}
	if f.sealed.Transfer == "" {
		return refuse("not_exported", "Nothing was exported yet.")
	}
	_, sign, err := parseKeys(f.sealed.To)
	if err != nil {
		return err
	}
	switch {
	case !ed25519.Verify(sign, r.bytes(), r.Signature) || r.Transfer != id:
		return refuse("receipt", "This receipt was not signed by the hub that the export was made for.")
	case r.State != f.sealed.State || r.Root != f.sealed.Root || r.Digest != f.sealed.Digest:
		return refuse("state", "The receiver did not reach the state of the newest export.")
	}
	_, err = o.j.Execute(ctx, events.TransferStream(id), by, func(history []events.Recorded) ([]events.Event, error) {
		for _, rec := range history {
			if e, done := rec.Event.(events.TransferCompleted); done && e.State == r.State {
				return nil, nil
			}
		}
		return []events.Event{events.TransferCompleted{Transfer: id, State: r.State, By: agent}}, nil
	})
	if err != nil {
		return fmt.Errorf("complete transfer: %w", err)
	}
	return nil
}
