package sweep

import (
	"context"
	"fmt"
	"io"
	"slices"

	"boxcar/internal/blob"
	"boxcar/internal/content"
	"boxcar/internal/digest"
	"boxcar/internal/meta"
)

// Report is what Check found. Only Broken is bad: garbage is what a sweep will take.
type Report struct {
	Blobs, Versions, Sessions, Users int

	Broken  []string // what is lost, wrong or inconsistent, in sentences
	Lost    []Lost   // which files that takes bytes from
	Garbage []string // blobs without a row, scraps, and trees in limbo

	bad map[blob.Key]string // blobs that are damaged, and how
}

// Lost is a version of a file with a blob that is damaged.
type Lost struct {
	Blob    blob.Key
	Damage  string // in words
	File    content.ID
	Path    string // with the names of its folders
	Trashed bool   // the file, or a folder above it
	Version content.ID
	Number  int64 // of the version, from 1
	Current bool
}

// Check proves the data: each part has its bytes and they have its digest, the
// parts of each version are whole and have the version's digest, so have the
// checkpoints of sessions, and quotas are the sums of what exists. It reads
// every byte. It may run beside a server, and then looks again at what it
// finds broken, since a deletion may have come between.
func (s *Service) Check(ctx context.Context) (*Report, error) {
	report, err := s.check(ctx)
	if err != nil || len(report.Broken) == 0 {
		return report, err
	}
	before := report.Broken
	if report, err = s.check(ctx); err != nil {
		return report, err
	}
	report.Broken = slices.DeleteFunc(report.Broken, func(b string) bool { return !slices.Contains(before, b) })
	// Behind the second look, so that they are not told twice.
	report.Lost, err = Losses(ctx, s.Meta, report.bad)
	return report, err
}

func (s *Service) check(ctx context.Context) (*Report, error) {
	c := &checker{Service: s, report: &Report{bad: map[blob.Key]string{}}, good: map[blob.Key]bool{}, proved: map[meta.Manifest]proof{}, buf: make([]byte, 1<<20)}
	steps := []func(context.Context) error{c.versions, c.sessions, c.marked, c.orphans, c.rows, c.garbage}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return c.report, err
		}
	}
	return c.report, nil
}

type checker struct {
	*Service
	report *Report
	good   map[blob.Key]bool // blobs read, and whether their digest was right
	proved map[meta.Manifest]proof
	buf    []byte
}

// proof is what the bytes of a manifest came to. Copies share manifests.
type proof struct {
	end  int64
	sum  content.SHA1
	hash bool // they could be hashed from end to end
}

func (c *checker) broken(format string, args ...any) {
	c.report.Broken = append(c.report.Broken, fmt.Sprintf(format, args...))
}

func (c *checker) versions(ctx context.Context) error {
	return meta.Each(ctx, c.Meta,
		func(tx meta.Tx, after content.ID) ([]meta.Version, error) {
			return tx.AllVersions(after, meta.PageRows)
		},
		func(v meta.Version) content.ID { return v.ID },
		func(v meta.Version) error {
			c.report.Versions++
			what := fmt.Sprintf("version %s of file %s", v.ID, v.File)
			p, ok := c.proved[v.Manifest]
			if !ok {
				sum := digest.New()
				end, err := c.parts(ctx, what, v.Manifest, true, sum, func() {})
				if err != nil {
					return err
				}
				p = proof{end: end, sum: sum.Sum(), hash: sum.Len() == end}
				c.proved[v.Manifest] = p
			}
			if p.end == v.Size && (!p.hash || p.sum == v.SHA1) {
				return nil
			}
			// What is being deleted for good loses its parts first.
			going, err := c.going(ctx, v.File)
			switch {
			case err != nil || going:
				return err
			case p.end != v.Size:
				c.broken("%s has %d bytes in parts, and should have %d", what, p.end, v.Size)
			default:
				c.broken("%s hashes to %v, and should to %v", what, p.sum, v.SHA1)
			}
			return nil
		})
}

// going says whether a file is being deleted for good, or is gone already.
func (c *checker) going(ctx context.Context, file content.ID) (going bool, err error) {
	err = c.Meta.View(ctx, func(tx meta.Tx) error {
		row, err := tx.Item(file)
		var above []meta.Item
		if err == nil {
			above, err = tx.Ancestors(file)
		}
		if content.Is(err, content.NotFound) {
			going = true
			return nil
		}
		going = append(above, row)[0].Limbo == meta.Going
		return err
	})
	return going, err
}

// parts reads all parts of a manifest in order, and those without a gap before
// them into sum; after each of these it calls hashed. With whole, there may be
// no gaps. It returns where the last part ends.
func (c *checker) parts(ctx context.Context, what string, m meta.Manifest, whole bool, sum *digest.SHA1, hashed func()) (end int64, err error) {
	err = meta.Each(ctx, c.Meta,
		func(tx meta.Tx, after int64) ([]meta.Part, error) { return tx.Parts(m, after, meta.PageRows) },
		func(p meta.Part) int64 { return p.Span.End },
		func(p meta.Part) error {
			if whole && p.Span.Start != end || p.Span.Start < end {
				c.broken("%s: a part starts at %d, and the one before it ends at %d", what, p.Span.Start, end)
			}
			end = p.Span.End
			if sum.Len() != p.Span.Start {
				return c.part(ctx, what, p, nil)
			}
			if err := c.part(ctx, what, p, sum); err != nil {
				return err
			}
			if p.After.Known() && p.After != sum.State() {
				c.broken("%s: the hash state kept behind the part at %d is not the right one", what, p.Span.Start)
			}
			hashed()
			return nil
		})
	return end, err
}

// part reads one part and compares it with its row. The bytes go to into, too;
// without it, a blob that was read before is not read again.
func (c *checker) part(ctx context.Context, what string, p meta.Part, into *digest.SHA1) error {
	_, seen := c.good[p.Blob]
	if seen && into == nil {
		return nil
	}
	where := fmt.Sprintf("%s: part at %d, blob %s", what, p.Span.Start, p.Blob)
	r, err := c.Blobs.Open(ctx, p.Blob, 0, p.Span.Len())
	if content.Is(err, content.NotFound) {
		c.broken("%s: the blob is missing", where)
		c.report.bad[p.Blob] = "missing"
		return nil
	}
	if err != nil {
		return err
	}
	defer r.Close()
	if !seen {
		c.report.Blobs++
	}
	src := blob.Verify(r, blob.Want{Size: p.Span.Len(), SHA1: &p.SHA1}, into)
	_, err = io.CopyBuffer(writerOnly{io.Discard}, src, c.buf)
	c.good[p.Blob] = err == nil
	if err != nil && ctx.Err() == nil {
		c.broken("%s: %v", where, err)
		c.report.bad[p.Blob] = err.Error()
		return nil
	}
	return err
}

// writerOnly keeps io.CopyBuffer to its buffer.
type writerOnly struct{ io.Writer }

func (c *checker) sessions(ctx context.Context) error {
	for _, state := range []content.SessionState{content.Open, content.Committing} {
		err := meta.Each(ctx, c.Meta,
			func(tx meta.Tx, after content.SessionID) ([]meta.Session, error) {
				return tx.InState(state, after, meta.PageRows)
			},
			func(ses meta.Session) content.SessionID { return ses.ID },
			func(ses meta.Session) error { return c.session(ctx, ses) })
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) session(ctx context.Context, ses meta.Session) error {
	c.report.Sessions++
	what := fmt.Sprintf("upload session %s", ses.ID)
	sum := digest.New()
	holds := ses.Front.N == 0
	end, err := c.parts(ctx, what, ses.Manifest, false, sum, func() {
		if sum.Len() == ses.Front.N {
			holds = ses.Front.State == sum.State() &&
				(ses.Front.N != ses.Grid.FileSize || ses.Front.Sum == sum.Sum())
		}
	})
	if err != nil {
		return err
	}
	if end > ses.Grid.FileSize {
		c.broken("%s has parts up to %d, behind the end of its file at %d", what, end, ses.Grid.FileSize)
	}
	if !holds {
		c.broken("%s: the hash checkpoint at %d is not the hash of what is stored up to there", what, ses.Front.N)
	}
	return nil
}

// orphans are parts that no session and no version has.
func (c *checker) orphans(ctx context.Context) error {
	return c.Meta.View(ctx, func(tx meta.Tx) error {
		lost, err := tx.OrphanManifests(meta.PageRows)
		for _, m := range lost {
			c.broken("manifest %d has parts, and belongs to no session and no version", m)
		}
		return err
	})
}

// rows looks at how items hang together, adds up the totals of folders and what
// users have, and compares that with what is kept. All of it is one transaction: a commit
// moves bytes from reserved to used. It asks for few rows one by one, and keeps
// folders only, so that a million files take seconds.
func (c *checker) rows(ctx context.Context) error {
	return c.Meta.View(ctx, func(tx meta.Tx) error {
		c := &rowChecker{checker: c, tx: tx, folders: map[content.ID]*folderRow{}, linked: map[content.ID]bool{}, used: map[content.ID]int64{}, reserved: map[content.ID]int64{}}
		for _, step := range []func(context.Context) error{c.items, c.links, c.trees, c.versions, c.sessions, c.users} {
			if err := step(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}

type rowChecker struct {
	*checker
	tx             meta.Tx
	folders        map[content.ID]*folderRow
	linked         map[content.ID]bool  // items that say that they have a shared link
	used, reserved map[content.ID]int64 // bytes, by user
	versionsOf     int                  // versions that files have
	bytesOf        int64                // and their bytes
}

// folderRow is what has to be known of a folder. One that is named as a parent,
// but not there, has no row.
type folderRow struct {
	parent    content.ID
	row       bool
	kept, sum meta.Totals
	rooted    bool // below a root, or the top of a tree in limbo
}

func (c *rowChecker) folder(id content.ID) *folderRow {
	f := c.folders[id]
	if f == nil {
		f = &folderRow{}
		c.folders[id] = f
	}
	return f
}

func (c *rowChecker) items(ctx context.Context) error {
	return meta.Each(ctx, inside{c.tx},
		func(tx meta.Tx, after content.ID) ([]meta.Item, error) { return tx.AllItems(after, meta.PageRows) },
		func(i meta.Item) content.ID { return i.ID },
		func(i meta.Item) error {
			if i.Key != content.NameKey(i.Name) {
				c.broken("item %s: the key %q is not that of its name %q", i.ID, i.Key, i.Name)
			}
			if i.Linked {
				c.linked[i.ID] = true
			}
			switch i.Limbo {
			case meta.Growing:
				c.report.Garbage = append(c.report.Garbage, fmt.Sprintf("item %s, the top of a copy that is at work or was cut short", i.ID))
			case meta.Going:
				c.report.Garbage = append(c.report.Garbage, fmt.Sprintf("item %s, the top of what is being deleted for good", i.ID))
			}
			if i.Parent != 0 && i.TrashedAt.IsZero() {
				in := &c.folder(i.Parent).sum
				in.Size += i.Size
				switch i.Kind {
				case meta.Folder:
					in.Folders++
				case meta.File:
					in.Files++
				case meta.WebLink:
					in.Links++
				}
			} else if i.Parent != 0 {
				c.folder(i.Parent)
			}
			switch i.Kind {
			case meta.Folder:
				f := c.folder(i.ID)
				f.row, f.parent, f.kept, f.rooted = true, i.Parent, i.Totals, i.Parent == 0
				return nil
			case meta.File:
				return c.file(i)
			}
			c.total(i.ID, i.Totals, meta.Totals{})
			return nil
		})
}

// links compares shared links with what their items say.
func (c *rowChecker) links(ctx context.Context) error {
	err := meta.Each(ctx, inside{c.tx},
		func(tx meta.Tx, after content.ID) ([]meta.SharedLink, error) {
			return tx.AllSharedLinks(after, meta.PageRows)
		},
		func(l meta.SharedLink) content.ID { return l.Item },
		func(l meta.SharedLink) error {
			if !c.linked[l.Item] {
				c.broken("item %s has a shared link, and says that it has none", l.Item)
			}
			delete(c.linked, l.Item)
			return nil
		})
	for id := range c.linked {
		c.broken("item %s says that it has a shared link, and has none", id)
	}
	return err
}

func (c *rowChecker) total(id content.ID, kept, sum meta.Totals) {
	if kept != sum {
		c.broken("item %s is kept with the totals %+v, and has %+v", id, kept, sum)
	}
}

// file adds up a file's versions.
func (c *rowChecker) file(i meta.Item) error {
	if i.Current.File != i.ID {
		c.broken("file %s has a current version %s of file %s", i.ID, i.Current.ID, i.Current.File)
	}
	c.total(i.ID, i.Totals, meta.Totals{Size: i.Current.Size})
	add := func(v meta.Version) {
		c.used[i.Owner] += v.Size
		c.bytesOf += v.Size
		c.versionsOf++
	}
	add(i.Current)
	if i.Current.Number == 1 {
		return nil // if it has others all the same, their number tells
	}
	for offset := int64(0); ; offset += meta.PageRows {
		past, err := c.tx.PastVersions(i.ID, offset, meta.PageRows)
		if err != nil {
			return err
		}
		for _, v := range past {
			add(v)
		}
		if len(past) < meta.PageRows {
			return nil
		}
	}
}

// trees compares totals, and looks for a way from each folder to its root.
func (c *rowChecker) trees(context.Context) error {
	for id, f := range c.folders {
		if !f.row {
			c.broken("item %s has items in it, and is no folder", id)
			continue
		}
		c.total(id, f.kept, f.sum)
		// Up to a folder that is known to have a root, and down again.
		var way []*folderRow
		at := f
		for !at.rooted && at.row && len(way) <= len(c.folders) {
			way = append(way, at)
			at = c.folder(at.parent)
		}
		if !at.rooted {
			c.broken("item %s is not below any root", id)
			continue
		}
		for _, f := range way {
			f.rooted = true
		}
	}
	return nil
}

// versions counts them all: each belongs to a file.
func (c *rowChecker) versions(ctx context.Context) error {
	n, bytes := 0, int64(0)
	err := meta.Each(ctx, inside{c.tx},
		func(tx meta.Tx, after content.ID) ([]meta.Version, error) {
			return tx.AllVersions(after, meta.PageRows)
		},
		func(v meta.Version) content.ID { return v.ID },
		func(v meta.Version) error { n, bytes = n+1, bytes+v.Size; return nil })
	if err == nil && (n != c.versionsOf || bytes != c.bytesOf) {
		c.broken("there are %d versions of %d bytes, and files have %d of %d bytes", n, bytes, c.versionsOf, c.bytesOf)
	}
	return err
}

func (c *rowChecker) sessions(ctx context.Context) error {
	for _, state := range []content.SessionState{content.Open, content.Committing, content.Committed, content.Aborted, content.Expired} {
		err := meta.Each(ctx, inside{c.tx},
			func(tx meta.Tx, after content.SessionID) ([]meta.Session, error) {
				return tx.InState(state, after, meta.PageRows)
			},
			func(ses meta.Session) content.SessionID { return ses.ID },
			func(ses meta.Session) error { c.reserved[ses.Owner] += ses.Reserved; return nil })
		if err != nil {
			return err
		}
	}
	return nil
}

// users compares quotas with what exists.
func (c *rowChecker) users(ctx context.Context) error {
	return meta.Each(ctx, inside{c.tx},
		func(tx meta.Tx, after content.ID) ([]content.User, error) { return tx.Users(after, meta.PageRows) },
		func(u content.User) content.ID { return u.ID },
		func(u content.User) error {
			if u.DeletedAt.IsZero() {
				c.report.Users++
			}
			if u.Used != c.used[u.ID] {
				c.broken("user %s is charged for %d bytes, and has %d", u.ID, u.Used, c.used[u.ID])
			}
			if u.Reserved != c.reserved[u.ID] {
				c.broken("user %s has %d bytes reserved, and sessions ask for %d", u.ID, u.Reserved, c.reserved[u.ID])
			}
			return nil
		})
}

// inside runs views in a transaction that is open.
type inside struct{ tx meta.Tx }

func (i inside) View(_ context.Context, fn func(meta.Tx) error) error { return fn(i.tx) }

// garbage lists blobs without a row and scraps, which do no harm.
func (c *checker) garbage(ctx context.Context) error {
	for info, err := range c.Blobs.List(ctx) {
		if err != nil {
			return err
		}
		if _, seen := c.good[info.Key]; seen {
			continue
		}
		err := c.Meta.View(ctx, func(tx meta.Tx) error {
			refers, err := tx.Refers(info.Key)
			if err == nil && !refers {
				c.report.Garbage = append(c.report.Garbage, fmt.Sprintf("blob %s, %d bytes, without a row", info.Key, info.Size))
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	for scrap, err := range c.Blobs.Scraps(ctx) {
		if err != nil {
			return err
		}
		c.report.Garbage = append(c.report.Garbage, fmt.Sprintf("%s, %d bytes, of an upload cut short", scrap.Name, scrap.Size))
	}
	return nil
}
