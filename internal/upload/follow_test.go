package upload_test

import (
	"bytes"
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"boxcar/internal/content"
	"boxcar/internal/meta/metatest"
	"boxcar/internal/upload"
	"boxcar/internal/vfs/faultfs"
)

const patience = time.Minute

// sides are the parts of a file, sent side by side by clients that wait until
// they are told to go on.
type sides struct {
	*house
	t    *testing.T
	ses  content.Session
	data []byte
}

// sent is a part on its way.
type sent struct {
	body  *io.PipeWriter
	data  []byte
	began time.Time
	end   chan error
}

// following starts a session of so many parts in a house where parts follow each other.
func following(t *testing.T, parts int, f *metatest.Faulty) *sides {
	return followingWith(t, parts, partSize, f)
}

func followingWith(t *testing.T, parts, partSize int, f *metatest.Faulty) *sides {
	w := newWorld(t)
	w.t, w.files = t, true
	h := w.open(f)
	h.upload.Limits.FollowFrom, h.upload.Limits.FollowWait, h.upload.Limits.PartSize = 1, patience, int64(partSize)
	s := &sides{house: h, t: t, data: bytesOf(parts * partSize)}
	s.ses = h.create("a", s.data)
	return s
}

// begin sends the head of a part.
func (s *sides) begin(slot int64) *sent { return s.beginWith(slot, s.data) }

func (s *sides) beginWith(slot int64, data []byte) *sent {
	span := s.ses.Grid.Slot(slot)
	r, w := io.Pipe()
	p := &sent{body: w, data: data[span.Start:span.End], began: time.Now(), end: make(chan error, 1)}
	go func() {
		_, err := s.upload.PutPart(s.t.Context(), s.who, s.ses.ID,
			upload.Sent{Span: span, Total: s.ses.Grid.FileSize, SHA1: sha1.Sum(p.data), Length: span.Len()}, r)
		r.CloseWithError(err)
		p.end <- err
	}()
	synctest.Wait()
	return p
}

// rest sends all that is left of the body.
func (p *sent) rest() {
	p.restAside()
	synctest.Wait()
}

// restAside is rest for who is not the test itself.
func (p *sent) restAside() {
	p.body.Write(p.data)
	p.body.Close()
}

// over says whether the part has been answered.
func (p *sent) over() bool { return len(p.end) > 0 }

func (s *sides) noneOver(what string, parts ...*sent) {
	s.t.Helper()
	for i, p := range parts {
		if p.over() {
			s.t.Errorf("%s: the answer to part %d of them is there: %v", what, i, <-p.end)
		}
	}
}

func (s *sides) allDone(what string, parts ...*sent) {
	s.t.Helper()
	for i, p := range parts {
		if err := <-p.end; err != nil {
			s.t.Errorf("%s: part %d of them: %v", what, i, err)
		}
	}
}

// finish commits, and has doctor look at the states behind the parts.
func (s *sides) finish(data []byte) {
	s.t.Helper()
	if err := s.commit(s.ses, data); err != nil {
		s.t.Error(err)
	}
	s.upload.Close()
	s.prove("in the end")
}

// Parts that come side by side are hashed for the file while they are hashed
// for themselves, in the order of the file, and none is read again for that, neither from
// memory nor from the disk. It is all in the rows.
func TestPartsFollowEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := following(t, 4, &metatest.Faulty{})
		var opens atomic.Int64
		s.fs.Watch(func(op faultfs.Op, _ string) {
			if op == faultfs.Open {
				opens.Add(1)
			}
		})
		third, first, zeroth, second := s.begin(3), s.begin(1), s.begin(0), s.begin(2)
		third.rest()
		second.rest()
		first.rest()
		s.noneOver("before the first one", first, second, third)
		zeroth.rest()
		s.allDone("side by side", zeroth, first, second, third)
		if took := time.Since(zeroth.began); took != 0 {
			t.Errorf("they took %v", took)
		}
		if at := s.upload.RowFront(t, s.rows, s.ses.ID); at.N != int64(len(s.data)) || at.Sum != sha1.Sum(s.data) {
			t.Errorf("the row is at %d with %v", at.N, at.Sum)
		}
		if n := opens.Load(); n != 0 {
			t.Errorf("%d blobs were read", n)
		}
		s.finish(s.data)
	})
}

// Those behind a part are hashed while it is synced.
func TestPartsDoNotFollowTheDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := following(t, 3, &metatest.Faulty{})
		zeroth, first, second := s.begin(0), s.begin(1), s.begin(2)
		first.rest()
		second.rest()
		disk := make(chan struct{})
		s.fs.Watch(func(op faultfs.Op, _ string) {
			if op == faultfs.Sync {
				<-disk
			}
		})
		zeroth.rest()
		s.allDone("before the first one is on the disk", first, second)
		if took := time.Since(first.began); took != 0 {
			t.Errorf("they took %v", took)
		}
		s.noneOver("on no disk", zeroth)
		s.fs.Watch(nil)
		close(disk)
		s.allDone("on the disk", zeroth)
		synctest.Wait()
		if at := s.upload.RowFront(t, s.rows, s.ses.ID); at.N != int64(len(s.data)) {
			t.Errorf("the row is at %d", at.N)
		}
		s.finish(s.data)
	})
}

// A part waits for one before it that stands no longer than it may.
func TestPartsDoNotFollowForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := following(t, 3, &metatest.Faulty{})
		zeroth, first, second := s.begin(0), s.begin(1), s.begin(2)
		zeroth.body.Write(zeroth.data[:100])
		first.rest()
		s.noneOver("with the first one on its way", first)
		s.allDone("after a while", first)
		if took := time.Since(first.began); took != patience {
			t.Errorf("it took %v, want %v", took, patience)
		}
		zeroth.body.Write(zeroth.data[100:])
		zeroth.body.Close()
		s.allDone("late", zeroth)
		second.rest()
		s.allDone("last", second)
		s.finish(s.data)
	})
}

// When one before them is cut off, or refused, the others go on by themselves, at once.
func TestPartsDoNotFollowWhatIsGone(t *testing.T) {
	for name, end := range map[string]func(p *sent){
		"cut": func(p *sent) { p.body.CloseWithError(io.ErrUnexpectedEOF) },
		"refused": func(p *sent) {
			p.body.Write(bytes.Repeat([]byte("x"), len(p.data)-100))
			p.body.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := following(t, 3, &metatest.Faulty{})
				zeroth, first, second := s.begin(0), s.begin(1), s.begin(2)
				zeroth.body.Write(zeroth.data[:100])
				first.rest()
				second.rest()
				s.noneOver("with the first one on its way", first, second)
				end(zeroth)
				if err := <-zeroth.end; !errors.Is(err, io.ErrUnexpectedEOF) && !content.Is(err, content.DigestMismatch) {
					t.Errorf("the first one: %v", err)
				}
				s.allDone("without it", first, second)
				if took := time.Since(first.began); took != 0 {
					t.Errorf("they took %v", took)
				}
				again := s.begin(0)
				again.rest()
				s.allDone("again", again)
				s.finish(s.data)
			})
		})
	}
}

// A part is hashed, and those behind it upon it, but it is not recorded, and
// then another takes its place: nothing of it is left in the file's hash.
func TestPartsThatFollowedWhatWasNotRecorded(t *testing.T) {
	for _, other := range []bool{false, true} {
		t.Run(fmt.Sprintf("other bytes %v", other), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &metatest.Faulty{}
				s := following(t, 4, f)
				zeroth, first, second := s.begin(0), s.begin(1), s.begin(2)
				first.rest()
				second.rest()
				hold := s.upload.HoldFront(t, s.rows, s.ses.ID)
				defer hold()
				// Its Update is the next one to begin: the others, which have been synced, wait.
				var last atomic.Value
				over := make(chan struct{})
				s.fs.Watch(func(op faultfs.Op, name string) {
					switch op {
					case faultfs.Sync:
						last.Store(name)
					case faultfs.Link:
						if last.Load() != name {
							<-over
						}
					}
				})
				f.FailBefore = f.Updates() + 1
				zeroth.rest()
				err := <-zeroth.end
				s.fs.Watch(nil)
				close(over)
				if !errors.Is(err, metatest.ErrInjected) {
					t.Fatalf("not the failure that was meant: %v", err)
				}
				for _, p := range []*sent{first, second} {
					if err := <-p.end; err != nil {
						t.Errorf("another one failed, too: %v", err)
					}
				}
				data := bytes.Clone(s.data)
				if other {
					data[7]++
				}
				// Who did not get through comes again.
				for slot := range int64(4) {
					p := s.beginWith(slot, data)
					if p.over() { // it is there
						s.allDone("there", p)
						continue
					}
					p.rest()
					s.allDone("again", p)
				}
				s.finish(data)
			})
		})
	}
}

// Parts for which there is no room in memory wait for it before they are read.
func TestPartsWaitForRoomToFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := following(t, 8, &metatest.Faulty{}) // three have room
		var parts []*sent
		for slot := range int64(8) {
			parts = append(parts, s.begin(slot))
		}
		far := parts[7]
		read := make(chan struct{})
		go func() {
			far.body.Write(far.data)
			close(read)
		}()
		synctest.Wait()
		select {
		case <-read:
			t.Error("it was read before there was room")
		default:
		}
		for _, p := range parts[:7] {
			p.rest()
		}
		<-read
		far.body.Close()
		s.allDone("in order", parts...)
		if took := time.Since(parts[0].began); took != 0 {
			t.Errorf("they took %v", took)
		}
		s.finish(s.data)
	})
}

// Parts that never have room are not read before it is their turn, as long as the one that
// is hashed along comes as fast as the disk takes it.
func TestBigPartsFollowOneAfterTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const parts = 4
		s := followingWith(t, parts, 4<<20, &metatest.Faulty{}) // three blocks have room
		s.upload.Limits.FollowWait = 100 * time.Millisecond
		var opens, writing atomic.Int64
		s.fs.Watch(func(op faultfs.Op, _ string) {
			switch op {
			case faultfs.Open:
				opens.Add(1)
			case faultfs.Write:
				if n := writing.Add(1); n > 1 {
					t.Errorf("%d parts are written at once", n)
				}
				time.Sleep(60 * time.Millisecond) // a part takes longer than anybody waits for nothing
				writing.Add(-1)
			}
		})
		var sending []*sent
		for slot := range int64(parts) {
			sending = append(sending, s.begin(slot))
		}
		for _, p := range sending {
			go p.restAside()
		}
		s.allDone("in order", sending...)
		if n := opens.Load(); n != 0 {
			t.Errorf("%d blobs were read", n)
		}
		s.fs.Watch(nil)
		s.finish(s.data)
	})
}

// Where the client of the one that is hashed along is what all would wait for, they are
// read side by side.
func TestBigPartsDoNotFollowASlowOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := followingWith(t, 3, 16<<20, &metatest.Faulty{})
		s.upload.Limits.FollowWait = 100 * time.Millisecond
		s.fs.Watch(func(op faultfs.Op, _ string) {
			if op == faultfs.Write {
				time.Sleep(5 * time.Millisecond)
			}
		})
		zeroth, first, second := s.begin(0), s.begin(1), s.begin(2)
		go func() {
			for at := 0; at < len(zeroth.data); at += 64 << 10 {
				time.Sleep(2 * time.Millisecond)
				zeroth.body.Write(zeroth.data[at : at+64<<10])
			}
			zeroth.body.Close()
		}()
		go first.restAside()
		go second.restAside()
		s.allDone("before the slow one", first, second)
		if took := time.Since(zeroth.began); took > 300*time.Millisecond {
			t.Errorf("they took %v", took)
		}
		s.noneOver("slowly", zeroth)
		s.allDone("in the end", zeroth)
		s.fs.Watch(nil)
		s.finish(s.data)
	})
}

// Who goes away while its part waits for room holds nothing up.
func TestWhoWaitsForRoomMayGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := following(t, 8, &metatest.Faulty{})
		var parts []*sent
		for slot := range int64(7) {
			parts = append(parts, s.begin(slot))
		}
		ctx, cancel := context.WithCancel(t.Context())
		span, end := s.ses.Grid.Slot(7), make(chan error)
		go func() {
			_, err := s.upload.PutPart(ctx, s.who, s.ses.ID,
				upload.Sent{Span: span, Total: s.ses.Grid.FileSize, SHA1: sha1.Sum(s.data[span.Start:]), Length: span.Len()}, stopped{ctx})
			end <- err
		}()
		synctest.Wait()
		began := time.Now()
		cancel()
		if err := <-end; err == nil || time.Since(began) != 0 {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		last := s.begin(7)
		for _, p := range append(parts, last) {
			p.rest()
		}
		s.allDone("in order", append(parts, last)...)
		s.finish(s.data)
	})
}

// Parts at random, some of them cut and sent again, make the file that was meant.
func TestPartsFollowEachOtherAtRandom(t *testing.T) {
	for n := range uint64(10) {
		s := following(t, 12, &metatest.Faulty{})
		s.upload.Limits.FollowWait = 3 * time.Millisecond
		r := rand.New(rand.NewPCG(n, 0))
		order := r.Perm(12)
		if n%2 == 0 {
			for i := range order { // nearly in order
				order[i] = i
			}
			for range 3 {
				i := r.IntN(11)
				order[i], order[i+1] = order[i+1], order[i]
			}
		}
		places := make(chan struct{}, 4)
		done := make(chan error, len(order))
		for _, slot := range order {
			places <- struct{}{}
			cut, pause := r.IntN(5) == 0, time.Duration(r.IntN(4))*time.Millisecond
			go func() {
				defer func() { <-places }()
				if cut {
					ctx, cancel := context.WithTimeout(t.Context(), pause)
					defer cancel()
					span := s.ses.Grid.Slot(int64(slot))
					body := io.MultiReader(bytes.NewReader(s.data[span.Start:span.Start+500]), stopped{ctx})
					s.upload.PutPart(ctx, s.who, s.ses.ID, upload.Sent{Span: span, Total: int64(len(s.data)), SHA1: sha1.Sum(s.data[span.Start:span.End]), Length: span.Len()}, body)
				}
				done <- s.put(s.ses, s.data, int64(slot))
			}()
		}
		for range order {
			if err := <-done; err != nil {
				t.Errorf("seed %d: %v", n, err)
			}
		}
		s.finish(s.data)
		if t.Failed() {
			t.Fatalf("seed %d", n)
		}
	}
}

// stopped is a body that stops.
type stopped struct{ ctx context.Context }

func (s stopped) Read([]byte) (int, error) {
	<-s.ctx.Done()
	return 0, io.ErrUnexpectedEOF
}
