package ops

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Check asks whether one part can do its work. Its error is shown to operators
// and holds no personal data.
type Check struct {
	Name  string
	Probe func(context.Context) error
}

// Sample is one value of a metric.
type Sample struct {
	Labels []string // values, in the order of the metric's Labels
	Value  float64
}

// Metric is read whenever somebody asks. Names follow Prometheus' conventions:
// "hub_outbox_messages". A counter's name ends in _total.
type Metric struct {
	Name, Help string
	Labels     []string
	Counter    bool
	Read       func() []Sample
}

// Value makes a metric's Read of one number.
func Value(read func() float64) func() []Sample {
	return func() []Sample { return []Sample{{Value: read()}} }
}

// Config is what the listener needs.
type Config struct {
	Listen  string // host:port
	Checks  []Check
	Metrics []Metric
	Logger  *slog.Logger
}

// Server is the private listener.
type Server struct {
	cfg      Config
	registry *prometheus.Registry
	requests *prometheus.HistogramVec
	log      *slog.Logger
	listener net.Listener
}

// New registers every metric. It fails on a metric that is malformed or twice.
func New(c Config) (*Server, error) {
	s := &Server{cfg: c, registry: prometheus.NewRegistry(), log: c.Logger.With("room", "ops")}
	s.requests = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "hub_http_request_seconds", Help: "Time to answer HTTP requests.",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
	}, []string{"method", "route", "status"})
	all := []prometheus.Collector{s.requests, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})}
	for _, m := range c.Metrics {
		all = append(all, newCollector(m))
	}
	for _, col := range all {
		if err := s.registry.Register(col); err != nil {
			return nil, fmt.Errorf("register metrics: %w", err)
		}
	}
	return s, nil
}

// Observe counts one HTTP request. Route is a pattern, never a path.
func (s *Server) Observe(method, route string, status int, took time.Duration) {
	s.requests.WithLabelValues(method, route, strconv.Itoa(status)).Observe(took.Seconds())
}

// Handler serves the three paths.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, map[string]any{"status": "ok"}) })
	mux.HandleFunc("GET /readyz", s.ready)
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{Timeout: 5 * time.Second}))
	return mux
}

const checkTime = 2 * time.Second

// ready asks every check at once.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), checkTime)
	defer cancel()
	results := make([]chan error, len(s.cfg.Checks))
	for i, c := range s.cfg.Checks {
		results[i] = make(chan error, 1)
		go func() { results[i] <- c.Probe(ctx) }()
	}
	status, checks := http.StatusOK, map[string]string{}
	for i, c := range s.cfg.Checks {
		var err error
		select {
		case err = <-results[i]:
		case <-ctx.Done():
			err = errors.New("no answer in time")
		}
		checks[c.Name] = "ok"
		if err != nil {
			status, checks[c.Name] = http.StatusServiceUnavailable, err.Error()
		}
	}
	answer(w, status, map[string]any{"ready": status == http.StatusOK, "checks": checks})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client went away
}

// Bind takes the address, so that Addr is known before Listen.
func (s *Server) Bind(ctx context.Context) error {
	if s.listener != nil {
		return nil
	}
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", s.cfg.Listen)
	if err != nil {
		return fmt.Errorf("listen for operators: %w", err)
	}
	s.listener = ln
	return nil
}

// Addr is the bound address, empty before Bind.
func (s *Server) Addr() string {
	if s.listener == nil {
		return ""
	}
	return s.listener.Addr().String()
}

// Listen serves until ctx ends.
func (s *Server) Listen(ctx context.Context) error {
	if err := s.Bind(ctx); err != nil {
		return err
	}
	server := &http.Server{Handler: s.Handler(), ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second, MaxHeaderBytes: 16 << 10}
	done := make(chan error, 1)
	go func() { done <- server.Serve(s.listener) }()
	select {
	case err := <-done:
		return fmt.Errorf("serve operators: %w", err)
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	err := server.Shutdown(stop)
	if served := <-done; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, fmt.Errorf("serve operators: %w", served))
	}
	return err
}
