package bench

import (
	"context"
	"os"
	"sync"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"github.com/westshore/hub/events/store"
)

// Append is what appending to the embedded node costs.
type Append struct {
	Client   []Rate   `json:"official_client"` // one event a call
	Store    []Rate   `json:"store"`           // the same, as the hub does it
	Hundred  []Rate   `json:"official_client_100_events"`
	Memory   float64  `json:"peak_rss_mib"`
	Baseline Baseline `json:"baseline"`
	Ratios   struct {
		Pebble128 float64 `json:"client_128_to_pebble_commits_128"`
		Sets128   float64 `json:"client_128_to_pebble_sets_128"`
		OneCaller float64 `json:"client_128_to_client_1"`
		Store     float64 `json:"store_128_to_pebble_commits_128"`
	} `json:"ratios"`
}

// RunAppend measures for a number of seconds each.
func RunAppend(ctx context.Context, seconds int) (*Append, error) {
	a, d := &Append{}, time.Duration(seconds)*time.Second
	err := withStore(ctx, func(dir string, k *storeKit) (err error) {
		if a.Baseline, err = baseline(dir); err != nil {
			return err
		}
		if _, err := appendFor(ctx, 16, 1, time.Second, k.viaClient); err != nil { // warm
			return err
		}
		for _, callers := range []int{1, 16, 128} {
			r, err := appendFor(ctx, callers, 1, d, k.viaClient)
			if err != nil {
				return err
			}
			a.Client = append(a.Client, r)
			if r, err = appendFor(ctx, callers, 1, d, k.viaStore); err != nil {
				return err
			}
			a.Store = append(a.Store, r)
		}
		for _, callers := range []int{1, 4, 16} {
			r, err := appendFor(ctx, callers, 100, d, k.viaClient)
			if err != nil {
				return err
			}
			a.Hundred = append(a.Hundred, r)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	_, a.Memory = memory(os.Getpid())
	one, many := a.Client[0].Rate, a.Client[len(a.Client)-1].Rate
	a.Ratios.Pebble128, a.Ratios.OneCaller = many/a.Baseline.Pebble128, many/one
	a.Ratios.Sets128 = many / a.Baseline.Sets128
	a.Ratios.Store = a.Store[len(a.Store)-1].Rate / a.Baseline.Pebble128
	return a, nil
}

// Subscribe is how soon subscribers see what is appended.
type Subscribe struct {
	Live []LiveRate `json:"live"`
}

// LiveRate is one number of subscribers.
type LiveRate struct {
	Subscribers int     `json:"subscribers"`
	Delivered   int     `json:"delivered"`
	Lost        int     `json:"lost"`
	Seen        Latency `json:"append_to_received_ms"` // from the call to the handler
	CPU         float64 `json:"cpu_us_per_delivery"`
}

// RunSubscribe appends n events, one after the other, to 1, 10 and 50 subscribers.
func RunSubscribe(ctx context.Context, n int) (*Subscribe, error) {
	s := &Subscribe{}
	for _, subscribers := range []int{1, 10, 50} {
		err := withStore(ctx, func(_ string, k *storeKit) error {
			r, err := k.live(ctx, subscribers, n)
			s.Live = append(s.Live, r)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return s, nil
}

// live appends one event at a time and waits until everybody has it.
func (k *storeKit) live(ctx context.Context, subscribers, n int) (LiveRate, error) {
	ctx, cancel := context.WithCancel(ctx)
	var ends sync.WaitGroup
	defer ends.Wait()
	defer cancel()
	type arrival struct {
		revision int64
		at       time.Time
	}
	arrived, ready := make(chan arrival, subscribers*4), make(chan struct{}, subscribers)
	for range subscribers {
		ends.Go(func() {
			once := sync.OnceFunc(func() { ready <- struct{}{} })
			_ = k.store.Subscribe(ctx, store.SubscribeOptions{TypePrefixes: []string{benchType}}, func(items []store.Item) error {
				for _, it := range items {
					if it.CaughtUp {
						once()
					}
					if it.Event == nil {
						continue
					}
					select {
					case arrived <- arrival{it.Event.Revision, time.Now()}:
					case <-ctx.Done():
						return ctx.Err()
					}
				}
				return nil
			})
		})
	}
	for range subscribers {
		<-ready
	}
	var times []float64
	lost := 0
	before := selfCPU()
	for i := range n {
		began := time.Now()
		if err := k.viaStore(ctx, "live", int64(i)-1, 1); err != nil {
			return LiveRate{}, err
		}
		limit := time.After(10 * time.Second)
		for range subscribers {
			select {
			case a := <-arrived:
				if a.revision != int64(i) {
					lost++
				}
				times = append(times, ms(a.at.Sub(began)))
			case <-limit:
				lost++
			case <-ctx.Done():
				return LiveRate{}, ctx.Err()
			}
		}
	}
	used := float64((selfCPU() - before).Microseconds())
	return LiveRate{Subscribers: subscribers, Delivered: len(times), Lost: lost, Seen: latency(times), CPU: used / float64(max(1, len(times)))}, nil
}

// catchUp reads everything with a subscription of the official client, or of the
// store, and returns when it has caught up.
func (k *storeKit) catchUp(ctx context.Context, viaStore bool) (Rate, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	n := 0
	before, began := selfCPU(), time.Now()
	var err error
	if viaStore {
		err = k.store.Subscribe(ctx, store.SubscribeOptions{TypePrefixes: []string{benchType}}, func(items []store.Item) error {
			for _, it := range items {
				if it.Event != nil {
					n++
				}
				if it.CaughtUp {
					return errCaughtUp
				}
			}
			return nil
		})
		if err == errCaughtUp { //nolint:errorlint // it comes back unchanged
			err = nil
		}
	} else {
		n, err = k.clientCatchUp(ctx)
	}
	took := time.Since(began)
	return Rate{N: n, Rate: float64(n) / took.Seconds(), CPU: float64((selfCPU() - before).Microseconds()) / float64(max(1, n))}, err
}

func (k *storeKit) clientCatchUp(ctx context.Context) (n int, err error) {
	sub, err := k.client.SubscribeToAll(ctx, esdb.SubscribeToAllOptions{From: esdb.Start{}})
	if err != nil {
		return 0, err
	}
	defer func() { _ = sub.Close() }()
	for {
		switch ev := sub.Recv(); {
		case ev.EventAppeared != nil:
			n++
		case ev.CaughtUp != nil:
			return n, nil
		case ev.SubscriptionDropped != nil:
			return n, ev.SubscriptionDropped.Error
		}
	}
}
