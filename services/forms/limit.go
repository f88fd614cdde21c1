package forms

import (
	"time"

	"github.com/jellydator/ttlcache/v3"
	"golang.org/x/time/rate"
)

// Limit allows Burst at once and one more every Every.
type Limit struct {
	Burst int
	Every time.Duration
}

// limiter keeps one token bucket for each key, the most recently used
// maxBuckets of them.
type limiter struct {
	limit   Limit
	buckets *ttlcache.Cache[string, *rate.Limiter]
}

const maxBuckets = 50_000

func newLimiter(l Limit) *limiter {
	return &limiter{limit: l, buckets: ttlcache.New[string, *rate.Limiter](ttlcache.WithCapacity[string, *rate.Limiter](maxBuckets))}
}

func (l *limiter) bucket(key string) *rate.Limiter {
	item, _ := l.buckets.GetOrSetFunc(key, func() *rate.Limiter {
		return rate.NewLimiter(rate.Every(l.limit.Every), l.limit.Burst)
	})
	return item.Value()
}

// take uses one token, or says how long to wait for one.
func (l *limiter) take(key string, now time.Time) error {
	if !l.bucket(key).AllowN(now, 1) {
		return &LimitError{After: l.limit.Every}
	}
	return nil
}

// look says whether a token is there without using it.
func (l *limiter) look(key string, now time.Time) error {
	if l.bucket(key).TokensAt(now) < 1 {
		return &LimitError{After: l.limit.Every}
	}
	return nil
}
