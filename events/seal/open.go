package seal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/vault"
)

// Open opens the segments of many events at once, as far as the principal may
// read them. An event of an unknown type gives nil in its place.
//
// One damaged segment does not hide the others: where a key is missing
// (*vault.KeyMissingError) or a ciphertext is not what was sealed (ErrTamper),
// the segment stays Unopened, and all events come together with the error.
func (s *Sealer) Open(ctx context.Context, p events.Principal, envs []events.Envelope) ([]events.Event, error) {
	defer s.vault.Reading()()
	var kids []events.KID
	for i := range envs {
		for _, ref := range envs[i].Meta.Segments {
			kids = append(kids, ref.KID)
		}
	}
	results, incident, err := s.keys(ctx, p, kids)
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	defer wipe(results)
	out := make([]events.Event, len(envs))
	for i := range envs {
		n := len(envs[i].Meta.Segments)
		opened, err := openEvent(p, &envs[i], results[:n])
		results = results[n:]
		if err != nil {
			incident = errors.Join(incident, fmt.Errorf("open event %s: %w", envs[i].ID, err))
		}
		event, err := events.Join(envs[i], opened)
		var unknown *events.UnknownError
		if err != nil && !errors.As(err, &unknown) {
			return nil, errors.Join(fmt.Errorf("open event %s: %w", envs[i].ID, err), incident)
		}
		out[i] = event
	}
	return out, incident
}

// keys asks the vault; missing keys are an incident beside the results.
func (s *Sealer) keys(ctx context.Context, p events.Principal, kids []events.KID) ([]vault.Result, error, error) {
	results, err := s.vault.Keys(ctx, p, kids)
	var missing *vault.KeyMissingError
	if errors.As(err, &missing) {
		return results, fmt.Errorf("open: %w", err), nil
	}
	return results, nil, err
}

func openEvent(p events.Principal, env *events.Envelope, results []vault.Result) ([]events.Opened, error) {
	if len(env.Sealed) != len(results) {
		return make([]events.Opened, len(results)), ErrTamper
	}
	var errs error
	opened := make([]events.Opened, len(results))
	for i := range results {
		ref, r := &env.Meta.Segments[i], &results[i]
		opened[i] = events.Opened{State: r.State, Tomb: r.Tomb, Why: r.Why}
		if r.State != events.Plain && r.State != events.Masked {
			continue
		}
		var plain []byte
		err := ErrTamper
		if bytes.Equal(ref.Commit, r.Commit) {
			plain, err = openSegment(r.DEK[:], env.Sealed[i], aad(env, i))
		}
		if err != nil {
			opened[i] = events.Opened{}
			errs = errors.Join(errs, fmt.Errorf("segment %s: %w", ref.Field, err))
			continue
		}
		// Only now is it certain that the list of purposes is the one sealed.
		if len(ref.Purposes) > 0 && !slices.Contains(ref.Purposes, p.Purpose) && !anyway[p.Purpose] {
			opened[i] = events.Opened{State: events.Denied, Why: fmt.Sprintf("not collected for purpose %q", p.Purpose)}
			continue
		}
		if r.State == events.Masked {
			plain, err = mask(plain)
			errs = errors.Join(errs, err)
		}
		opened[i].Plain = plain
	}
	return opened, errs
}

// anyway are purposes that the law gives for whatever was collected for others
// (GDPR article 6(1)(c) and (f), article 23): the person's own rights, legal
// demands, disputes and fraud, and what the person agreed to.
var anyway = map[events.Purpose]bool{
	events.PurposeDSR: true, events.PurposeLegal: true, events.PurposeDispute: true, events.PurposeFraud: true, events.PurposeConsent: true,
}

// OpenBlob opens a file, as far as the principal may read the segment it belongs
// to; the bytes are nil unless the state is Plain (a file cannot be masked). It fails with ErrTamper when
// the file is not what was sealed, and with a *vault.KeyMissingError when its key
// is missing.
func (s *Sealer) OpenBlob(ctx context.Context, p events.Principal, b events.Blob) ([]byte, events.State, error) {
	defer s.vault.Reading()()
	if b.KID == "" {
		return nil, events.Unopened, errors.New("open file: there is none, or it was never sealed")
	}
	results, err := s.vault.Keys(ctx, p, []events.KID{b.KID})
	if err != nil {
		return nil, events.Unopened, fmt.Errorf("open file: %w", err)
	}
	defer wipe(results)
	if results[0].State != events.Plain {
		return nil, results[0].State, nil
	}
	sealed := b.Inline
	if sealed == nil {
		if sealed, err = s.files.Get(ctx, b.Digest); err != nil {
			return nil, events.Unopened, fmt.Errorf("open file: %w", err)
		}
	}
	if digest(sealed) != b.Digest {
		return nil, events.Unopened, fmt.Errorf("open file of event %s: %w", b.Ref.Event, ErrTamper)
	}
	plain, err := openBlob(results[0].DEK[:], sealed, b.Size, b.KID, b.Ref)
	if err != nil {
		return nil, events.Unopened, fmt.Errorf("open file of event %s: %w", b.Ref.Event, err)
	}
	return plain, events.Plain, nil
}

// wipe overwrites keys that were copied out of the vault. The runtime may have
// moved copies of its own; it is an effort, not a promise.
func wipe(results []vault.Result) {
	for i := range results {
		clear(results[i].DEK[:])
	}
}
