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

// However a source is read after a look at its first block, and whether that was all
// of it: what comes out is what went in, and all memory comes back.
func TestFirst(t *testing.T) {
	const b, small = blob.BlockSize, 64 << 10
	for _, size := range []int{0, 1, 63, 4096, small - 1, small, small + 1, b - 1, b, b + 1, 3*b + 77} {
		for _, known := range []bool{true, false} {
			for _, next := range []bool{true, false} {
				for _, r := range []func(io.Reader) io.Reader{
					func(r io.Reader) io.Reader { return r },
					iotest.DataErrReader,
					func(r io.Reader) io.Reader { return &pieces{r, rand.New(rand.NewPCG(1, 2))} },
				} {
					name := fmt.Sprintf("%d bytes, known %v, by Next %v", size, known, next)
					data := someBytes(size, 1)
					want := blob.Want{Size: blob.AnySize, SHA1: new(content.SHA1(sha1.Sum(data)))}
					most := small - 1
					if known {
						want.Size, most = int64(size), b
					}
					in := blob.NewIntake(2)
					src := in.Verify(r(bytes.NewReader(data)), want, nil)
					first, whole, err := src.First()
					if err != nil || !bytes.HasPrefix(data, first) || size > 0 && len(first) == 0 {
						t.Fatalf("%s: first is %d bytes, %v", name, len(first), err)
					}
					if b, again, err := src.First(); err != nil || again != whole || !bytes.Equal(b, first) {
						t.Errorf("%s: a second look is at %d bytes, whole %v, %v", name, len(b), again, err)
					}
					// One whose end came with its last bytes may be whole at the very size of a block.
					if whole && len(first) != size || size <= most != whole && size != small {
						t.Errorf("%s: the first block has %d bytes, whole is %v", name, len(first), whole)
					}
					if size > 0 && (src.Len() != 0 || src.Done()) {
						t.Errorf("%s: a look counts as reading: %d, %v", name, src.Len(), src.Done())
					}
					if got, err := all(src, next); err != nil || !bytes.Equal(got, data) {
						t.Errorf("%s: after a look, %d bytes, %v", name, len(got), err)
					}
					if src.Len() != int64(size) || !src.Done() {
						t.Errorf("%s: at the end, %d bytes, done %v", name, src.Len(), src.Done())
					}
					if _, _, err := src.First(); err == nil && size > 0 {
						t.Errorf("%s: a first block at the end", name)
					}
					src.Close()
					if out, left := in.InUse(); out != 0 || left != 2 {
						t.Errorf("%s: %d blocks are out, and %d of 2 left to share", name, out, left)
					}
				}
			}
		}
	}
}

// What is not as promised is refused at the first look, if that comes to the end.
func TestFirstVerifies(t *testing.T) {
	data := someBytes(4096, 1)
	sum := content.SHA1(sha1.Sum(data))
	for _, c := range []struct {
		name string
		r    io.Reader
		want blob.Want
		kind content.Kind
	}{
		{"other bytes", bytes.NewReader(someBytes(4096, 2)), blob.Want{Size: 4096, SHA1: &sum}, content.DigestMismatch},
		{"other bytes of any size", bytes.NewReader(someBytes(4096, 2)), blob.Want{Size: blob.AnySize, SHA1: &sum}, content.DigestMismatch},
		{"short", bytes.NewReader(data[:4095]), blob.Want{Size: 4096}, content.SizeMismatch},
		{"long", bytes.NewReader(data), blob.Want{Size: 4095}, content.SizeMismatch},
		{"nothing", bytes.NewReader(nil), blob.Want{Size: 4096}, content.SizeMismatch},
		{"broken", io.MultiReader(bytes.NewReader(data), iotest.ErrReader(errBroken)), blob.Want{Size: blob.AnySize}, content.Internal},
	} {
		in := blob.NewIntake(2)
		src := in.Verify(c.r, c.want, nil)
		b, whole, err := src.First()
		if b != nil || whole || err == nil || content.KindOf(err) != c.kind {
			t.Errorf("%s: %d bytes, whole %v, %v", c.name, len(b), whole, err)
		}
		if b, again := src.Next(); b != nil || again == nil || again != err {
			t.Errorf("%s: then %d bytes, %v", c.name, len(b), again)
		}
		if src.Done() {
			t.Errorf("%s: done", c.name)
		}
		src.Close()
		if out, left := in.InUse(); out != 0 || left != 2 {
			t.Errorf("%s: %d blocks are out, and %d of 2 left to share", c.name, out, left)
		}
	}
}

// A source holds a whole block only once more than a little has come.
func TestLittleHoldsLittle(t *testing.T) {
	const extra = 4
	in := blob.NewIntake(extra)
	data := someBytes(3*blob.BlockSize+100, 7)
	for _, early := range []int{0, 1, 64<<10 - 1, 64 << 10, 64<<10 + 1, blob.BlockSize, blob.BlockSize + 1, len(data)} {
		t.Run(fmt.Sprint(early), func(t *testing.T) {
			reader, writer := io.Pipe()
			sum := content.SHA1(sha1.Sum(data))
			src := in.Verify(reader, blob.Want{Size: int64(len(data)), SHA1: &sum}, nil)
			defer src.Close()
			got := make(chan []byte, 1)
			go func() {
				var all []byte
				for {
					b, err := src.Next()
					if err != nil {
						got <- all
						return
					}
					all = append(all, b...)
				}
			}()
			writer.Write(data[:early]) // returns when all of it has been read
			if big := in.BigInUse(); early < 64<<10 && big != 0 {
				t.Errorf("after %d bytes it holds %d blocks", early, big)
			}
			writer.Write(data[early:])
			writer.Close()
			if all := <-got; !bytes.Equal(all, data) || !src.Done() {
				t.Errorf("%d other bytes", len(all))
			}
			src.Close()
			if blocks, left := in.InUse(); blocks != 0 || left != extra {
				t.Errorf("%d blocks are out, %d extra ones left", blocks, left)
			}
		})
	}
}
