package store

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
)

// dialer makes a client; it does not connect yet.
type dialer func() (*esdb.Client, error)

// newDialer reads the connection string and sets what the guard depends on.
func newDialer(cfg Config, log *slog.Logger) (dialer, error) {
	text := cfg.URL
	if text == "" && cfg.Socket != "" {
		text = "esdb://localhost?tls=false"
	}
	if text == "" {
		return nil, errors.New("open store: no connection string")
	}
	conf, err := esdb.ParseConnectionString(text)
	if err != nil {
		return nil, fmt.Errorf("open store: invalid connection string: %w", withoutURL(err))
	}
	if cfg.Socket != "" {
		conf.Address = "unix:" + cfg.Socket
		conf.GossipSeeds = nil
		conf.DnsDiscover = false
		conf.DisableTLS = true
	}
	// One try per generation: the pool tries again, and knows who waits.
	conf.MaxDiscoverAttempts = 1
	conf.DiscoveryInterval = 1
	attempt := cfg.CallTimeout / 2
	conf.DefaultDeadline = &attempt
	conf.GossipTimeout = max(1, min(conf.GossipTimeout, int(attempt/time.Second)))
	// A dead connection must be noticed: pings cannot be switched off. grpc
	// does not ping more often than every 10 s.
	conf.KeepAliveInterval = 10 * time.Second
	conf.KeepAliveTimeout = 5 * time.Second
	conf.Logger = seam(log)
	if err := conf.Validate(); err != nil {
		return nil, fmt.Errorf("open store: invalid connection string: %w", err)
	}
	return func() (*esdb.Client, error) {
		c := *conf
		return esdb.NewClient(&c)
	}, nil
}

// withoutURL drops the connection string, which may hold a password, from an
// error of url.Parse.
func withoutURL(err error) error {
	var bad *url.Error
	if errors.As(err, &bad) {
		return bad.Err
	}
	return err
}
