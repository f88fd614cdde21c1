package ops_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/westshore/hub/gateway/ops"
)

func start(t *testing.T, c ops.Config) (*ops.Server, string) {
	t.Helper()
	c.Listen, c.Logger = "127.0.0.1:0", slog.New(slog.DiscardHandler)
	s, err := ops.New(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Bind(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Listen(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return s, "http://" + s.Addr()
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

func TestReadinessSaysWhatIsMissing(t *testing.T) {
	stuck := make(chan struct{})
	defer close(stuck)
	_, url := start(t, ops.Config{Checks: []ops.Check{
		{Name: "bus", Probe: func(context.Context) error { return nil }},
		{Name: "store", Probe: func(context.Context) error { return errors.New("no connection") }},
		{Name: "view", Probe: func(context.Context) error { <-stuck; return nil }},
	}})
	if status, body := get(t, url+"/healthz"); status != 200 || !strings.Contains(body, "ok") {
		t.Errorf("%d %s", status, body)
	}
	begun := time.Now()
	status, body := get(t, url+"/readyz")
	var got struct {
		Ready  bool
		Checks map[string]string
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	if status != 503 || got.Ready || got.Checks["bus"] != "ok" || got.Checks["store"] != "no connection" || got.Checks["view"] != "no answer in time" {
		t.Errorf("%d %+v", status, got)
	}
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("a check that hangs held it up for %s", took)
	}
}

func TestReadyWhenEverythingIs(t *testing.T) {
	_, url := start(t, ops.Config{Checks: []ops.Check{{Name: "bus", Probe: func(context.Context) error { return nil }}}})
	if status, body := get(t, url+"/readyz"); status != 200 || !strings.Contains(body, `"ready":true`) {
		t.Errorf("%d %s", status, body)
	}
	if status, _ := get(t, url+"/debug/pprof/"); status != 404 {
		t.Errorf("%d", status)
	}
}

func TestMetrics(t *testing.T) {
	s, url := start(t, ops.Config{Metrics: []ops.Metric{
		{Name: "hub_streams", Help: "Open live streams.", Read: ops.Value(func() float64 { return 3 })},
		{Name: "hub_outbox_messages", Help: "Messages by state.", Labels: []string{"state"}, Read: func() []ops.Sample {
			return []ops.Sample{{Labels: []string{"queued"}, Value: 2}, {Labels: []string{"failed"}, Value: 1}}
		}},
		{Name: "hub_mails_total", Help: "Mails taken.", Counter: true, Read: ops.Value(func() float64 { return 7 })},
	}})
	s.Observe("GET", "/api/v1/tickets", 200, 3*time.Millisecond)
	_, body := get(t, url+"/metrics")
	for _, want := range []string{
		"hub_streams 3", `hub_outbox_messages{state="queued"} 2`, "# TYPE hub_mails_total counter", `hub_http_request_seconds_count{method="GET",route="/api/v1/tickets",status="200"} 1`, "go_goroutines",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("metrics lack %s", want)
		}
	}
	twice := ops.Metric{Name: "hub_x", Help: "x", Read: ops.Value(func() float64 { return 0 })}
	if _, err := ops.New(ops.Config{Metrics: []ops.Metric{twice, twice}, Logger: slog.Default()}); err == nil {
		t.Error("the same metric twice was accepted")
	}
}
