package accounts

import (
	"time"

	"github.com/jellydator/ttlcache/v3"
	"golang.org/x/time/rate"
)

// tries limits logins in three ways: a client on the whole, a client at one
// address, and an address on the whole. The last is wide, so that a stranger
// cannot lock an agent out by guessing.
type tries struct{ client, pair, address *buckets }

func newTries() *tries {
	return &tries{
		client:  newBuckets(30, 5*time.Second),
		pair:    newBuckets(10, 30*time.Second),
		address: newBuckets(100, 6*time.Second),
	}
}

// take counts one try, or says how long to wait.
func (t *tries) take(client, email string, now time.Time) error {
	for _, b := range []struct {
		*buckets
		key string
	}{{t.client, client}, {t.pair, client + "\x00" + email}, {t.address, email}} {
		if !b.get(b.key).AllowN(now, 1) {
			return &LimitError{After: b.every}
		}
	}
	return nil
}

// forget gives the tries back after a login that stood.
func (t *tries) forget(client, email string) { t.pair.cache.Delete(client + "\x00" + email) }

// buckets keeps one token bucket for each key, the most recently used of them.
type buckets struct {
	burst int
	every time.Duration
	cache *ttlcache.Cache[string, *rate.Limiter]
}

const maxBuckets = 20_000

func newBuckets(burst int, every time.Duration) *buckets {
	return &buckets{burst, every, ttlcache.New[string, *rate.Limiter](ttlcache.WithCapacity[string, *rate.Limiter](maxBuckets))}
}

func (b *buckets) get(key string) *rate.Limiter {
	item, _ := b.cache.GetOrSetFunc(key, func() *rate.Limiter { return rate.NewLimiter(rate.Every(b.every), b.burst) })
	return item.Value()
}
