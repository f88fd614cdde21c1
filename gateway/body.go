package gateway

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/westshore/hub/gateway/api"
	"github.com/westshore/hub/gateway/public"
)

// Bodies are streamed by the server and bounded here, before a handler sees
// them. Those of the API are small and read whole. Those of hosted forms are
// read by the form's own code, part by part. Whenever a body was not read to its
// end the connection is closed: what is left of it must never be taken for the
// next request.
const (
	apiBody       = 2 << 20
	uploadTimeout = 3 * time.Minute
	drainMost     = 32 << 20
)

// received gives uploads more time than the API.
func received(h *fasthttp.RequestHeader) fasthttp.RequestConfig {
	if string(h.Method()) == fiber.MethodPost && (bytes.HasPrefix(h.RequestURI(), []byte("/f/")) || bytes.HasSuffix(h.RequestURI(), []byte("/reply"))) {
		return fasthttp.RequestConfig{ReadTimeout: uploadTimeout, WriteTimeout: writeTimeout}
	}
	return fasthttp.RequestConfig{}
}

// body bounds what a request brings along.
func (g *Gateway) body(c *fiber.Ctx) error {
	stream := c.Context().RequestBodyStream()
	if stream == nil {
		c.Request().SetBodyStream(bytes.NewReader(nil), 0)
		return c.Next()
	}
	if c.Method() == fiber.MethodPost && strings.HasPrefix(c.Path(), "/f/") {
		return upload(c, stream)
	}
	most := apiBody
	if c.Request().Header.ContentLength() > apiBody && g.isReply(c) {
		most = api.MaxReply
	}
	if c.Request().Header.ContentLength() > most {
		c.Context().SetConnectionClose()
		return fiber.ErrRequestEntityTooLarge
	}
	b, err := io.ReadAll(io.LimitReader(stream, int64(most)+1))
	if err != nil {
		c.Context().SetConnectionClose()
		return fiber.NewError(fiber.StatusBadRequest, "the request did not arrive whole")
	}
	if len(b) > most {
		c.Context().SetConnectionClose()
		return fiber.ErrRequestEntityTooLarge
	}
	c.Request().SetBodyStream(bytes.NewReader(b), len(b))
	return c.Next()
}

// isReply recognises an answer to a customer, which may bring files along: from
// somebody who is logged in, and with its length said beforehand.
func (g *Gateway) isReply(c *fiber.Ctx) bool {
	if c.Method() != fiber.MethodPost || !strings.HasPrefix(c.Path(), api.Base+"/tickets/") || !strings.HasSuffix(c.Path(), "/reply") {
		return false
	}
	var caller api.Caller
	return g.believe(c, &caller) == nil && caller.Agent.ID != ""
}

// whole is a stream that stays at its end: the server's own stream, when the body
// is chunked, would go on into the next request.
type whole struct {
	io.Reader
	err error
}

func (w *whole) Read(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	n, err := w.Reader.Read(p)
	w.err = err
	return n, err
}

// upload hands the stream on and looks after what the handler left. A little is
// read and thrown away, so that a browser gets to see the answer.
func upload(c *fiber.Ctx, raw io.Reader) error {
	stream := &whole{Reader: raw}
	c.Context().SetUserValue(public.BodyKey, stream)
	err := c.Next()
	n, drainErr := io.CopyN(io.Discard, stream, drainMost)
	if n == drainMost || !errors.Is(drainErr, io.EOF) {
		c.Context().SetConnectionClose()
	}
	return err
}
