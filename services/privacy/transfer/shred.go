package transfer

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/events/store"
	"github.com/westshore/hub/events/vault"
	"github.com/westshore/hub/services/privacy/bundle"
)

// Shred destroys the sender's keys of what was handed over, once the receiver's
// receipt is there and by another person than who made the export. What a hold or the
// person keeps waits; people who are still customers of another mailbox stay. It
// gives a certificate: a signed bundle with the name of every destroyed key.
func (o *Office) Shred(ctx context.Context, by journal.By, agent events.AgentID, id events.TransferID) ([]byte, error) {
	f, err := o.file(ctx, id, nil)
	switch {
	case err != nil:
		return nil, err
	case !f.completed:
		return nil, refuse("not_completed", "The receiver's receipt is needed first.")
	case f.sealed.By == agent:
		return nil, refuse("same_person", "A second, different person has to destroy what was handed over.")
	}
	if err := o.cfg.Independent(ctx, f.sealed.By, agent); err != nil {
		return nil, fmt.Errorf("shred: %w", err)
	}
	sc, err := o.scope(ctx, f.sealed.Mailboxes, f.sealed.Through)
	if err != nil {
		return nil, err
	}
	keys, shared, people, err := o.handedOver(ctx, sc, f.sealed.Through)
	if err != nil {
		return nil, fmt.Errorf("shred: %w", err)
	}
	order := events.DeriveUUID("shred", string(id))
	done, err := o.cfg.Destroy(ctx, order, vault.CauseTenant, keys)
	if err != nil {
		return nil, fmt.Errorf("shred: %w", err)
	}
	for _, who := range people {
		if err := o.forgotten(ctx, order, who); err != nil {
			return nil, fmt.Errorf("shred: %w", err)
		}
	}
	leaves := make([][]byte, len(done.Killed))
	slices.Sort(done.Killed)
	for i, k := range done.Killed {
		leaves[i] = []byte(k)
	}
	e := events.TenantShredded{
		Transfer: id, Keys: len(done.Killed), Deferred: len(done.Deferred), Shared: shared, Root: hex.EncodeToString(bundle.Tree(leaves)), By: agent,
	}
	_, err = o.j.Execute(ctx, events.TransferStream(id), by, func(history []events.Recorded) ([]events.Event, error) {
		for _, rec := range history {
			if _, was := rec.Event.(events.TenantShredded); was {
				return nil, nil
			}
		}
		return []events.Event{e}, nil
	})
	if err != nil {
		return nil, fmt.Errorf("shred: %w", err)
	}
	return o.certificate(f, e, done)
}

// handedOver lists the keys of what the export covered. Keys of people whom a part
// of the business shares with the rest are counted, not listed.
func (o *Office) handedOver(ctx context.Context, sc *scope, through events.Position) (keys []vault.Info, shared int, people []events.SubjectID, err error) {
	seen := map[events.Stream]bool{}
	err = o.read(ctx, through, func(r *store.Recorded) error {
		in, err := sc.has(r)
		if err != nil || !in {
			return err
		}
		stream := events.Stream(r.Stream)
		env, err := events.ParseEnvelope(r.ID, r.Type, stream, r.Data, r.Meta)
		if err != nil {
			return err
		}
		if stream.Family() == "customer" && sc.all && !seen[stream] {
			seen[stream] = true
			people = append(people, events.SubjectID(stream.Key()))
		}
		for _, ref := range env.Meta.Segments {
			if stream.Family() == "customer" && !sc.all {
				shared++
				continue
			}
			keys = append(keys, vault.Info{KID: ref.KID, Subject: ref.Subject, Stream: stream})
		}
		return nil
	})
	return keys, shared, people, err
}

// forgotten forgets the addresses of somebody of whom nothing is left.
func (o *Office) forgotten(ctx context.Context, order events.UUID, who events.SubjectID) error {
	left, err := o.cfg.Vault.SubjectKeys(ctx, who)
	if err != nil || len(left) > 0 {
		return err
	}
	return o.cfg.Fence(ctx, order, who)
}

// certificate says what was destroyed; hub privacy verify-package checks it.
func (o *Office) certificate(f file, e events.TenantShredded, done vault.Destroyed) ([]byte, error) {
	var list []byte
	for _, k := range done.Killed {
		list = append(append(list, k...), '\n')
	}
	doc, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("certify: %w", err)
	}
	raw, _, err := bundle.Make(bundle.Manifest{Kind: "shredding", Made: o.cfg.Now(), Facts: map[string]string{
		"transfer": string(e.Transfer), "acquirer": string(f.announced.Acquirer), "export": f.sealed.Digest, "state": f.sealed.State,
		"destroyed": fmt.Sprint(e.Keys), "deferred": fmt.Sprint(e.Deferred), "root": e.Root,
		"level": "V2: no key of it is left in this house but those deferred; copies in backups end with their horizon",
	}}, []bundle.File{{Name: "keys.txt", Body: list}, {Name: "certificate.json", Body: doc}}, o.sign)
	return raw, err
}
