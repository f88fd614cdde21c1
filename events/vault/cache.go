package vault

import (
	"sync"
	"time"

	"github.com/westshore/hub/events"
)

// lease is how long an opened key may be used without asking the database
// again. Whoever proves that a key is gone from every memory waits this long.
const lease = 5 * time.Second

// cached is an opened key with what the matrix wants to know about it.
type cached struct {
	kid      events.KID
	dek      [keySize]byte
	commit   [commitSize]byte
	category events.Category
	policy   int
	state    int
	read     time.Time

	prev, next *cached
}

// cache keeps the keys used last. An erasure generation guards it: a reader
// that looked into the database before an erasure cannot put what it saw into
// the cache after it.
type cache struct {
	mu    sync.Mutex
	gen   uint64
	max   int
	byKID map[events.KID]*cached
	ring  cached // ring.next is the newest, ring.prev the oldest
}

func newCache(size int) *cache {
	c := &cache{max: size, byKID: make(map[events.KID]*cached)}
	c.ring.prev, c.ring.next = &c.ring, &c.ring
	return c
}

// find calls hit for every key it has, under the lock, and returns the
// generation that a reader of the rest must hand to add.
func (c *cache) find(kids []events.KID, now time.Time, hit func(i int, k *cached)) (gen uint64, missed []int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, kid := range kids {
		k := c.byKID[kid]
		if k == nil || now.Sub(k.read) >= lease || now.Before(k.read) {
			missed = append(missed, i)
			continue
		}
		c.unlink(k)
		c.push(k)
		hit(i, k)
	}
	return c.gen, missed
}

// add keeps keys read in a generation, unless an erasure came in between.
func (c *cache) add(gen uint64, keys []*cached) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if gen != c.gen {
		return
	}
	for _, k := range keys {
		if old := c.byKID[k.kid]; old != nil {
			c.drop(old)
		}
		c.byKID[k.kid] = k
		c.push(k)
		if len(c.byKID) > c.max {
			c.drop(c.ring.prev)
		}
	}
}

// invalidate begins a new generation without the given keys.
func (c *cache) invalidate(kids []events.KID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gen++
	for _, kid := range kids {
		if k := c.byKID[kid]; k != nil {
			c.drop(k)
		}
	}
}

// empty forgets every key.
func (c *cache) empty() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gen++
	for c.ring.next != &c.ring {
		c.drop(c.ring.next)
	}
}

func (c *cache) len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.byKID)
}

func (c *cache) push(k *cached) {
	k.prev, k.next = &c.ring, c.ring.next
	k.prev.next, k.next.prev = k, k
}

func (c *cache) unlink(k *cached) { k.prev.next, k.next.prev = k.next, k.prev }

func (c *cache) drop(k *cached) {
	c.unlink(k)
	delete(c.byKID, k.kid)
	clear(k.dek[:])
}
