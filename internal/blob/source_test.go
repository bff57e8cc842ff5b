package blob_test

import (
	"bytes"
	"crypto/sha1"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"boxcar/internal/blob"
	"boxcar/internal/content"
	"boxcar/internal/digest"
)

var errBroken = errors.New("broken")

// script is a reader whose every Read gives the next step.
type script []step

type step struct {
	data string
	err  error
}

func (s *script) Read(p []byte) (int, error) {
	if len(*s) == 0 {
		return 0, io.EOF
	}
	now := &(*s)[0]
	n := copy(p, now.data)
	now.data = now.data[n:]
	if now.data != "" {
		return n, nil
	}
	err := now.err
	*s = (*s)[1:]
	return n, err
}

// all reads a source to its end by Read or by Next.
func all(src *blob.Source, next bool) ([]byte, error) {
	if !next {
		return io.ReadAll(src)
	}
	var got []byte
	for {
		b, err := src.Next()
		got = append(got, b...)
		if err == io.EOF {
			return got, nil
		}
		if err != nil {
			return got, err
		}
	}
}

func TestSource(t *testing.T) {
	sum := func(s string) content.SHA1 { return sha1.Sum([]byte(s)) }
	want := func(size int64, s string) blob.Want { return blob.Want{Size: size, SHA1: new(sum(s))} }
	for _, c := range []struct {
		name string
		in   script
		want blob.Want

		read string // what comes out before the error
		err  error
		kind content.Kind // of err; Internal if not a refusal
	}{
		{name: "as promised", in: script{{"hello", nil}}, want: want(5, "hello"), read: "hello"},
		{name: "data with EOF", in: script{{"hello", io.EOF}}, want: want(5, "hello"), read: "hello"},
		{name: "split", in: script{{"he", nil}, {"", nil}, {"llo", nil}, {"", io.EOF}}, want: want(5, "hello"), read: "hello"},
		{name: "nothing", in: script{}, want: want(0, "")},
		{name: "nothing promised", in: script{{"hello", nil}}, want: blob.Want{Size: blob.AnySize}, read: "hello"},
		{name: "only the size promised", in: script{{"hello", nil}}, want: blob.Want{Size: 5}, read: "hello"},
		{name: "only the digest promised", in: script{{"hello", nil}}, want: want(blob.AnySize, "hello"), read: "hello"},

		{name: "short", in: script{{"hell", nil}}, want: want(5, "hell"), read: "hell", kind: content.SizeMismatch},
		{name: "short with EOF", in: script{{"hell", io.EOF}}, want: blob.Want{Size: 5}, read: "hell", kind: content.SizeMismatch},
		{name: "nothing of something", in: script{}, want: blob.Want{Size: 1}, kind: content.SizeMismatch},
		{name: "one over", in: script{{"hello!", nil}}, want: want(5, "hello"), read: "hello!", kind: content.SizeMismatch},
		{name: "one over with EOF", in: script{{"hello!", io.EOF}}, want: want(5, "hello"), read: "hello!", kind: content.SizeMismatch},
		{name: "one over, later", in: script{{"hello", nil}, {"!", nil}}, want: blob.Want{Size: 5}, read: "hello!", kind: content.SizeMismatch},
		// Of what runs on, one byte is enough to know.
		{name: "far over", in: script{{"hello, world", nil}}, want: blob.Want{Size: 5}, read: "hello,", kind: content.SizeMismatch},
		{name: "something of nothing", in: script{{"x", nil}}, want: blob.Want{Size: 0}, read: "x", kind: content.SizeMismatch},
		{name: "other bytes", in: script{{"jello", nil}}, want: want(5, "hello"), read: "jello", kind: content.DigestMismatch},
		{name: "promised the zero digest", in: script{{"hello", nil}}, want: blob.Want{Size: 5, SHA1: &content.SHA1{}}, read: "hello", kind: content.DigestMismatch},
		{name: "other bytes, any size", in: script{{"jello", io.EOF}}, want: want(blob.AnySize, "hello"), read: "jello", kind: content.DigestMismatch},

		{name: "fails", in: script{{"he", nil}, {"", errBroken}}, want: blob.Want{Size: 5}, read: "he", err: errBroken},
		{name: "fails with data", in: script{{"he", errBroken}}, want: blob.Want{Size: 5}, read: "he", err: errBroken},
		// All the bytes are there, but nobody knows whether they were to end here.
		{name: "fails at the end", in: script{{"hello", nil}, {"", errBroken}}, want: want(5, "hello"), read: "hello", err: errBroken},
		{name: "fails as short bodies do", in: script{{"hello", io.ErrUnexpectedEOF}}, want: want(5, "hello"), read: "hello", err: io.ErrUnexpectedEOF},
	} {
		for _, next := range []bool{false, true} {
			in := slices.Clone(c.in)
			src := blob.Verify(&in, c.want, nil)
			got, err := all(src, next)
			read := c.read
			if next && (err != nil || len(got) == 0) {
				read = string(got) // with an error Next gives no bytes
			}
			if string(got) != read {
				t.Errorf("%s: read %q, want %q", c.name, got, c.read)
			}
			good := c.err == nil && c.kind == content.Internal
			switch {
			case good && err != nil:
				t.Errorf("%s: %v", c.name, err)
			case !good && err == nil:
				t.Errorf("%s: no error", c.name)
			case c.err != nil && !errors.Is(err, c.err):
				t.Errorf("%s: %v, want %v", c.name, err, c.err)
			case content.KindOf(err) != c.kind:
				t.Errorf("%s: %v has kind %d, want %d", c.name, err, content.KindOf(err), c.kind)
			}
			if src.Done() != good {
				t.Errorf("%s: done says %v", c.name, src.Done())
			}
			if want := (blob.Sum{int64(len(read)), sum(read)}); src.Sum() != want || src.Len() != want.Size {
				t.Errorf("%s: sum of what was read is %v, want %v", c.name, src.Sum(), want)
			}
			// The end is the end: nothing more is read, and it stays what it was.
			if n, again := src.Read(make([]byte, 9)); n != 0 || again == nil || err != nil && again != err {
				t.Errorf("%s: read after the end: %d, %v", c.name, n, again)
			}
			if b, again := src.Next(); b != nil || again == nil || err != nil && again != err {
				t.Errorf("%s: next after the end: %d bytes, %v", c.name, len(b), again)
			}
			src.Close()
		}
	}
}

func TestSourceShowsTheSameBytesToAlso(t *testing.T) {
	data := strings.Repeat("some bytes ", 1000)
	for _, next := range []bool{false, true} {
		also := digest.New()
		also.Write([]byte("before "))
		src := blob.Verify(iotest.HalfReader(strings.NewReader(data)), blob.Want{Size: int64(len(data))}, also)
		if _, err := all(src, next); err != nil {
			t.Fatal(err)
		}
		if got, want := also.Sum(), content.SHA1(sha1.Sum([]byte("before "+data))); got != want {
			t.Errorf("also has %v, want %v", got, want)
		}
	}
}

func TestSourceTakesOneByteTooMany(t *testing.T) {
	r := strings.NewReader(strings.Repeat("x", 100))
	src := blob.Verify(r, blob.Want{Size: 10}, nil)
	if _, err := io.Copy(io.Discard, src); !content.Is(err, content.SizeMismatch) {
		t.Errorf("error is %v", err)
	}
	if taken := 100 - r.Len(); taken > 11 {
		t.Errorf("took %d bytes of a reader where 10 were promised", taken)
	}
}

// However the bytes are split and wherever the reader ends, a Source gives
// io.EOF exactly when size and digest are those promised.
func FuzzSource(f *testing.F) {
	f.Add([]byte("hello"), []byte("hello"), 5, uint8(2), true, false)
	f.Add([]byte("hello"), []byte("jello"), 5, uint8(1), false, false)
	f.Add([]byte("hello"), []byte("hello"), 4, uint8(9), false, true)
	f.Add([]byte(""), []byte(""), blob.AnySize, uint8(0), true, false)
	f.Fuzz(func(t *testing.T, data, hashed []byte, size int, piece uint8, withEOF, withSum bool) {
		size = max(size, blob.AnySize)
		var in script
		for rest := data; len(rest) > 0; {
			n := min(len(rest), int(piece)+1)
			in = append(in, step{string(rest[:n]), nil})
			rest = rest[n:]
		}
		if withEOF && len(in) > 0 {
			in[len(in)-1].err = io.EOF
		}
		want := blob.Want{Size: int64(size)}
		if withSum {
			want.SHA1 = new(content.SHA1(sha1.Sum(hashed)))
		}
		src := blob.Verify(&in, want, nil)
		got, err := all(src, len(data)%2 == 0)
		good := (size == blob.AnySize || size == len(data)) && (!withSum || bytes.Equal(data, hashed))
		if (err == nil) != good || src.Done() != good {
			t.Errorf("%q, promised %v: error %v, done %v", data, want, err, src.Done())
		}
		if !bytes.HasPrefix(data, got) || good && len(got) != len(data) {
			t.Errorf("read %q of %q", got, data)
		}
	})
}
