package digest_test

import (
	"crypto/sha1"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"boxcar/internal/content"
	"boxcar/internal/digest"
)

// stream is a message in the pieces it is handed over in, with a second digest
// that goes along for some of it.
type stream struct {
	data      []byte
	cuts      []int // ends of the pieces
	from, to  int   // the pieces that the second digest sees
	offset    int   // of data in its buffer, so that it lies at any address
	run       digest.Run
	one, also *digest.SHA1
	chained   bool // pieces come before those before them are hashed
}

func randomStream(r *rand.Rand, most int) *stream {
	size := r.IntN(most + 1)
	s := &stream{one: digest.New(), also: digest.New(), offset: r.IntN(130)}
	buf := make([]byte, s.offset+size)
	var seed [32]byte
	seed[0], seed[1] = byte(r.Uint32()), byte(r.Uint32())
	rand.NewChaCha8(seed).Read(buf)
	s.data = buf[s.offset:]
	s.chained = r.IntN(2) == 0
	for at := 0; at < size; {
		n := 1 + r.IntN(size)
		switch r.IntN(3) {
		case 0:
			n = digest.BlockSize * (1 + n/digest.BlockSize)
		case 1:
			n = digest.Inline + n
		}
		at = min(size, at+n)
		s.cuts = append(s.cuts, at)
	}
	s.from = r.IntN(len(s.cuts) + 1)
	s.to = s.from + r.IntN(len(s.cuts)-s.from+1)
	return s
}

func (s *stream) hash(h *digest.Hasher) {
	h.Join()
	defer h.Leave()
	if s.chained {
		s.hashChained(h)
		return
	}
	at := 0
	for i, end := range s.cuts {
		var also *digest.SHA1
		if i >= s.from && i < s.to {
			also = s.also
		}
		h.Start(&s.run, s.one, also, s.data[at:end])
		s.run.Wait()
		at = end
	}
}

// hashChained has all pieces be under way at once, in blocks, the last one aside.
func (s *stream) hashChained(h *digest.Hasher) {
	s.from, s.to = 0, len(s.cuts)
	s.run.Urgent = s.offset%2 == 0
	at := 0
	for _, end := range s.cuts {
		if end < len(s.data) {
			end = at + (end-at)&^(digest.BlockSize-1)
		}
		h.Add(&s.run, s.one, s.also, s.data[at:end])
		if s.offset%5 == 0 && end%3 == 0 {
			s.run.Wait()
		}
		at = end
	}
	s.run.Wait()
}

func (s *stream) check() error {
	seen := s.data[s.cut(s.from-1):s.cut(s.to-1)]
	if got, want := s.one.Sum(), content.SHA1(sha1.Sum(s.data)); got != want || s.one.Len() != int64(len(s.data)) {
		return fmt.Errorf("%d bytes in pieces up to %d: %v, want %v", len(s.data), s.cuts, got, want)
	}
	if got, want := s.also.Sum(), content.SHA1(sha1.Sum(seen)); got != want || s.also.Len() != int64(len(seen)) {
		return fmt.Errorf("pieces %d to %d of %d, along with the rest: %v, want %v", s.from, s.to, s.cuts, got, want)
	}
	return nil
}

func (s *stream) cut(i int) int {
	if i < 0 {
		return 0
	}
	return s.cuts[i]
}

// hashAll hashes so many random streams at once, and checks each.
func hashAll(h *digest.Hasher, seed uint64, streams, most int) error {
	r := rand.New(rand.NewPCG(seed, 1))
	all := make([]*stream, streams)
	var work sync.WaitGroup
	for i := range all {
		all[i] = randomStream(r, most)
		work.Go(func() { all[i].hash(h) })
	}
	work.Wait()
	for _, s := range all {
		if err := s.check(); err != nil {
			return err
		}
	}
	return nil
}

func TestEveryWayGivesTheSumsOfCryptoSHA1(t *testing.T) {
	for name, hasher := range digest.Ways() {
		t.Run(name, func(t *testing.T) {
			for _, streams := range []int{1, 2, 3, 4, 7, 8, 9, 16, 19} {
				h := hasher()
				if err := hashAll(h, uint64(streams), streams, 3*digest.Quantum); err != nil {
					t.Errorf("%d streams: %v", streams, err)
				}
			}
		})
	}
}

func FuzzHasher(f *testing.F) {
	names := []string{}
	ways := digest.Ways()
	for name := range ways {
		names = append(names, name)
	}
	slices.Sort(names)
	for i := range names {
		f.Add(uint8(i), uint8(5+i), uint64(i), uint32(100_000))
	}
	f.Fuzz(func(t *testing.T, way, streams uint8, seed uint64, most uint32) {
		name := names[int(way)%len(names)]
		if err := hashAll(ways[name](), seed, 1+int(streams)%40, int(most%(3*digest.Quantum))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	})
}

func TestNothingIsKeptWhenIdle(t *testing.T) {
	var h digest.Hasher
	if err := hashAll(&h, 1, 30, 1<<20); err != nil {
		t.Fatal(err)
	}
	// Who waits is told before the worker has seen that nothing is left.
	for deadline := time.Now().Add(10 * time.Second); !h.Idle(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal("still at work with nothing ready")
		}
	}
}

func TestWhatIsWrongIsNotUsed(t *testing.T) {
	for _, name := range digest.Wrong() {
		switch name {
		case "two", "pair", "two pairs", "swapped":
			t.Errorf("%s gives wrong sums, and is used", name)
		}
	}
}

func TestWhatIsReadyTogetherIsHashedTogether(t *testing.T) {
	for _, c := range []struct {
		ready           []int
		three, twoPairs bool
		want            []string
	}{
		{[]int{1, 1, 1}, false, false, []string{"11", "1"}},
		{[]int{2, 1, 2}, false, false, []string{"2", "1", "2"}},
		{[]int{1, 1, 1, 1}, true, false, []string{"111 three", "1"}},
		{[]int{2, 1, 1}, true, true, []string{"21 three", "1"}},
		{[]int{1, 1, 2}, true, true, []string{"11", "2"}},
		{[]int{2, 2, 1}, true, false, []string{"21 three", "2"}},
		{[]int{2, 2}, true, false, []string{"2", "2"}},
		{[]int{2, 2, 2}, true, true, []string{"22", "2"}},
		{[]int{2, 1, 2, 1}, false, true, []string{"2", "11", "2"}}, // the second is before the third
		{[]int{1, 2, 2}, true, true, []string{"12 three", "2"}},
	} {
		if got := digest.Batches(c.ready, c.three, c.twoPairs); !slices.Equal(got, c.want) {
			t.Errorf("%d ready, three %v, two pairs %v: %q, want %q", c.ready, c.three, c.twoPairs, got, c.want)
		}
	}
}

func TestMeasurement(t *testing.T) {
	for _, line := range digest.Figures() {
		t.Log(line)
	}
}

// No stream waits for another that has nothing ready, however many have.
func TestAStreamThatBringsNothingHoldsNobodyUp(t *testing.T) {
	var h digest.Hasher
	data := make([]byte, 4*digest.Quantum)
	var idle [20]digest.Run // started, done, and never heard of again
	for i := range idle {
		h.Start(&idle[i], digest.New(), nil, data[:2*digest.Quantum])
		idle[i].Wait()
	}
	d := digest.New()
	var r digest.Run
	h.Start(&r, d, nil, data)
	r.Wait()
	if got, want := d.Sum(), content.SHA1(sha1.Sum(data)); got != want {
		t.Errorf("sum %v, want %v", got, want)
	}
}

func BenchmarkHasher(b *testing.B) {
	const size = 1 << 20
	for _, streams := range []int{1, 2, 4, 8, 16, 20} {
		data := make([]byte, size)
		rand.NewChaCha8([32]byte{9}).Read(data)
		want := content.SHA1(sha1.Sum(data))
		b.Run(fmt.Sprintf("crypto/%d", streams), func(b *testing.B) {
			b.SetBytes(int64(streams * size))
			for b.Loop() {
				var work sync.WaitGroup
				for range streams {
					work.Go(func() {
						if sha1.Sum(data) != want {
							b.Error("wrong sum")
						}
					})
				}
				work.Wait()
			}
		})
		hash := func(b *testing.B, pairs bool) {
			var h digest.Hasher
			runs := make([]digest.Run, streams)
			for b.Loop() {
				var work sync.WaitGroup
				for i := range runs {
					work.Go(func() {
						h.Join()
						defer h.Leave()
						d, also := digest.New(), (*digest.SHA1)(nil)
						if pairs {
							also = digest.New()
						}
						h.Start(&runs[i], d, also, data)
						runs[i].Wait()
						if d.Sum() != want || pairs && also.Sum() != want {
							b.Error("wrong sum")
						}
					})
				}
				work.Wait()
			}
		}
		b.Run(fmt.Sprintf("hasher/%d", streams), func(b *testing.B) {
			b.SetBytes(int64(streams * size))
			hash(b, false)
		})
		b.Run(fmt.Sprintf("pairs/%d", streams), func(b *testing.B) {
			b.SetBytes(int64(2 * streams * size)) // digested, of half as many
			hash(b, true)
		})
	}
}

func TestTheLowestRankGoesFirstAndNobodyWaitsForEver(t *testing.T) {
	if got, want := digest.Order(2, 5, -1, 3, 5), []int{1, 1, 2, 2, 0, 3, 0, 3}; !slices.Equal(got, want) {
		t.Errorf("turns are %v, want %v", got, want)
	}
	// A long run of a low rank leaves the others one turn in eight.
	turns := digest.Order(40, 0, 9, 9)
	for who, want := range map[int]int{1: 4, 2: 4} {
		got := 0
		for _, w := range turns[:40+8-1] {
			if w == who {
				got++
			}
		}
		if got < want-2 || got > want {
			t.Errorf("of the first 47 turns %d are of run %d: %v", got, who, turns)
		}
	}
}
