package preview

import (
	"container/list"
	"sync"
)

// cache keeps what was used last, up to a total size.
type cache[K comparable, V any] struct {
	most int64

	mu    sync.Mutex
	total int64
	byKey map[K]*list.Element // of *kept[K, V]
	order list.List           // last used first
}

type kept[K comparable, V any] struct {
	key   K
	value V
	size  int64
}

func newCache[K comparable, V any](most int64) *cache[K, V] {
	return &cache[K, V]{most: most, byKey: map[K]*list.Element{}}
}

func (c *cache[K, V]) get(key K) (v V, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.byKey[key]
	if !ok {
		return v, false
	}
	c.order.MoveToFront(e)
	return e.Value.(*kept[K, V]).value, true
}

// put keeps a value, and lets go of others. What would push out more than a
// quarter of them is not kept.
func (c *cache[K, V]) put(key K, v V, size int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.byKey[key]; ok {
		c.drop(e)
	}
	if size > c.most/4 {
		return
	}
	c.byKey[key] = c.order.PushFront(&kept[K, V]{key, v, size})
	c.total += size
	for c.total > c.most {
		c.drop(c.order.Back())
	}
}

func (c *cache[K, V]) drop(e *list.Element) {
	k := c.order.Remove(e).(*kept[K, V])
	delete(c.byKey, k.key)
	c.total -= k.size
}
