package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/westshore/hub/events"
)

// Headers of a message on NATS.
const (
	keyHeader = "Hub-Key" // Message.Key

	// Atomic batch publishing, NATS ADR-50: the messages of a batch are stored
	// together, with one sync for all of them.
	batchID     = "Nats-Batch-Id"
	batchSeq    = "Nats-Batch-Sequence"
	batchCommit = "Nats-Batch-Commit"
)

// maxBatch is how many messages are stored together; a server takes 1,000 at most.
const maxBatch = 200

// patience bounds how long a publish waits for a server that does not answer.
const patience = 10 * time.Second

// Publish hands messages to the bus and returns when all of them are on disk
// there; a server that is away fails it within ten seconds. When it fails, any of them may have arrived; publishing the same ids
// again is harmless.
func (b *Bus) Publish(ctx context.Context, msgs ...Message) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := b.ensure(ctx); err != nil {
		return err
	}
	out := make([]*nats.Msg, len(msgs))
	for i, m := range msgs {
		data, err := m.encode()
		if err != nil {
			return err
		}
		out[i] = nats.NewMsg(string(m.To))
		out[i].Data = data
		out[i].Header.Set("Content-Type", "application/cloudevents+json")
		out[i].Header.Set(jetstream.MsgIDHeader, m.ID)
		if m.Key != "" {
			out[i].Header.Set(keyHeader, m.Key)
		}
	}
	for len(out) > 0 {
		n := min(len(out), maxBatch)
		if err := b.publish(ctx, out[:n]); err != nil {
			return fmt.Errorf("publish to %s: %w", out[0].Subject, err)
		}
		out = out[n:]
	}
	return nil
}

// publish stores messages together. A server that refuses a batch, because one of
// its messages is there already or it knows no batches, gets them one by one.
func (b *Bus) publish(ctx context.Context, msgs []*nats.Msg) error {
	if len(msgs) > 1 {
		err := b.together(ctx, msgs)
		var refused *refusedError
		if !errors.As(err, &refused) {
			return err
		}
		b.log.Debug("batch refused, publishing one by one", "code", refused.code)
		for _, m := range msgs {
			m.Header.Del(batchID)
			m.Header.Del(batchSeq)
			m.Header.Del(batchCommit)
		}
	}
	return b.oneByOne(ctx, msgs)
}

// refusedError is a batch that the server did not store.
type refusedError struct{ code int }

func (e *refusedError) Error() string { return fmt.Sprintf("batch refused with code %d", e.code) }

func (b *Bus) together(ctx context.Context, msgs []*nats.Msg) error {
	id := events.NewUUID().String()
	for i, m := range msgs {
		m.Header.Set(batchID, id)
		m.Header.Set(batchSeq, strconv.Itoa(i+1))
		if i < len(msgs)-1 {
			if err := b.conn.PublishMsg(m); err != nil {
				return err
			}
		}
	}
	last := msgs[len(msgs)-1]
	last.Header.Set(batchCommit, "1")
	reply, err := b.conn.RequestMsgWithContext(ctx, last)
	if err != nil {
		return err
	}
	var ack struct {
		Error *struct {
			Code int `json:"err_code"`
		} `json:"error"`
		Count int `json:"count"`
	}
	if err := json.Unmarshal(reply.Data, &ack); err != nil {
		return fmt.Errorf("read acknowledgement: %w", err)
	}
	switch {
	case ack.Error != nil:
		return &refusedError{ack.Error.Code}
	case ack.Count != len(msgs): // a server that knows no batches stored the last one only
		return &refusedError{}
	}
	return nil
}

func (b *Bus) oneByOne(ctx context.Context, msgs []*nats.Msg) error {
	futures := make([]jetstream.PubAckFuture, len(msgs))
	for i, m := range msgs {
		var err error
		if futures[i], err = b.js.PublishMsgAsync(m, jetstream.WithStallWait(patience)); err != nil {
			return err
		}
	}
	for _, f := range futures {
		select {
		case <-f.Ok():
		case err := <-f.Err():
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
