package public_test

import (
	"context"
	"log/slog"
	"net/http"
	"testing"

	"github.com/gofiber/fiber/v2"

	"github.com/westshore/hub/gateway/public"
)

// FIELD 33: files are in memory until they have gone out; who opens many links at a
// time, or reads slowly, does not fill it, and places are given back.
func TestFilesOpenAtATime(t *testing.T) {
	open, release := make(chan struct{}), make(chan struct{})
	pages, err := public.New(public.Config{
		File: func(context.Context, string) (string, []byte, error) {
			open <- struct{}{}
			<-release
			return "a.txt", []byte("content"), nil
		},
		Client: func(c *fiber.Ctx) string { return c.Get("X-Client") }, Nonce: func() string { return "n" }, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	app := fiber.New()
	pages.Mount(app)
	fetch := func(client string) int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/files/x", nil)
		if err != nil {
			t.Error(err)
			return 0
		}
		req.Header.Set("X-Client", client)
		res, err := app.Test(req, -1)
		if err != nil {
			t.Error(err)
			return 0
		}
		_ = res.Body.Close()
		return res.StatusCode
	}
	done := make(chan int)
	begin := func(client string) {
		go func() { done <- fetch(client) }()
		<-open
	}
	for range 2 { // the second time, every place was given back
		for range 4 {
			begin("one")
		}
		if status := fetch("one"); status != http.StatusServiceUnavailable {
			t.Errorf("a fifth file at a time: %d", status)
		}
		begin("two")
		for range 5 {
			release <- struct{}{}
		}
		for range 5 {
			if status := <-done; status != http.StatusOK {
				t.Errorf("a file: %d", status)
			}
		}
	}
}
