package blob

import (
	"errors"
	"io"

	"boxcar/internal/content"
	"boxcar/internal/digest"
)

// Source is a run of bytes on its way into a Store. It hashes what is read
// through it, where the bytes are first touched, and gives an error in place
// of io.EOF unless the size and the digest are those promised: who reads a
// Source to io.EOF holds what was promised. It is not safe for concurrent use.
type Source struct {
	r    io.Reader
	want Want
	sha1 *digest.SHA1
	also io.Writer // sees the same bytes; nil if nobody else wants them
	err  error     // what every further Read returns
}

// Verify makes a Source of r. Each of want that is known is checked. The bytes
// are written to also, too, if it is not nil; an error from it ends the Source.
func Verify(r io.Reader, want Want, also io.Writer) *Source {
	return &Source{r: r, want: want, sha1: digest.New(), also: also}
}

// Read reads from the underlying reader. It returns a content.SizeMismatch or
// content.DigestMismatch error when the bytes are not those promised; no more
// than one byte beyond the promised size is taken from the reader.
func (s *Source) Read(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	if s.want.Size != AnySize {
		// One byte more than promised is enough to know that there is more.
		if left := s.want.Size + 1 - s.sha1.Len(); int64(len(p)) > left {
			p = p[:left]
		}
	}
	n, err := s.r.Read(p)
	s.sha1.Write(p[:n])
	if s.also != nil && n > 0 {
		// io.EOF is no failure of the reader that would go before the writer's.
		if _, werr := s.also.Write(p[:n]); werr != nil && (err == nil || errors.Is(err, io.EOF)) {
			err = werr
		}
	}
	switch {
	case s.want.Size != AnySize && s.sha1.Len() > s.want.Size:
		err = content.Errorf(content.SizeMismatch, "more bytes than the %d declared", s.want.Size)
	case errors.Is(err, io.EOF):
		err = s.check()
	}
	s.err = err
	return n, err
}

// check is io.EOF if all is as promised.
func (s *Source) check() error {
	n, sum := s.sha1.Len(), s.sha1.Sum()
	switch {
	case s.want.Size != AnySize && n < s.want.Size:
		return content.Errorf(content.SizeMismatch, "only %d of the %d bytes declared", n, s.want.Size)
	case s.want.SHA1 != nil && sum != *s.want.SHA1:
		return &content.Error{Kind: content.DigestMismatch, Message: "the bytes hash to " + sum.String() + ", not to " + s.want.SHA1.String()}
	}
	return io.EOF
}

// Len is the number of bytes read so far.
func (s *Source) Len() int64 { return s.sha1.Len() }

// Sum is the size and SHA-1 of what was read so far.
func (s *Source) Sum() Sum { return Sum{Size: s.sha1.Len(), SHA1: s.sha1.Sum()} }

// Done says whether the source was read to its end and kept its promise.
func (s *Source) Done() bool { return errors.Is(s.err, io.EOF) }
