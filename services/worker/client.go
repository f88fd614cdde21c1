package worker

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Client speaks the contract from outside.
type Client struct {
	URL   string // of the hub, https://hub.example.org
	Token string
	HTTP  *http.Client // nil: one of its own
}

// maxAnswer bounds what is read of an answer: a message of 64 MB in base64.
const maxAnswer = 90 << 20

// RefusedError is an answer of the hub that is not a success.
type RefusedError struct {
	Status int
	Reason string // code of the rule, where there is one
	Detail string
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("the hub answers %d %s %s", e.Status, e.Reason, e.Detail)
}

// Final reports whether asking again is no use.
func (e *RefusedError) Final() bool {
	return e.Status/100 == 4 && e.Status != http.StatusTooManyRequests && e.Status != http.StatusRequestTimeout
}

// Next waits for a task; ok is false when none came in time.
func (c *Client) Next(ctx context.Context, ask Ask) (o Offer, ok bool, err error) {
	status, err := c.call(ctx, http.MethodPost, PathNext, ask, &o)
	return o, err == nil && status != http.StatusNoContent, err
}

// Fetch returns the message of a task, once.
func (c *Client) Fetch(ctx context.Context, o Offer) (p Payload, err error) {
	_, err = c.call(ctx, http.MethodPost, PathClaims+url.PathEscape(o.Event.Data.Outbound), Claimed{o.Claim}, &p)
	return p, err
}

// Started says that from now on the other side may have it.
func (c *Client) Started(ctx context.Context, b Begun) error {
	_, err := c.call(ctx, http.MethodPost, PathStarted, b, nil)
	return err
}

// Finish hands in what came of it.
func (c *Client) Finish(ctx context.Context, r Result) error {
	_, err := c.call(ctx, http.MethodPost, PathResults, r, nil)
	return err
}

// Changes reads a page of the feed.
func (c *Client) Changes(ctx context.Context, q FeedQuery) (p Page, err error) {
	v := url.Values{"after": {q.After}, "wait": {strconv.Itoa(q.Wait)}, "limit": {strconv.Itoa(q.Limit)}}
	_, err = c.call(ctx, http.MethodGet, PathEvents+"?"+v.Encode(), nil, &p)
	return p, err
}

func (c *Client) call(ctx context.Context, method, path string, in, out any) (status int, err error) {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return 0, fmt.Errorf("ask the hub: %w", err)
		}
		body = bytes.NewReader(b)
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.URL, "/")+path, body)
	if err != nil {
		return 0, fmt.Errorf("ask the hub: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+c.Token)
	req.Header.Set("Content-Type", "application/json")
	client := c.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	res, err := client.Do(req)
	if err != nil {
		return 0, fmt.Errorf("ask the hub: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return 0, fmt.Errorf("ask the hub: %w", err)
	}
	if res.StatusCode/100 != 2 {
		var p struct{ Reason, Detail string }
		_ = json.Unmarshal(b, &p) // an answer of something in between is no problem document
		return res.StatusCode, &RefusedError{res.StatusCode, p.Reason, p.Detail}
	}
	if out == nil || res.StatusCode == http.StatusNoContent {
		return res.StatusCode, nil
	}
	if err := json.Unmarshal(b, out); err != nil {
		return res.StatusCode, fmt.Errorf("read the hub's answer: %w", err)
	}
	return res.StatusCode, nil
}

// nap waits d and up to a quarter more.
func nap(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d + rand.N(d/4+1))
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
