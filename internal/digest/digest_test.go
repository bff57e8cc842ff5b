package digest_test

import (
	"crypto/sha1"
	"math/rand/v2"
	"testing"

	"boxcar/internal/content"
	"boxcar/internal/digest"
)

func TestStateAtEveryBlockResumesToTheSameSum(t *testing.T) {
	data := make([]byte, 5*digest.BlockSize+17)
	rand.NewChaCha8([32]byte{1}).Read(data)
	want := content.SHA1(sha1.Sum(data))
	for n := 0; n <= len(data); n++ {
		d := digest.New()
		d.Write(data[:n])
		s := d.State()
		if n%digest.BlockSize != 0 {
			if s.Known() {
				t.Errorf("a state after %d bytes, which is no block boundary", n)
			}
			continue
		}
		if s.N != int64(n) {
			t.Errorf("state after %d bytes says %d", n, s.N)
		}
		again, err := digest.Resume(s)
		if err != nil {
			t.Fatalf("resume after %d bytes: %v", n, err)
		}
		if again.Len() != int64(n) {
			t.Errorf("resumed after %d bytes, Len says %d", n, again.Len())
		}
		again.Write(data[n:])
		if got := again.Sum(); got != want {
			t.Errorf("resumed after %d bytes: sum %v, want %v", n, got, want)
		}
	}
}

func TestStartIsTheStateOfNothing(t *testing.T) {
	if got := digest.New().State(); got != digest.Start {
		t.Errorf("state of nothing is %v, want %v", got, digest.Start)
	}
	if got := digest.New().Sum(); got != content.EmptySHA1 {
		t.Errorf("sum of nothing is %v, want %v", got, content.EmptySHA1)
	}
}

func TestResumeRefusesWhatIsNoState(t *testing.T) {
	for _, s := range []content.SHA1State{
		{},                           // unknown
		{N: 63, Chain: [20]byte{1}},  // between blocks
		{N: -64, Chain: [20]byte{1}}, // before the beginning
	} {
		if _, err := digest.Resume(s); err == nil {
			t.Errorf("resumed from %v", s)
		}
	}
}

func FuzzSplitsDoNotMatter(f *testing.F) {
	f.Add([]byte("some bytes"), uint16(3))
	f.Add(make([]byte, 200), uint16(64))
	f.Fuzz(func(t *testing.T, data []byte, at uint16) {
		cut := min(int(at), len(data))
		d := digest.New()
		d.Write(data[:cut])
		if s := d.State(); s.Known() {
			var err error
			if d, err = digest.Resume(s); err != nil {
				t.Fatal(err)
			}
		}
		d.Write(data[cut:])
		if got, want := d.Sum(), content.SHA1(sha1.Sum(data)); got != want {
			t.Errorf("%d bytes cut at %d: %v, want %v", len(data), cut, got, want)
		}
	})
}
