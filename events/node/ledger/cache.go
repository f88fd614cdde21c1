package ledger

import "container/list"

// headerCache keeps the headers of the streams used last. Not safe for
// concurrent use; the ledger's mutex guards it.
type headerCache struct {
	limit int
	byUse *list.List // front: used last; values are *cached
	items map[string]*list.Element
}

type cached struct {
	name string
	h    *header
}

func newHeaderCache(limit int) *headerCache {
	return &headerCache{limit: limit, byUse: list.New(), items: map[string]*list.Element{}}
}

func (c *headerCache) get(name string) (*header, bool) {
	e, ok := c.items[name]
	if !ok {
		return nil, false
	}
	c.byUse.MoveToFront(e)
	return e.Value.(*cached).h, true
}

func (c *headerCache) put(name string, h *header) {
	if e, ok := c.items[name]; ok {
		e.Value.(*cached).h = h
		c.byUse.MoveToFront(e)
		return
	}
	c.items[name] = c.byUse.PushFront(&cached{name, h})
	if c.byUse.Len() > c.limit {
		oldest := c.byUse.Back()
		c.byUse.Remove(oldest)
		delete(c.items, oldest.Value.(*cached).name)
	}
}
