package retention

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"golang.org/x/sync/errgroup"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/vault"
)

// Sweep previews, and carries out what is within the limits. What is above them
// waits for two persons. It returns the last preview.
func (e *Engine) Sweep(ctx context.Context) (*Sweep, error) {
	if err := e.TakeUp(ctx); err != nil {
		return nil, err
	}
	for {
		w, err := e.Preview(ctx)
		if err != nil {
			return nil, err
		}
		if w.Keys == 0 {
			return e.nothing(ctx, w)
		}
		if !w.Auto {
			e.log.Warn("a sweep is above the limits and waits for two persons", "sweep", w.Sweep.String(), "keys", w.Keys)
			return w, nil
		}
		if err := e.TakeUp(ctx); err != nil {
			return nil, err
		}
		if w.Keys < sweepKeys {
			return e.find(ctx, w.Sweep)
		}
	}
}

// nothing records that a sweep found nothing due: that it ran is evidence too.
func (e *Engine) nothing(ctx context.Context, w *Sweep) (*Sweep, error) {
	w.Auto = true
	w.Swept = &events.RetentionSwept{Sweep: w.Sweep, Digest: w.Digest, At: w.At, ByClass: []events.ClassCount{}}
	w.SweptAt = e.now()
	by := e.system("nothing", w.Sweep.String())
	_, err := e.j.Execute(ctx, events.SweepsStream, by, func([]events.Recorded) ([]events.Event, error) {
		return []events.Event{w.RetentionPreviewed, *w.Swept}, nil
	})
	if err != nil {
		return nil, fmt.Errorf("record sweep: %w", err)
	}
	return w, nil
}

// TakeUp carries out every sweep that was approved and did not end, also those
// that a crash cut short.
func (e *Engine) TakeUp(ctx context.Context) error {
	e.sweeping.Lock()
	defer e.sweeping.Unlock()
	s, err := e.load(ctx)
	if err != nil {
		return fmt.Errorf("take up sweeps: %w", err)
	}
	for _, w := range s.approved() {
		clock, err := e.Clock(ctx)
		if err != nil {
			return fmt.Errorf("take up sweep %s: %w", w.Sweep, err)
		}
		if clock.Suspended != "" {
			return nil
		}
		if err := e.carryOut(ctx, w); err != nil {
			return fmt.Errorf("carry out sweep %s: %w", w.Sweep, err)
		}
	}
	return nil
}

// carryOut destroys what of the approved list is still due, part by part. Each
// step may be repeated.
func (e *Engine) carryOut(ctx context.Context, w *Sweep) error {
	head, err := e.j.Head(ctx)
	if err != nil {
		return err
	}
	if err := e.cfg.Anchors.Wait(ctx, head); err != nil {
		return err
	}
	history, err := e.j.Load(ctx, events.SweepStream(w.Sweep), nil)
	if err != nil {
		return err
	}
	if err := complete(history, w); err != nil {
		return err
	}
	done := events.RetentionSwept{Sweep: w.Sweep, Digest: w.Digest, At: w.At}
	classes, streams := map[events.Class]int64{}, map[events.Stream]bool{}
	for _, r := range history {
		part := r.Event.(events.RetentionListed) //nolint:forcetypeassert // complete looked
		keys := unlist(part.Keys)
		gone, deferred, err := e.destroy(ctx, w, part.Part, keys)
		if err != nil {
			return err
		}
		done.Destroyed += int64(len(gone))
		done.Deferred += deferred
		done.Spared += int64(len(keys)-len(gone)) - deferred
		for _, k := range gone {
			classes[k.Class]++
			streams[k.Stream] = true
		}
	}
	done.ByClass, done.Streams = counts(classes), int64(len(streams))
	if done.Archived, err = e.archive(ctx, slices.Sorted(maps.Keys(streams))); err != nil {
		return err
	}
	by := e.system("swept", w.Sweep.String())
	if _, err := e.j.Execute(ctx, events.SweepsStream, by, func([]events.Recorded) ([]events.Event, error) { return []events.Event{done}, nil }); err != nil {
		return err
	}
	e.log.Info("swept", "sweep", w.Sweep.String(), "destroyed", done.Destroyed, "deferred", done.Deferred, "spared", done.Spared, "archived", done.Archived)
	return nil
}

// complete makes sure that the list is the one that was approved.
func complete(history []events.Recorded, w *Sweep) error {
	var kids []events.KID
	for i, r := range history {
		part, ok := r.Event.(events.RetentionListed)
		if !ok || part.Part != i+1 {
			return errors.New("its list of keys is damaged")
		}
		for _, l := range part.Keys {
			kids = append(kids, l.KIDs...)
		}
	}
	d, err := vault.Digest(kids)
	if err != nil || events.Hash(d) != w.Digest || len(history) != w.Parts {
		return errors.Join(errors.New("its list of keys is not the one that was approved"), err)
	}
	return nil
}

// order is the order that destroys a part of a sweep.
func order(sweep events.UUID, part int) events.UUID {
	return events.DeriveUUID("sweep", sweep.String(), strconv.Itoa(part))
}

// destroy carries out one part: the keys, then a tombstone in each stream, then
// the views. It returns the keys that this sweep destroyed, now or before it was
// cut short.
func (e *Engine) destroy(ctx context.Context, w *Sweep, part int, keys []vault.Info) (gone []vault.Info, deferred int64, err error) {
	id := order(w.Sweep, part)
	done, err := e.cfg.Destroy(ctx, id, w.At, keys)
	var missing *vault.KeyMissingError
	if errors.As(err, &missing) {
		e.log.Error("privacy incident: keys are missing without a tombstone", "sweep", w.Sweep.String(), "keys", len(missing.KIDs))
	} else if err != nil {
		return nil, 0, err
	}
	tombs, err := e.cfg.Vault.Tombs(ctx, done.Killed)
	if err != nil {
		return nil, 0, err
	}
	people := map[events.SubjectID]bool{}
	for _, k := range keys {
		// A key that another order destroyed meanwhile is that order's to tell of.
		if t, dead := tombs[k.KID]; dead && t.Order == id {
			gone = append(gone, k)
			people[k.Subject] = true
		}
	}
	if err := e.tombstones(ctx, id, gone); err != nil {
		return nil, 0, err
	}
	if len(people) > 0 {
		if err := e.cfg.Purge(ctx, slices.Sorted(maps.Keys(people))); err != nil {
			return nil, 0, fmt.Errorf("purge views: %w", err)
		}
	}
	return gone, int64(len(done.Deferred)), nil
}

// tombstones appends SegmentsErased to every stream that an order touched, once.
func (e *Engine) tombstones(ctx context.Context, order events.UUID, gone []vault.Info) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(tellAtOnce)
	byStream := map[events.Stream][]events.KID{}
	for _, k := range gone {
		byStream[k.Stream] = append(byStream[k.Stream], k.KID)
	}
	at := e.now().UTC()
	for stream, kids := range byStream {
		g.Go(func() error {
			by := e.system("erased", order.String())
			_, err := e.j.Execute(ctx, stream, by, func([]events.Recorded) ([]events.Event, error) {
				return []events.Event{events.SegmentsErased{Order: order, Cause: vault.CauseRetention, KIDs: kids, At: at}}, nil
			})
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return fmt.Errorf("leave tombstones: %w", err)
	}
	return nil
}
