package sweep_test

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"boxcar/internal/blob"
	"boxcar/internal/meta"
	"boxcar/internal/sweep"
)

// scrub runs one Scrub of a server that starts anew, and says which blobs it read.
func (d *data) scrub(ctx context.Context, rate int64) (*sweep.Service, int, error) {
	read := 0
	s := &sweep.Service{Meta: d.sweep.Meta, Blobs: d.sweep.Blobs, Now: d.sweep.Now, Log: d.sweep.Log, ScrubRate: rate, Scrubbed: func(int64) { read++ }}
	err := s.Scrub(ctx)
	return s, read, err
}

func (d *data) marked() (keys []blob.Key) {
	d.t.Helper()
	err := d.rows.View(d.t.Context(), func(tx meta.Tx) error {
		all, err := tx.RottenBlobs("", 100)
		for _, r := range all {
			keys = append(keys, r.Key)
		}
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return keys
}

func (d *data) alter(k blob.Key) (undo func()) {
	d.t.Helper()
	old, err := os.ReadFile(d.file(k))
	if err != nil {
		d.t.Fatal(err)
	}
	rotten := slices.Clone(old)
	rotten[len(rotten)/2] ^= 1
	write := func(b []byte) {
		if err := os.WriteFile(d.file(k), b, 0o600); err != nil {
			d.t.Fatal(err)
		}
	}
	write(rotten)
	return func() { write(old) }
}

func sorted(keys ...blob.Key) []blob.Key { slices.Sort(keys); return keys }

const fast = 1 << 40 // bytes a second

func TestScrubMarksWhatIsDamagedAndNothingElse(t *testing.T) {
	d := newData(t)
	d.alter(d.keys[0])
	if err := os.Remove(d.file(d.keys[1])); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(d.file(d.keys[2]), 5); err != nil {
		t.Fatal(err)
	}
	s, read, err := d.scrub(t.Context(), fast)
	if err != nil || read != 5 {
		t.Fatalf("read %d blobs, want the 5 that there are; %v", read, err)
	}
	if got, want := d.marked(), sorted(d.keys...); !slices.Equal(got, want) {
		t.Errorf("marked %v, want %v", got, want)
	}
	p := s.Pass()
	if p.Rotten != 3 || p.Blobs != 5 || !p.Whole || p.Done() != 1 || !p.Ended.Equal(d.now) {
		t.Errorf("the pass is told as %+v", p)
	}
}

func TestAPassGoesOnWhereItStoppedAndTheNextIsDueAfterADay(t *testing.T) {
	d := newData(t)
	ctx, cancel := context.WithCancel(t.Context())
	stop := &stopping{Store: d.sweep.Blobs, after: 2, stop: cancel}
	d.sweep.Blobs = stop
	_, first, err := d.scrub(ctx, fast)
	if !errors.Is(err, context.Canceled) || first == 0 || first == 5 {
		t.Fatalf("the first run read %d blobs and gave %v", first, err)
	}
	stop.after = 1000
	s, rest, err := d.scrub(t.Context(), fast)
	if err != nil || first+rest != 5 {
		t.Fatalf("%d blobs were read, and then %d, want 5 in all; %v", first, rest, err)
	}
	if p := s.Pass(); p.Blobs != 5 || !p.Whole {
		t.Errorf("the pass is told as %+v", p)
	}
	if _, n, err := d.scrub(t.Context(), fast); n != 0 || err != nil {
		t.Errorf("%d blobs were read again at once; %v", n, err)
	}
	d.now = d.now.Add(25 * time.Hour)
	if _, n, err := d.scrub(t.Context(), fast); n != 5 || err != nil {
		t.Errorf("%d blobs were read a day later, want all 5; %v", n, err)
	}
	if _, n, err := d.scrub(t.Context(), 0); n != 0 || err != nil {
		t.Errorf("%d blobs were read without a rate; %v", n, err)
	}
}

// stopping ends a scrub after some blobs.
type stopping struct {
	blob.Store
	after int
	stop  func()
}

func (s *stopping) Open(ctx context.Context, key blob.Key, offset, length int64) (io.ReadCloser, error) {
	if s.after--; s.after < 0 {
		s.stop()
	}
	return s.Store.Open(ctx, key, offset, length)
}

func TestWhatIsPutRightIsServedAgain(t *testing.T) {
	d := newData(t)
	undo := d.alter(d.keys[0])
	s, _, err := d.scrub(t.Context(), fast)
	if err != nil || len(d.marked()) != 1 {
		t.Fatalf("marked %v; %v", d.marked(), err)
	}
	undo()
	d.now = d.now.Add(time.Minute)
	if err := s.Scrub(t.Context()); err != nil || len(d.marked()) != 1 {
		t.Errorf("looked again at once: %v; %v", d.marked(), err)
	}
	report := d.broken("is as it should be now")
	if len(report.Lost) != 1 {
		t.Errorf("doctor lists %v", report.Lost)
	}
	d.now = d.now.Add(2 * time.Hour)
	if err := s.Scrub(t.Context()); err != nil || len(d.marked()) != 0 {
		t.Errorf("still marked: %v; %v", d.marked(), err)
	}
}

func TestMarksGoWithTheLastPartOfTheirBlob(t *testing.T) {
	d := newData(t)
	d.alter(d.keys[0])
	s, _, err := d.scrub(t.Context(), fast)
	if err != nil {
		t.Fatal(err)
	}
	d.update(func(tx meta.Tx) error {
		_, _, err := tx.DeleteParts(1, 100)
		return err
	})
	d.now = d.now.Add(2 * time.Hour)
	if err := s.Scrub(t.Context()); err != nil || len(d.marked()) != 0 {
		t.Errorf("still marked: %v; %v", d.marked(), err)
	}
}

// broken is doctor's report, with a line that says what.
func (d *data) broken(what string) *sweep.Report {
	d.t.Helper()
	report, err := d.sweep.Check(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	if !slices.ContainsFunc(report.Broken, func(b string) bool { return strings.Contains(b, what) }) {
		d.t.Errorf("doctor says %q, and nothing with %q", report.Broken, what)
	}
	return report
}

func TestDoctorNamesTheFilesThatAreLost(t *testing.T) {
	d := newData(t)
	// A folder with a copy that shares the blobs, and a past version of its own.
	past := d.version
	past.ID, past.Manifest, past.SHA1 = 1002, 3, meta.Version{}.SHA1
	d.update(func(tx meta.Tx) error {
		folder := d.item
		folder.ID, folder.Kind, folder.Name, folder.Key, folder.Current = 2000, meta.Folder, "deep", "deep", meta.Version{}
		copied := d.item
		copied.ID, copied.Parent, copied.Current.ID, copied.Current.File = 2001, 2000, 2002, 2001
		return errors.Join(tx.InsertItem(folder), tx.InsertVersion(copied.Current), tx.InsertItem(copied), tx.AddUsage(d.user, d.version.Size, 0))
	})
	d.alter(d.keys[1])
	report := d.broken("hash")
	var got []string
	for _, l := range report.Lost {
		got = append(got, l.String())
	}
	if len(got) != 2 || !strings.HasPrefix(got[0], "file 1000 /f, version 1001 (number 1, current): blob "+string(d.keys[1])) ||
		!strings.HasPrefix(got[1], "file 2001 /deep/f, version 2002 (number 1, current): blob ") {
		t.Errorf("lost is %q", got)
	}
}

// failing gives an error of the disk in place of bytes.
type failing struct {
	blob.Store
	at    map[blob.Key]bool
	times int
}

func (f *failing) Open(ctx context.Context, key blob.Key, offset, length int64) (io.ReadCloser, error) {
	r, err := f.Store.Open(ctx, key, offset, length)
	if err == nil && f.at[key] && f.times > 0 {
		f.times--
		return badReader{r}, nil
	}
	return r, err
}

type badReader struct{ io.ReadCloser }

func (badReader) Read([]byte) (int, error) { return 0, errors.New("input/output error") }

func TestABlobThatTheDiskDoesNotGiveIsDamagedIfItFailsTwice(t *testing.T) {
	for times, want := range map[int]int{1: 0, 2: 1} {
		d := newData(t)
		d.sweep.Blobs = &failing{Store: d.blobs, at: map[blob.Key]bool{d.keys[0]: true}, times: times}
		if _, _, err := d.scrub(t.Context(), fast); err != nil || len(d.marked()) != want {
			t.Errorf("after failing %d times, marked %v, want %d; %v", times, d.marked(), want, err)
		}
	}
}

func TestScrubStopsWhenTheWholeDiskSeemsGone(t *testing.T) {
	d := newData(t)
	keys := d.parts(7, make([]byte, 40*partSize))
	d.update(func(tx meta.Tx) error {
		v := d.version
		v.ID, v.File, v.Manifest = 3001, 3000, 7
		it := d.item
		it.ID, it.Name, it.Key, it.Current = 3000, "h", "h", v
		return errors.Join(tx.InsertVersion(v), tx.InsertItem(it))
	})
	for _, k := range append(keys, d.keys...) {
		os.Remove(d.file(k))
	}
	_, n, err := d.scrub(t.Context(), fast)
	if err == nil || !strings.Contains(err.Error(), "in a row") || n >= 40 {
		t.Errorf("scrub went over %d blobs and gave %v", n, err)
	}
}

func TestScrubKeepsItsRate(t *testing.T) {
	d := newData(t)
	d.parts(2, nil)
	key := d.put(make([]byte, 1<<20))
	d.update(func(tx meta.Tx) error {
		parts, err := tx.Parts(1, 0, 1)
		if err != nil {
			return err
		}
		p := parts[0]
		p.Blob, p.SHA1, p.ID, p.Span.Start, p.Span.End = key, [20]byte{}, "FFFFFFFF", 1<<30, 1<<30+1<<20
		return tx.InsertPart(9, p)
	})
	began := time.Now()
	if _, _, err := d.scrub(t.Context(), 4<<20); err != nil {
		t.Fatal(err)
	}
	// The large one is read twice, since its digest is not right.
	if took := time.Since(began); took < 450*time.Millisecond || took > 5*time.Second {
		t.Errorf("2 MiB took %v at 4 MiB/s", took)
	}
}
