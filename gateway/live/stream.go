package live

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/projections"
)

const (
	retryMillis = 1500
	// breath is the least time between two bursts: in it, changes of one thing
	// become one.
	breath = 50 * time.Millisecond
)

// errSignedOut ends a stream whose session ended.
var errSignedOut = errors.New("session ended")

// stream is one browser.
type stream struct {
	l    *Live
	req  Request
	conn net.Conn
	w    *bufio.Writer
	at   events.Position
}

func (s *stream) run() error {
	beat := time.NewTicker(s.l.cfg.Heartbeat)
	defer beat.Stop()
	if err := s.begin(beat.C); err != nil {
		return err
	}
	for {
		woken := s.l.cfg.Feed.Changed()
		if err := s.catchUp(); err != nil {
			return err
		}
		select {
		case <-woken:
			if s.pause() {
				return s.bye()
			}
		case <-beat.C:
			if err := s.beat(); err != nil {
				return err
			}
		case <-s.l.stop:
			return s.bye()
		}
	}
}

// begin greets, and finds out where the browser is.
func (s *stream) begin(beat <-chan time.Time) error {
	feed := s.l.cfg.Feed
	s.at = feed.Latest()
	if s.req.From != nil {
		s.at = *s.req.From
	}
	if _, err := fmt.Fprintf(s.w, "retry: %d\n", retryMillis); err != nil {
		return err
	}
	if err := s.send("hello", "", map[string]string{"pos": s.at.String()}); err != nil {
		return err
	}
	if err := s.flush(); err != nil {
		return err
	}
	late := time.NewTimer(s.l.cfg.Patience)
	defer late.Stop()
	for {
		woken := feed.Changed()
		if !feed.Latest().Before(s.at) {
			return nil
		}
		select {
		case <-woken:
		case <-beat:
		case <-late.C:
			return s.reset()
		case <-s.l.stop:
			return nil // the loop says goodbye
		}
	}
}

// reset tells the browser to fetch everything again.
func (s *stream) reset() error {
	s.at = s.l.cfg.Feed.Latest()
	if err := s.send("reset", s.at.String(), map[string]string{"pos": s.at.String()}); err != nil {
		return err
	}
	return s.flush()
}

// catchUp sends what the feed has after the stream's position. An id goes only
// with the last change of a position: one with an id says that everything up to
// it was seen.
func (s *stream) catchUp() error {
	changes, ok := s.l.cfg.Feed.Since(s.at)
	if !ok {
		return s.reset()
	}
	if len(changes) == 0 {
		return nil
	}
	last := changes[len(changes)-1].Position
	changes = merge(changes)
	for i, c := range changes {
		id := ""
		if i == len(changes)-1 {
			id = last.String()
		} else if c.Position.Before(changes[i+1].Position) {
			id = c.Position.String()
		}
		if err := s.send("change", id, wire(c)); err != nil {
			return err
		}
	}
	s.at = last
	return s.flush()
}

// merge keeps the last change of each thing, with the fields of all of them.
func merge(changes []projections.Change) []projections.Change {
	type key struct{ kind, id string }
	last := make(map[key]int, len(changes))
	for i, c := range changes {
		last[key{c.Kind, c.ID}] = i
	}
	if len(last) == len(changes) {
		return changes
	}
	fields := map[key][]string{}
	whole := map[key]bool{} // one of them did not say what changed
	out := make([]projections.Change, 0, len(last))
	for i, c := range changes {
		k := key{c.Kind, c.ID}
		whole[k] = whole[k] || len(c.Fields) == 0
		for _, f := range c.Fields {
			if !slices.Contains(fields[k], f) {
				fields[k] = append(fields[k], f)
			}
		}
		if last[k] != i {
			continue
		}
		if c.Fields = fields[k]; whole[k] {
			c.Fields = nil
		}
		out = append(out, c)
	}
	return out
}

type change struct {
	Kind   string          `json:"kind"`
	ID     string          `json:"id"`
	Rev    events.Revision `json:"rev"`
	Fields []string        `json:"fields,omitempty"`
	Pos    string          `json:"pos"`
}

func wire(c projections.Change) change {
	return change{c.Kind, c.ID, c.Revision, c.Fields, c.Position.String()}
}

// beat keeps the connection open, notices a browser that left, moves the resume
// point of one for which nothing happened, and ends a session that ended.
func (s *stream) beat() error {
	if s.req.Alive != nil {
		ctx, cancel := context.WithTimeout(context.Background(), s.l.cfg.Deadline)
		err := s.req.Alive(ctx)
		cancel()
		if err != nil {
			return errors.Join(errSignedOut, s.last("session"))
		}
	}
	if latest := s.l.cfg.Feed.Latest(); s.at.Before(latest) {
		// Only when nothing came between: otherwise the loop sends it first.
		if changes, ok := s.l.cfg.Feed.Since(s.at); ok && len(changes) == 0 {
			s.at = latest
		}
	}
	if _, err := fmt.Fprintf(s.w, ": beat\nid: %s\n\n", s.at); err != nil {
		return err
	}
	return s.flush()
}

// pause takes a breath after being woken; true when the house closes.
func (s *stream) pause() bool {
	t := time.NewTimer(breath)
	defer t.Stop()
	select {
	case <-t.C:
		return false
	case <-s.l.stop:
		return true
	}
}

func (s *stream) bye() error { return s.last("bye") }

func (s *stream) last(event string) error {
	if err := s.send(event, "", struct{}{}); err != nil {
		return err
	}
	return s.flush()
}

func (s *stream) send(event, id string, data any) error {
	b, err := json.Marshal(data)
	if err != nil {
		return err
	}
	if id != "" {
		id = "id: " + id + "\n"
	}
	_, err = fmt.Fprintf(s.w, "%sevent: %s\ndata: %s\n\n", id, event, b)
	return err
}

func (s *stream) flush() error {
	if err := s.conn.SetWriteDeadline(time.Now().Add(s.l.cfg.Deadline)); err != nil {
		return err
	}
	return s.w.Flush()
}
