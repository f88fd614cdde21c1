package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"

	"github.com/westshore/hub/events"
)

// Metadata bounds what a read of a stream shows. It does not change what
// ReadAll and Subscribe show, until the server's next scavenge. Zero fields are
// not set.
type Metadata struct {
	MaxCount       int64           `json:"$maxCount,omitempty"` // keep the newest so many
	MaxAge         time.Duration   `json:"-"`                   // keep for so long; whole seconds
	TruncateBefore events.Revision `json:"$tb,omitempty"`       // hide revisions before
}

// wire is Metadata as the server reads it, with its age in seconds.
type wire struct {
	Metadata
	MaxAgeSeconds int64 `json:"$maxAge,omitempty"`
}

// SetMetadata replaces the metadata of a stream. expected is the revision of
// the metadata itself (see Metadata), not of the stream: events.NoStream the
// first time. It repeats itself like Append; errors are the same.
func (s *Store) SetMetadata(ctx context.Context, stream string, expected events.Revision, m Metadata) error {
	const op = "set metadata"
	switch {
	case stream == "":
		return &Error{Kind: Invalid, Op: op, Err: fmt.Errorf("no stream name")}
	case m.MaxCount < 0 || m.MaxAge < 0 || m.TruncateBefore < 0 || m.MaxAge%time.Second != 0:
		return &Error{Kind: Invalid, Op: op, Stream: stream, Err: fmt.Errorf("negative, or not in whole seconds")}
	}
	data, err := json.Marshal(wire{Metadata: m, MaxAgeSeconds: int64(m.MaxAge / time.Second)})
	if err != nil {
		return fmt.Errorf("%s %s: %w", op, stream, err)
	}
	a := appending{s: s, op: op, stream: metastream(stream), expected: expected, data: []esdb.EventData{{
		EventID:     uuid.UUID(events.NewUUID()),
		EventType:   "$metadata",
		ContentType: esdb.ContentTypeJson,
		Data:        data,
	}}}
	_, err = a.run(ctx)
	return err
}

// Metadata returns the metadata of a stream and its revision; a stream without
// any has the zero Metadata at events.NoStream.
func (s *Store) Metadata(ctx context.Context, stream string) (Metadata, events.Revision, error) {
	var w wire
	rev := events.NoStream
	err := s.ReadStreamBackwards(ctx, metastream(stream), 1, func(e Recorded) error {
		rev = e.Revision
		if json.Unmarshal(e.Data, &w) != nil {
			w = wire{} // as the server takes it
		}
		return nil
	})
	if err != nil && !IsNotFound(err) {
		return Metadata{}, 0, err
	}
	w.MaxAge = time.Duration(w.MaxAgeSeconds) * time.Second
	return w.Metadata, rev, nil
}

func metastream(stream string) string { return "$$" + stream }

// Tombstone deletes a stream for good: nothing can be read from it or written
// to it again, and its name is burnt. The whole log shows the tombstone, and
// the events before it until a scavenge. Errors: Conflict, Deleted (it was
// deleted before this call), Denied, Unavailable, OutcomeUnknown.
func (s *Store) Tombstone(ctx context.Context, stream string, expected events.Revision) error {
	const op = "tombstone"
	if stream == "" || expected < events.AnyRevision {
		return &Error{Kind: Invalid, Op: op, Stream: stream, Err: fmt.Errorf("no stream name, or expected revision %d", expected)}
	}
	opts := esdb.TombstoneStreamOptions{ExpectedRevision: expectedRevision(expected)}
	p := s.patience()
	sent := false
	for {
		actx, cancel := p.attempt(ctx)
		_, err := do(actx, s.calls, func(ctx context.Context, c *esdb.Client) (struct{}, error) {
			_, err := c.TombstoneStream(ctx, stream, opts)
			return struct{}{}, err
		})
		cancel()
		if err == nil {
			return nil
		}
		f := classify(err)
		if sent && f.kind == Deleted {
			return nil // by the attempt whose answer was lost
		}
		sent = sent || f.sent
		if !f.retry || !p.wait(ctx) {
			if f.kind == Conflict && f.current == unknownRevision {
				return &Error{Kind: Conflict, Op: op, Stream: stream, Current: s.lastRevision(ctx, stream), Err: err}
			}
			return s.fail(ctx, op, stream, err, sent)
		}
	}
}

// lastRevision reads where a stream is, for an error that did not say.
func (s *Store) lastRevision(ctx context.Context, stream string) events.Revision {
	last := events.NoStream
	_ = s.ReadStreamBackwards(ctx, stream, 1, func(e Recorded) error { // best effort
		last = e.Revision
		return nil
	})
	return last
}
