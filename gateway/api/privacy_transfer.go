package api

import (
	"context"
	"encoding/base64"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/services/privacy/disclosure"
	"github.com/westshore/hub/services/privacy/transfer"
)

// TransferReceipt is what the acquirer's hub says it reached, signed.
type TransferReceipt struct {
	Transfer  string    `json:"transfer" maxLength:"40"`
	Root      string    `json:"root" maxLength:"64"`
	State     string    `json:"state" maxLength:"64"`
	Digest    string    `json:"digest" maxLength:"64"`
	At        time.Time `json:"at"`
	Signature string    `json:"signature" maxLength:"100" doc:"Ed25519, base64"`
}

// TransferKeys are what the sender of a business needs of its receiver.
type TransferKeys struct {
	ID   string `json:"id"`
	Keys string `json:"keys" doc:"Public keys; the sender's hub privacy transfer export takes them as to="`
}

// privacyTransfers are the steps of a business transfer that need no file. Exports
// and imports are gigabytes, and an import wants a hub that does not serve: the
// command line does both.
func (a *API) privacyTransfers() {
	add(a, privacyDescribe(post("add-privacy-transfer", "/privacy/transfers", "Announce a business transfer; everybody is written to once")), func(ctx context.Context, in *struct {
		Command
		Body struct {
			Acquirer  string    `json:"acquirer" maxLength:"64"`
			Effective time.Time `json:"effective"`
			ObjectBy  time.Time `json:"object_by"`
			Subject   string    `json:"subject" minLength:"3" maxLength:"200"`
			Text      string    `json:"text" minLength:"20" maxLength:"20000"`
		}
	},
	) (*madeOutput, error) {
		agent, err := officer(ctx)
		if err != nil {
			return nil, err
		}
		b := in.Body
		id, err := a.rooms.Privacy.Disclosure.Announce(ctx, in.by(ctx, a.cfg.Now), agent.ID, disclosure.NewTransfer{
			Acquirer: events.RecipientID(b.Acquirer), Effective: b.Effective, ObjectBy: b.ObjectBy, Subject: b.Subject, Text: b.Text,
		})
		return &madeOutput{Made{string(id)}}, err
	})
	type keysOutput struct{ Body TransferKeys }
	add(a, privacyDescribe(post("expect-privacy-transfer", "/privacy/transfers/expect", "Expect a business from another hub: make the key that it is sealed to")), func(ctx context.Context, in *struct{ Command }) (*keysOutput, error) {
		agent, err := officer(ctx)
		if err != nil {
			return nil, err
		}
		id, keys, err := a.rooms.Privacy.Transfer.Expect(ctx, in.by(ctx, a.cfg.Now), agent.ID)
		return &keysOutput{TransferKeys{string(id), keys}}, err
	})
	add(a, privacyDescribe(post("privacy-transfers-complete", "/privacy/transfers/{id}/complete", "Take the receipt of the acquirer's hub: it reached the same state")), func(ctx context.Context, in *struct {
		Command
		ID   string `path:"id" maxLength:"40"`
		Body TransferReceipt
	},
	) (*madeOutput, error) {
		agent, err := officer(ctx)
		if err != nil {
			return nil, err
		}
		if err := identifier(in.ID); err != nil {
			return nil, err
		}
		b := in.Body
		mark, err := base64.StdEncoding.DecodeString(b.Signature)
		if err != nil {
			return nil, &transfer.Refusal{Reason: "receipt", Sentence: "The signature of the receipt is no base64."}
		}
		return &madeOutput{Made{in.ID}}, a.rooms.Privacy.Transfer.Complete(ctx, in.by(ctx, a.cfg.Now), agent.ID, events.TransferID(in.ID), transfer.Receipt{
			Transfer: events.TransferID(b.Transfer), Root: b.Root, State: b.State, Digest: b.Digest, At: b.At, Signature: mark,
		})
	})
	shred := privacyDescribe(post("privacy-transfers-shred", "/privacy/transfers/{id}/shred", "Destroy the keys of what was handed over; the certificate is the answer"))
	shred.Responses = map[string]*huma.Response{"200": {
		Description: "The certificate", Content: map[string]*huma.MediaType{"application/zip": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}},
	}}
	add(a, shred, func(ctx context.Context, in *struct {
		Command
		ID string `path:"id" maxLength:"40"`
	},
	) (*fileOutput, error) {
		agent, err := officer(ctx)
		if err != nil {
			return nil, err
		}
		if err := identifier(in.ID); err != nil {
			return nil, err
		}
		raw, err := a.rooms.Privacy.Transfer.Shred(ctx, in.by(ctx, a.cfg.Now), agent.ID, events.TransferID(in.ID))
		return &fileOutput{
			Type: "application/zip", Disposition: `attachment; filename="shredding-` + in.ID[:8] + `.zip"`, Policy: filePolicy, FrameOptions: "DENY",
			Referrer: "no-referrer", CacheControl: "no-store", Body: raw,
		}, err
	})
}
