package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/westshore/hub/events"
)

const (
	identityStream = "hub-store"
	identityType   = events.TypePrefix + "StoreIdentified"
)

// Head returns the position of the newest event of the whole log, or
// events.Start when it is empty. Events of the server itself, whose types begin
// with "$", do not count: nobody who reads by type ever gets to them. Errors: Denied, Unavailable.
func (s *Store) Head(ctx context.Context) (events.Position, error) {
	p := s.patience()
	for {
		got, err := s.page(ctx, &p, headPage())
		if err == nil {
			return headOf(got), nil
		}
		if !classify(err).retry || !p.wait(ctx) {
			return events.Start, s.fail(ctx, "head", "", err, false)
		}
	}
}

func headOf(p page) events.Position {
	for _, e := range p.events {
		if !strings.HasPrefix(e.Type, "$") {
			return e.Position
		}
	}
	if len(p.events) == 0 {
		return events.Start
	}
	return p.events[0].Position
}

// Ping reports whether the server answers now. It tries once; bound it with
// ctx for a quick answer.
func (s *Store) Ping(ctx context.Context) error {
	p := s.patience()
	if _, err := s.page(ctx, &p, headPage()); err != nil {
		return s.fail(ctx, "ping", "", err, false)
	}
	return nil
}

// Identity returns what tells this store from any other: the id of the first
// event of the stream hub-store, 32 hexadecimal digits. It is written once, by
// whoever asks first. Keep it beside every position; under another identity a
// position means nothing.
func (s *Store) Identity(ctx context.Context) (string, error) {
	id, err := s.readIdentity(ctx)
	if !IsNotFound(err) {
		return id, err
	}
	e := Event{ID: events.NewUUID(), Type: identityType, Data: []byte("{}")}
	if _, err := s.Append(ctx, identityStream, events.NoStream, e); err == nil {
		return e.ID.String(), nil
	} else if _, raced := IsConflict(err); !raced {
		return "", fmt.Errorf("identity: %w", err)
	}
	return s.readIdentity(ctx)
}

func (s *Store) readIdentity(ctx context.Context) (string, error) {
	var id string
	err := s.ReadStream(ctx, identityStream, 0, 1, func(e Recorded) error {
		id = e.ID.String()
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("identity: %w", err)
	}
	if id == "" {
		return "", fmt.Errorf("identity: stream %s is empty", identityStream)
	}
	return id, nil
}
