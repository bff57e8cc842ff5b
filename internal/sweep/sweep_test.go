package sweep_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha1"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"boxcar/internal/auth"
	"boxcar/internal/blob"
	"boxcar/internal/blob/disk"
	"boxcar/internal/content"
	"boxcar/internal/digest"
	"boxcar/internal/meta"
	"boxcar/internal/meta/sqlite"
	"boxcar/internal/sweep"
	"boxcar/internal/vfs"
)

const partSize = 128

// data is a directory with a file of three parts and an open session of the
// same bytes with two of them, hashed up to there.
type data struct {
	t       *testing.T
	dir     string
	rows    *sqlite.Store
	blobs   blob.Store
	now     time.Time
	sweep   *sweep.Service
	user    content.ID
	root    content.ID
	version meta.Version
	item    meta.Item
	session meta.Session
	bytes   []byte     // of the file
	keys    []blob.Key // of the version's parts
}

func newData(t *testing.T) *data {
	d := &data{t: t, dir: t.TempDir(), now: time.Now().Truncate(time.Second)}
	var err error
	if d.rows, err = sqlite.Open(filepath.Join(d.dir, "db"), sqlite.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.rows.Close() })
	if d.blobs, err = disk.Open(vfs.Dir(d.dir)); err != nil {
		t.Fatal(err)
	}
	now := func() time.Time { return d.now }
	d.sweep = &sweep.Service{Meta: d.rows, Blobs: d.blobs, Now: now, Log: slog.New(slog.DiscardHandler)}
	id := content.ID(0)
	a := &auth.Service{Meta: d.rows, Now: now, NewID: func() content.ID { id++; return id }, Random: func(b []byte) { rand.Read(b) }}
	c, err := a.Start(t.Context(), func(auth.Credentials) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	who, err := a.Authenticate(t.Context(), c.DeveloperToken, "")
	if err != nil {
		t.Fatal(err)
	}
	d.user, d.root = who.User, who.Root

	d.bytes = make([]byte, 3*partSize)
	rand.Read(d.bytes)
	d.version = meta.Version{ID: 1001, File: 1000, Number: 1, Name: "f", Size: int64(len(d.bytes)), SHA1: sha1.Sum(d.bytes), Manifest: 1, CreatedAt: d.now, CreatedBy: d.user}
	d.item = meta.Item{ID: 1000, Kind: meta.File, Parent: d.root, Name: "f", Key: "f", CreatedAt: d.now, ModifiedAt: d.now,
		ContentCreatedAt: d.now, ContentModifiedAt: d.now, CreatedBy: d.user, ModifiedBy: d.user, Owner: d.user, Current: d.version}
	d.session = meta.Session{
		Session: content.Session{ID: "0123456789ABCDEF0123456789ABCDEF", Owner: d.user, Folder: d.root, Name: "g",
			Grid: content.Grid{FileSize: int64(len(d.bytes)), PartSize: partSize}, State: content.Open, CreatedAt: d.now, ExpiresAt: d.now.Add(7 * 24 * time.Hour)},
		Manifest: 2, Reserved: int64(len(d.bytes)),
	}
	d.update(func(tx meta.Tx) error {
		if err := tx.InsertVersion(d.version); err != nil {
			return err
		}
		return tx.InsertItem(d.item)
	})
	d.keys = d.parts(1, d.bytes)
	d.parts(2, d.bytes[:2*partSize])
	hashed := digest.New()
	hashed.Write(d.bytes[:2*partSize])
	d.session.Front = content.Front{N: 2 * partSize, State: hashed.State()}
	d.update(func(tx meta.Tx) error {
		if err := tx.InsertSession(d.session); err != nil {
			return err
		}
		return tx.AddUsage(d.user, d.version.Size, d.session.Reserved)
	})
	return d
}

func (d *data) update(fn func(meta.Tx) error) {
	d.t.Helper()
	if err := d.rows.Update(d.t.Context(), fn); err != nil {
		d.t.Fatal(err)
	}
}

// parts stores bytes as the parts of a manifest.
func (d *data) parts(m meta.Manifest, data []byte) (keys []blob.Key) {
	d.t.Helper()
	sum := digest.New()
	for at := 0; at < len(data); at += partSize {
		piece := data[at:min(at+partSize, len(data))]
		sum.Write(piece)
		part := meta.Part{
			Part: content.Part{ID: fmt.Sprintf("%08X", at), Span: content.Span{Start: int64(at), End: int64(at + len(piece))}, SHA1: sha1.Sum(piece)},
			Blob: d.put(piece), CreatedAt: d.now, After: sum.State(),
		}
		keys = append(keys, part.Blob)
		d.update(func(tx meta.Tx) error { return tx.InsertPart(m, part) })
	}
	return keys
}

func (d *data) put(b []byte) blob.Key {
	d.t.Helper()
	var bits [16]byte
	rand.Read(bits[:])
	key := blob.NewKey(bits)
	if err := d.blobs.Put(d.t.Context(), key, blob.Verify(bytes.NewReader(b), blob.Want{Size: int64(len(b))}, nil)); err != nil {
		d.t.Fatal(err)
	}
	return key
}

// file is where a blob is.
func (d *data) file(k blob.Key) string {
	return filepath.Join(d.dir, "blobs", string(k[:2]), string(k))
}

func (d *data) check() *sweep.Report {
	d.t.Helper()
	r, err := d.sweep.Check(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	return r
}

func TestCheckFindsNothingWrongWithWhatIsRight(t *testing.T) {
	d := newData(t)
	r := d.check()
	if len(r.Broken) > 0 || len(r.Garbage) > 0 {
		t.Errorf("broken %q, garbage %q", r.Broken, r.Garbage)
	}
	if r.Blobs != 5 || r.Versions != 1 || r.Sessions != 1 || r.Users != 1 {
		t.Errorf("looked at %+v", r)
	}
}

func TestCheckFindsWhatIsBroken(t *testing.T) {
	flip := func(path string) error {
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		b[len(b)/2] ^= 1
		return os.WriteFile(path, b, 0o600)
	}
	for _, c := range []struct {
		name   string
		damage func(d *data) error
		says   string // in one of the sentences
	}{
		{"a blob is gone", func(d *data) error { return os.Remove(d.file(d.keys[1])) }, "the blob is missing"},
		{"a bit has flipped", func(d *data) error { return flip(d.file(d.keys[2])) }, "hash to"},
		{"a blob is short", func(d *data) error { return os.Truncate(d.file(d.keys[0]), 100) }, "only 100 of the 128 bytes"},
		{"a blob is long", func(d *data) error { return os.Truncate(d.file(d.keys[0]), 200) }, "more bytes than"},
		{"a version's digest is another", func(d *data) error {
			d.parts(3, d.bytes)
			return d.rows.Update(d.t.Context(), func(tx meta.Tx) error {
				v := d.version
				v.ID, v.Number, v.Manifest, v.SHA1[0] = 1002, 2, 3, v.SHA1[0]+1
				if err := tx.AddUsage(d.user, v.Size, 0); err != nil {
					return err
				}
				return tx.InsertVersion(v)
			})
		}, "version 1002 of file 1000 hashes to"},
		{"a version is longer than its parts", func(d *data) error {
			d.parts(3, d.bytes)
			return d.rows.Update(d.t.Context(), func(tx meta.Tx) error {
				v := d.version
				v.ID, v.Number, v.Manifest, v.Size = 1002, 2, 3, v.Size+1
				if err := tx.AddUsage(d.user, v.Size, 0); err != nil {
					return err
				}
				return tx.InsertVersion(v)
			})
		}, "has 384 bytes in parts, and should have 385"},
		{"a hash state behind a part is wrong", func(d *data) error {
			return d.rows.Update(d.t.Context(), func(tx meta.Tx) error {
				return tx.SetAfter(1, 0, content.SHA1State{N: partSize, Chain: [20]byte{1}})
			})
		}, "the hash state kept behind the part at 0"},
		{"a checkpoint is wrong", func(d *data) error {
			return d.rows.Update(d.t.Context(), func(tx meta.Tx) error {
				s := d.session
				s.Front.State.Chain[3]++
				return tx.UpdateSession(s)
			})
		}, "the hash checkpoint at 256"},
		{"a checkpoint is ahead of the parts", func(d *data) error {
			return d.rows.Update(d.t.Context(), func(tx meta.Tx) error {
				return tx.SetFront(d.session.ID, content.Front{N: 3 * partSize, State: content.SHA1State{N: 3 * partSize, Chain: [20]byte{1}}})
			})
		}, "the hash checkpoint at 384"},
		{"parts that nobody has", func(d *data) error { d.parts(9, make([]byte, 10)); return nil }, "belongs to no session and no version"},
		{"a user is charged too much", func(d *data) error {
			return d.rows.Update(d.t.Context(), func(tx meta.Tx) error { return tx.AddUsage(d.user, 1, 0) })
		}, "is charged for 385 bytes, and has 384"},
		{"a reservation that no session has", func(d *data) error {
			return d.rows.Update(d.t.Context(), func(tx meta.Tx) error { return tx.AddUsage(d.user, 0, -84) })
		}, "has 300 bytes reserved, and sessions ask for 384"},
		{"a key is not that of the name", func(d *data) error {
			return d.rows.Update(d.t.Context(), func(tx meta.Tx) error {
				i := d.item
				i.Key = "other"
				return tx.UpdateItem(i)
			})
		}, `the key "other" is not that of its name "f"`},
		{"a shared link that its item does not know", func(d *data) error {
			return d.rows.Update(d.t.Context(), func(tx meta.Tx) error {
				return tx.InsertSharedLink(meta.SharedLink{Item: d.item.ID, Token: "token"})
			})
		}, "has a shared link, and says that it has none"},
		{"an item that says it has a shared link", func(d *data) error {
			return d.rows.Update(d.t.Context(), func(tx meta.Tx) error {
				i := d.item
				i.Linked = true
				return tx.UpdateItem(i)
			})
		}, "says that it has a shared link, and has none"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newData(t)
			if err := c.damage(d); err != nil {
				t.Fatal(err)
			}
			if r := d.check(); !strings.Contains(strings.Join(r.Broken, "\n"), c.says) {
				t.Errorf("doctor says %q, and nothing of %q", r.Broken, c.says)
			}
		})
	}
}

func TestSweepTakesWhatNobodyNeedsAndNothingElse(t *testing.T) {
	d := newData(t)
	orphan := d.put([]byte("no row"))
	young := d.put([]byte("a row may come"))
	old := d.now.Add(-sweep.GarbageAge - time.Minute)
	for _, k := range append([]blob.Key{orphan}, d.keys...) {
		if err := os.Chtimes(d.file(k), old, old); err != nil {
			t.Fatal(err)
		}
	}
	scrap := filepath.Join(d.dir, "tmp", string(young)+".1")
	if err := os.WriteFile(scrap, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}

	swept := func(want sweep.Swept) {
		t.Helper()
		got, err := d.sweep.Sweep(context.Background())
		if err != nil || got != want {
			t.Errorf("swept %+v, %v; want %+v", got, err, want)
		}
		if r := d.check(); len(r.Broken) > 0 {
			t.Errorf("after it: %q", r.Broken)
		}
	}
	swept(sweep.Swept{Garbage: 1, Found: 1, Freed: 6})
	if _, err := d.blobs.Stat(t.Context(), orphan); !content.Is(err, content.NotFound) {
		t.Errorf("the orphan: %v", err)
	}
	if r := d.check(); len(r.Garbage) != 2 { // the young blob, and the scrap
		t.Errorf("garbage is %q", r.Garbage)
	}
	if err := d.sweep.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(scrap); !os.IsNotExist(err) {
		t.Errorf("the scrap after a start: %v", err)
	}

	// The session expires, and its parts and its reservation go.
	d.now = d.session.ExpiresAt
	if err := os.Chtimes(d.file(young), d.now, d.now); err != nil {
		t.Fatal(err)
	}
	swept(sweep.Swept{Expired: 1})
	swept(sweep.Swept{})
	d.now = d.session.ExpiresAt.Add(content.Remembered - time.Second)
	if err := os.Chtimes(d.file(young), d.now, d.now); err != nil {
		t.Fatal(err)
	}
	swept(sweep.Swept{})
	d.now = d.now.Add(time.Second)
	swept(sweep.Swept{Forgotten: 1})

	// The trash keeps a file for 30 days.
	d.update(func(tx meta.Tx) error {
		i := d.item
		i.TrashedAt = d.now
		return tx.UpdateItem(i)
	})
	d.now = d.now.Add(content.TrashLife - time.Second)
	swept(sweep.Swept{Garbage: 1, Found: 1, Freed: 14}) // the blob that was young
	d.now = d.now.Add(time.Second)
	swept(sweep.Swept{Purged: 1, Trees: 1})
	for _, k := range d.keys {
		if _, err := d.blobs.Stat(t.Context(), k); !content.Is(err, content.NotFound) {
			t.Errorf("a purged file's blob: %v", err)
		}
	}
}

// TestGarbageIsKeptWhileABackupHolds: a copy of the rows may refer to it.
func TestGarbageIsKeptWhileABackupHolds(t *testing.T) {
	d := newData(t)
	orphan := d.put([]byte("orphan"))
	d.now = d.now.Add(2 * sweep.GarbageAge)
	d.update(func(tx meta.Tx) error { return tx.PutHold("backup", d.now.Add(time.Minute)) })
	done, err := d.sweep.Sweep(t.Context())
	if err != nil || done.Found != 1 || done.Garbage != 0 {
		t.Errorf("held, swept %+v, %v", done, err)
	}
	if _, err := d.blobs.Stat(t.Context(), orphan); err != nil {
		t.Error(err)
	}
	d.now = d.now.Add(time.Minute)
	done, err = d.sweep.Sweep(t.Context())
	if err != nil || done.Garbage != 1 {
		t.Errorf("when the hold has run out, swept %+v, %v", done, err)
	}
	err = d.rows.View(t.Context(), func(tx meta.Tx) error { _, err := tx.Hold("backup"); return err })
	if !content.Is(err, content.NotFound) {
		t.Errorf("the hold that has run out: %v", err)
	}
}
