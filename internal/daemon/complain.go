package daemon

import (
	"context"
	"sync"
	"time"
)

// complaints are what goes wrong now among the chores, some of which are tried every second.
type complaints struct {
	mu   sync.Mutex
	last map[string]complaint
}

type complaint struct {
	text string
	at   time.Time
}

// complainEvery is how often the same trouble is logged.
const complainEvery = 10 * time.Minute

// complain logs the error of a chore, unless it did so just before, and once
// more when the chore goes well again.
func (d *Daemon) complain(ctx context.Context, chore string, err error) {
	if ctx.Err() != nil {
		return
	}
	c := &d.complaints
	c.mu.Lock()
	defer c.mu.Unlock()
	was, complained := c.last[chore]
	switch now := d.cfg.Now(); {
	case err == nil && !complained:
	case err == nil:
		delete(c.last, chore)
		d.cfg.Log.Info(chore + " goes well again")
	case !complained || was.text != err.Error() || now.Sub(was.at) >= complainEvery:
		if c.last == nil {
			c.last = map[string]complaint{}
		}
		c.last[chore] = complaint{err.Error(), now}
		d.cfg.Log.Error(chore, "error", err)
	}
}
