package erasure

import (
	"context"
	"fmt"
	"slices"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
)

// storeFiles is the receipt of the sealed files.
const storeFiles = "blobs"

func (o *Office) allPurged(s *State) bool {
	for _, st := range o.cfg.Stores {
		if _, ok := s.Purged[st.ID]; !ok {
			return false
		}
	}
	_, ok := s.Purged[storeFiles]
	return ok
}

// purge brings every store that keeps readable text to today's keys, and deletes
// the files whose keys are gone. Each store gives a receipt.
func (o *Office) purge(ctx context.Context, s *State) error {
	order := Order{ID: s.Scope.Order, Subjects: s.Scope.Subjects}
	for _, st := range o.cfg.Stores {
		if _, ok := s.Purged[st.ID]; ok {
			continue
		}
		if err := o.stop(stepPurge + ":" + st.ID); err != nil {
			return err
		}
		rows, err := st.Purge(ctx, order)
		if err != nil {
			return fmt.Errorf("purge %s: %w", st.ID, err)
		}
		if err := o.say(ctx, s, "purge "+st.ID, events.StorePurged{Request: s.Request, Order: order.ID, Store: st.ID, Rows: rows}); err != nil {
			return err
		}
	}
	if _, ok := s.Purged[storeFiles]; ok {
		return nil
	}
	gone, err := o.gone(ctx, s)
	if err != nil {
		return err
	}
	files, err := forget(ctx, o.j, o.cfg.Forget, gone)
	if err != nil {
		return fmt.Errorf("delete files: %w", err)
	}
	return o.say(ctx, s, "purge "+storeFiles, events.StorePurged{Request: s.Request, Order: order.ID, Store: storeFiles, Rows: files})
}

// forget deletes the sealed files that share a key that is gone.
func forget(ctx context.Context, j *journal.Journal, remove func(context.Context, events.Hash) error, gone []Target) (files int, err error) {
	dead := map[events.KID]bool{}
	var streams []events.Stream
	for _, t := range gone {
		dead[t.KID] = true
		if !slices.Contains(streams, t.Stream) {
			streams = append(streams, t.Stream)
		}
	}
	for _, stream := range streams {
		history, err := j.Load(ctx, stream, nil)
		if err != nil {
			return files, err
		}
		for _, r := range history {
			_, err := events.MapBlobs(r.Event, func(b events.Blob, _ string, _ events.BlobAt) (events.Blob, error) {
				if b.Inline != nil || !dead[b.KID] || remove == nil {
					return b, nil
				}
				files++
				return b, remove(ctx, b.Digest)
			})
			if err != nil {
				return files, err
			}
		}
	}
	return files, nil
}
