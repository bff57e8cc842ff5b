package crash_test

import (
	"crypto/sha1"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"boxcar/internal/content"
	"boxcar/internal/meta"
	"boxcar/internal/sweep"
	"boxcar/internal/vfs/faultfs"
)

// check starts a server on what a power cut has left, and holds it to all
// that was promised.
//
// The database is opened, and so recovered, for each disk that differs from
// those before. All that comes behind that goes by the rows, the blobs, and what
// clients know: where these are what they were once before, it has been done.
func (r *run) check(left *faultfs.FS, seed uint64) (err error) {
	img := look(left)
	distinct := r.tally.state(img.same())
	key := mix(img.blobs, img.rows, img.log, uint64(r.moves))
	if r.seen[key] {
		return nil
	}
	r.seen[key] = true

	late := new(time.Duration)
	s := site{source: new(source), mutant: r.mutant, readers: 1, now: func() time.Time { return r.now().Add(*late) }}
	s.source.n.Store(1 << 40)
	h, err := s.storage(left)
	defer func() { h.off() }()
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	r.tally.count(counts{Opened: 1})
	known := mix(img.blobs, pages(left, h.vfs.Frames(database)), uint64(r.moves))
	if r.proved[known] && r.only == nil {
		return nil
	}
	r.proved[known] = true
	r.tally.count(counts{Proved: 1})
	if err := h.start(ctx); err != nil {
		return err
	}
	p := proof{run: r, house: h}
	if err := p.all(late); err != nil {
		return err
	}
	// Now and then, another cut behind it all: nothing is in doubt any more.
	if seed%8 != 0 || !distinct {
		return nil
	}
	h2, err := s.open(ctx, left.Crash(seed+1))
	if err != nil {
		return fmt.Errorf("open after a second power cut: %w", err)
	}
	defer h2.off()
	again := proof{run: r, house: h2, models: p.models}
	if err := again.doctor(false); err != nil {
		return fmt.Errorf("after a second power cut: %w", err)
	}
	return again.exactly("after a second power cut")
}

// proof is what is asked of one disk.
type proof struct {
	*run
	*house
	models   []*model // of the clients, once it is known what has happened
	happened [][]bool // which of what each had no answer to
}

func (p *proof) all(late *time.Duration) error {
	if err := p.doctor(false); err != nil {
		return err
	}
	if err := p.whole(); err != nil {
		return err
	}
	if err := p.resolve(); err != nil {
		return err
	}
	for i, c := range p.clients {
		if err := p.listed(c, p.models[i]); err != nil {
			return err
		}
	}
	for i, c := range p.clients {
		if err := p.repeat(c, p.models[i], p.happened[i]); err != nil {
			return err
		}
		if err := p.goOn(c, p.models[i]); err != nil {
			return err
		}
	}
	p.house.upload.Close() // what it still does in the background
	if err := p.exactly("when clients have gone on"); err != nil {
		return err
	}
	*late = 2 * sweep.GarbageAge
	if _, err := p.house.sweep.Sweep(ctx); err != nil {
		return fmt.Errorf("sweep: %w", err)
	}
	if err := p.doctor(true); err != nil {
		return fmt.Errorf("after a sweep: %w", err)
	}
	return p.exactly("after a sweep")
}

// doctor proves what is there: bytes, digests, totals, quotas. With clean, no
// garbage may be left either.
func (p *proof) doctor(clean bool) error {
	report, err := p.house.sweep.Check(ctx)
	if err != nil {
		return fmt.Errorf("doctor: %w", err)
	}
	if len(report.Broken) > 0 {
		return fmt.Errorf("doctor: %s", strings.Join(report.Broken, "; "))
	}
	if clean && len(report.Garbage) > 0 {
		return fmt.Errorf("doctor: left over: %s", strings.Join(report.Garbage, "; "))
	}
	return nil
}

// whole looks at every blob that has its name, referred to or not: nothing
// half-made comes to have one.
func (p *proof) whole() error {
	for info, err := range p.blobs.List(ctx) {
		if err != nil {
			return err
		}
		r, err := p.blobs.Open(ctx, info.Key, 0, info.Size)
		if err != nil {
			return err
		}
		data, err := io.ReadAll(r)
		r.Close()
		if err != nil {
			return err
		}
		if !stored[sha1.Sum(data)] {
			return fmt.Errorf("blob %s has %d bytes that nobody sent", info.Key, len(data))
		}
	}
	return nil
}

// items is all that is there, as a model has it.
func (h *house) items() (all map[string]string, err error) {
	err = h.rows.View(ctx, func(tx meta.Tx) error {
		all = map[string]string{}
		if err := list(tx, all, "", h.who.Root); err != nil {
			return err
		}
		trashed, err := tx.Trashed(h.who.User, meta.ItemPage{Limit: 1000})
		for _, i := range trashed {
			if err := add(tx, all, "~"+i.Name, i); err != nil {
				return err
			}
		}
		return err
	})
	return all, err
}

func list(tx meta.Tx, all map[string]string, at string, folder content.ID) error {
	items, err := tx.ItemsIn(folder, meta.ItemPage{Limit: 1000})
	for _, i := range items {
		if err := add(tx, all, at+i.Name, i); err != nil {
			return err
		}
	}
	return err
}

func add(tx meta.Tx, all map[string]string, at string, i meta.Item) error {
	if i.Kind == meta.Folder {
		all[at] = "dir"
		return list(tx, all, at+"/", i.ID)
	}
	all[at] = label(i.Current.SHA1, i.Current.Size)
	past, err := tx.PastVersions(i.ID, 0, 1000)
	for _, v := range past {
		all[at] = label(v.SHA1, v.Size) + " " + all[at]
	}
	return err
}

// of is a client's part of all that is there: names begin with the client's.
func (c *client) of(all map[string]string) map[string]string {
	own := map[string]string{}
	for at, what := range all {
		if strings.HasPrefix(strings.TrimPrefix(at, "~"), c.name) {
			own[at] = what
		}
	}
	return own
}

// resolve finds out which of what had no answer has happened: each wholly or
// not at all.
func (p *proof) resolve() error {
	all, err := p.items()
	if err != nil {
		return err
	}
	n := 0
	for _, c := range p.clients {
		own := c.of(all)
		n += len(own)
		m, happened := c.explain(own)
		if m == nil {
			return fmt.Errorf("client %s is to have %v, and perhaps %s; there is %v", c.name, c.m.items, c.doubts(), own)
		}
		p.models, p.happened = append(p.models, m), append(p.happened, happened)
	}
	if n != len(all) {
		return fmt.Errorf("there is what no client has made: %v", all)
	}
	return nil
}

// explain is the model for what is there: what was acknowledged, and some of
// what had no answer. happened says which. It is nil if there is none.
func (c *client) explain(own map[string]string) (m *model, happened []bool) {
	for some := range 1 << len(c.doubt) {
		m, happened = c.m.clone(), make([]bool, len(c.doubt))
		for i, st := range c.doubt {
			if some&(1<<i) != 0 && st.visible() {
				st.apply(m)
				happened[i] = true
			}
		}
		if maps.Equal(m.items, own) {
			return m, happened
		}
	}
	return nil, nil
}

func (c *client) doubts() (all []string) {
	for _, st := range c.doubt {
		all = append(all, st.what)
	}
	return all
}

// listed compares sessions with what was promised: each part that was
// acknowledged is there, and what else is there was being sent.
func (p *proof) listed(c *client, m *model) error {
	for s, f := range m.fates {
		ending := slices.ContainsFunc(c.doubt, func(st *step) bool { return st.about == s && st.ends })
		_, parts, err := p.house.upload.Parts(ctx, p.who, s.ID, 0, 1000)
		switch {
		case f == over:
			continue
		case content.Is(err, content.NotFound):
			if f == aborted || f == open && ending {
				continue
			}
			return fmt.Errorf("session for %s: %w", s.path, err)
		case err != nil:
			return fmt.Errorf("session for %s: %w", s.path, err)
		case f == aborted && !ending:
			return fmt.Errorf("session for %s was aborted, and is there", s.path)
		}
		there := map[int64]bool{}
		for _, part := range parts {
			slot := part.Span.Start / s.Grid.PartSize
			there[slot] = true
			if part.Span != s.Grid.Slot(slot) || part.SHA1 != sha1.Sum(s.data[part.Span.Start:part.Span.End]) {
				return fmt.Errorf("session for %s has a part that nobody sent, of %v", s.path, part.Span)
			}
			if f == open && !m.parts[s][slot] && !slices.ContainsFunc(c.doubt, func(st *step) bool { return st.about == s && slices.Contains(st.slots, slot) }) {
				return fmt.Errorf("session for %s has part %d, which nobody sent", s.path, slot)
			}
		}
		for slot := range m.parts[s] {
			if f == open && !there[slot] {
				return fmt.Errorf("session for %s: part %d was acknowledged and is not there", s.path, slot)
			}
		}
	}
	return nil
}

// repeat makes all requests again that had no answer.
func (p *proof) repeat(c *client, m *model, happened []bool) error {
	for i, st := range c.doubt {
		if happened[i] && st.once {
			continue // its client finds that out by looking
		}
		err := st.do(ctx, p.house)
		ended := st.about != nil && (m.fates[st.about] != open || len(c.doubt) > 1)
		switch {
		case err == nil, content.Is(err, st.done...):
			if !happened[i] {
				st.apply(m)
			}
		case ended && content.Is(err, gone...):
			// What another request of the same client does, or time.
		default:
			return fmt.Errorf("%s, done again: %w", st.what, err)
		}
	}
	return nil
}

// gone are the errors of sessions that have ended.
var gone = []content.Kind{content.NotFound, content.SessionExpired, content.SessionBusy}

// goOn has a client finish what it has begun.
func (p *proof) goOn(c *client, m *model) error {
	for s, f := range m.fates {
		if f != open {
			continue
		}
		steps := []step{}
		for slot := range s.Grid.Parts() {
			steps = append(steps, part(s, slot))
		}
		for _, st := range append(steps, commit(s)) {
			if err := st.do(ctx, p.house); err != nil {
				return fmt.Errorf("%s, gone on with: %w", st.what, err)
			}
			st.apply(m)
		}
	}
	return nil
}

// exactly compares what is there with the models.
func (p *proof) exactly(when string) error {
	all, err := p.items()
	if err != nil {
		return fmt.Errorf("%s: %w", when, err)
	}
	var errs []error
	for i, c := range p.clients {
		if own := c.of(all); !maps.Equal(own, p.models[i].items) {
			errs = append(errs, fmt.Errorf("%s: client %s is to have %v, and there is %v", when, c.name, p.models[i].items, own))
		}
	}
	return errors.Join(errs...)
}
