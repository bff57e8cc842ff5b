package blob_test

import (
	"bytes"
	"crypto/sha1"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/iotest"
	"unsafe"

	"boxcar/internal/blob"
	"boxcar/internal/content"
	"boxcar/internal/digest"
)

// pieces reads in pieces of random sizes, as from a connection.
type pieces struct {
	r    io.Reader
	rand *rand.Rand
}

func (p *pieces) Read(b []byte) (int, error) {
	return p.r.Read(b[:min(len(b), 1+p.rand.IntN(200_000))])
}

func someBytes(n int, seed byte) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{seed}).Read(b)
	return b
}

// However much memory there is to share, and whatever the sizes: what comes out is what
// went in, blocks are aligned and full, they stay as they were until the next
// one is asked for, and all memory comes back.
func TestNext(t *testing.T) {
	const b = blob.BlockSize
	for _, extra := range []int{0, 1, 7} {
		for _, size := range []int{0, 1, 63, 64, 65, 4096, 64 << 10, 64<<10 + 1, b - 1, b, b + 1, 2 * b, 4*b + 77} {
			for _, known := range []bool{true, false} {
				for _, keep := range []bool{true, false} {
					name := fmt.Sprintf("%d bytes, known %v, keep %v, %d to share", size, known, keep, extra)
					in := blob.NewIntake(extra)
					if err := oneSource(in, size, known, keep); err != nil {
						t.Errorf("%s: %v", name, err)
					}
					if out, left := in.InUse(); out != 0 || left != extra {
						t.Errorf("%s: %d blocks are out, and %d of %d left to share", name, out, left, extra)
					}
				}
			}
		}
	}
}

func oneSource(in *blob.Intake, size int, known, keep bool) error {
	data := someBytes(size, byte(size))
	want := blob.Want{Size: blob.AnySize, SHA1: new(content.SHA1(sha1.Sum(data)))}
	if known {
		want.Size = int64(size)
	}
	also := digest.New()
	src := in.Verify(&pieces{bytes.NewReader(data), rand.New(rand.NewPCG(uint64(size), 2))}, want, also)
	defer src.Close()
	kept := keep && src.Keep()
	rest, first := data, true
	for {
		b, err := src.Next()
		if err == io.EOF {
			break
		}
		switch {
		case err != nil:
			return err
		case len(b) > len(rest) || !bytes.Equal(b, rest[:len(b)]):
			return fmt.Errorf("other bytes at %d", size-len(rest))
		case len(b) != blob.BlockSize && len(b) != len(rest) && !(first && !known):
			return fmt.Errorf("a block of %d bytes before the end", len(b))
		case uintptr(unsafe.Pointer(&b[0]))%4096 != 0:
			return errors.New("a block that is not aligned")
		}
		rest, first = rest[len(b):], false
	}
	if len(rest) > 0 || !src.Done() || also.Sum() != *want.SHA1 || src.Sum().SHA1 != *want.SHA1 {
		return fmt.Errorf("%d bytes are missing, done is %v, and the sums are %v and %v", len(rest), src.Done(), src.Sum(), also.Sum())
	}
	k := src.Kept()
	if kept != (k != nil) {
		return fmt.Errorf("to be kept: %v, and was %v", kept, k != nil)
	}
	if k == nil {
		return nil
	}
	defer k.Free()
	src.Close()
	if !bytes.Equal(bytes.Join(k.Blocks(), nil), data) {
		return errors.New("what was kept is not what went by")
	}
	return nil
}

func TestSourcesSideBySide(t *testing.T) {
	in := blob.NewIntake(10)
	var work sync.WaitGroup
	for i := range 24 {
		work.Go(func() {
			for round := range 3 {
				if err := oneSource(in, i*300_000+round, i%2 == 0, i%3 == 0); err != nil {
					t.Errorf("source %d: %v", i, err)
				}
			}
		})
	}
	work.Wait()
	if out, left := in.InUse(); out != 0 || left != 10 {
		t.Errorf("%d blocks are out, and %d of 10 left to share", out, left)
	}
}

// A source that ends in an error, or is not read to its end, gives all back.
func TestACutSourceKeepsNothing(t *testing.T) {
	data := someBytes(3*blob.BlockSize, 1)
	for name, r := range map[string]io.Reader{
		"cut":   io.MultiReader(bytes.NewReader(data[:2*blob.BlockSize+5]), iotest.ErrReader(io.ErrUnexpectedEOF)),
		"short": bytes.NewReader(data[:len(data)-1]),
		"long":  io.MultiReader(bytes.NewReader(data), bytes.NewReader(data)),
		"left":  bytes.NewReader(data),
	} {
		in := blob.NewIntake(10)
		src := in.Verify(r, blob.Want{Size: int64(len(data))}, nil)
		if !src.Keep() {
			t.Fatal("no room to keep 3 of 10 blocks")
		}
		var err error
		for err == nil && (name != "left" || src.Len() < blob.BlockSize) {
			_, err = src.Next()
		}
		if src.Kept() != nil {
			t.Errorf("%s: kept what was not verified", name)
		}
		src.Close()
		src.Close()
		if out, left := in.InUse(); out != 0 || left != 10 {
			t.Errorf("%s: %d blocks are out, and %d of 10 left to share", name, out, left)
		}
	}
}

func TestKeepLeavesRoomForOthers(t *testing.T) {
	in := blob.NewIntake(8)
	var sources []*blob.Source
	for range 9 {
		sources = append(sources, in.Verify(bytes.NewReader(nil), blob.Want{Size: 2 * blob.BlockSize}, nil))
	}
	got := 0
	for _, src := range sources {
		if src.Keep() {
			got++
		}
	}
	if got != 3 {
		t.Errorf("%d sources of two blocks are kept in three quarters of eight blocks", got)
	}
	for _, src := range sources {
		src.Close()
	}
	if src := in.Verify(nil, blob.Want{Size: blob.AnySize}, nil); src.Keep() {
		t.Error("a source of any size is kept")
	}
}
