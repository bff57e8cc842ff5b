package client

import (
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Source is what is uploaded. It serves one upload at a time.
type Source struct {
	at     io.ReaderAt // nil for a stream
	stream io.Reader
	size   int64 // -1: not known

	file     *os.File // nil if it is none
	path     string
	modified time.Time // zero if not known
	closes   bool
	used     bool // something of the stream was read
	pump     *pump
}

// OpenFile opens a file. What is no regular file (a pipe, a device) is read as a
// stream of unknown size. Close it after the upload.
func OpenFile(path string) (*Source, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	s, err := FromFile(f)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	s.closes = true
	return s, nil
}

// FromFile is OpenFile for a file that is open, which its caller closes. A stream
// begins where the file is read next; a regular file is taken whole.
func FromFile(f *os.File) (*Source, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, fmt.Errorf("%s is a folder", f.Name())
	}
	path, err := filepath.Abs(f.Name())
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return &Source{stream: f, size: -1, file: f, path: path}, nil
	}
	return &Source{at: f, size: info.Size(), file: f, path: path, modified: info.ModTime()}, nil
}

// FromReaderAt is a source of size bytes that can be read at any offset, and by
// several goroutines at once.
func FromReaderAt(r io.ReaderAt, size int64) *Source { return &Source{at: r, size: size} }

// FromReader is a stream. Its size is exact, or below 0 if it is not known. A
// stream of unknown size is spooled whole before anything is sent.
func FromReader(r io.Reader, size int64) *Source { return &Source{stream: r, size: max(size, -1)} }

// Size is the size in bytes, or -1 if it is not known.
func (s *Source) Size() int64 { return s.size }

// ModTime is when a file was last changed, zero if that is not known: what
// Upload.ContentModifiedAt of a file should be, as a rule.
func (s *Source) ModTime() time.Time { return s.modified }

// Close closes the file, if OpenFile opened it.
func (s *Source) Close() error {
	if !s.closes {
		return nil
	}
	s.closes = false
	return s.file.Close()
}

// reader reads a stream until ctx ends, also if the stream itself waits for ever.
// The read that it then waits in is left behind.
func (s *Source) reader(ctx context.Context) io.Reader {
	if s.pump == nil {
		s.pump = &pump{from: s.stream, ask: make(chan struct{}), got: make(chan error, 1)}
		go s.pump.run()
	}
	return readerFunc(func(p []byte) (int, error) { return s.pump.read(ctx, p) })
}

// begun says whether something of a stream was read, which can't be read again.
func (s *Source) begun() bool { return s.at == nil && s.pump != nil }

// stop lets the goroutine of a stream end.
func (s *Source) stop() {
	if s.pump != nil {
		close(s.pump.ask)
		s.pump = nil
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// pump reads a stream in a goroutine of its own, one block when asked. It ends with
// the stream, or with the read that nobody waits for any more.
type pump struct {
	from io.Reader
	ask  chan struct{}
	got  chan error
	buf  []byte // what was read and not yet taken, while nobody reads
	err  error
}

func (p *pump) run() {
	block := make([]byte, blockSize)
	for range p.ask {
		n, err := p.from.Read(block)
		p.buf = block[:n]
		p.got <- err
	}
}

func (p *pump) read(ctx context.Context, into []byte) (int, error) {
	for len(p.buf) == 0 && p.err == nil {
		select {
		case p.ask <- struct{}{}:
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
		select {
		case p.err = <-p.got:
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
	}
	n := copy(into, p.buf)
	p.buf = p.buf[n:]
	if n == 0 && len(into) > 0 {
		return 0, p.err
	}
	return n, nil
}

// unchanged says whether a file is still what it was when it was opened, as far as
// size and time of change tell.
func (s *Source) unchanged() error {
	if s.file == nil || s.at == nil {
		return nil
	}
	info, err := s.file.Stat()
	if err != nil {
		return err
	}
	if info.Size() != s.size || !info.ModTime().Equal(s.modified) {
		return fmt.Errorf("%w while it was read: %s", ErrSourceChanged, s.path)
	}
	return nil
}

// look takes a file as it is now for what it is to be.
func (s *Source) look() error {
	if s.file == nil || s.at == nil {
		return nil
	}
	info, err := s.file.Stat()
	if err != nil {
		return err
	}
	s.size, s.modified = info.Size(), info.ModTime()
	return nil
}

// blockSize is how much is read and hashed at a time.
const blockSize = 256 << 10

// SHA1 reads the whole source, which must not be a stream, and returns its digest.
func (s *Source) SHA1(ctx context.Context) ([20]byte, error) {
	if s.at == nil {
		return [20]byte{}, errors.New("a stream can be read only once")
	}
	return s.digest(ctx, func(int64) {})
}

// digest is SHA1 that tells how far it is.
func (s *Source) digest(ctx context.Context, hashed func(n int64)) (sum [20]byte, err error) {
	h := sha1.New()
	if err := s.read(ctx, 0, s.size, func(block []byte) {
		h.Write(block)
		hashed(int64(len(block)))
	}); err != nil {
		return sum, err
	}
	return [20]byte(h.Sum(nil)), s.unchanged()
}

// read hands over size bytes from offset in blocks, each good until the call for
// the next returns.
func (s *Source) read(ctx context.Context, offset, size int64, block func([]byte)) error {
	return readBlocks(ctx, io.NewSectionReader(s.at, offset, size), size, block)
}

// readBlocks hands over exactly size bytes of r.
func readBlocks(ctx context.Context, r io.Reader, size int64, block func([]byte)) error {
	buf := make([]byte, min(blockSize, max(size, 1)))
	for left := size; left > 0; {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		n, err := io.ReadFull(r, buf[:min(left, int64(len(buf)))])
		if err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				return fmt.Errorf("%w: it ends %d bytes early", ErrSourceChanged, left-int64(n))
			}
			return fmt.Errorf("%w: %w", errSource, err)
		}
		block(buf[:n])
		left -= int64(n)
	}
	return nil
}

// SameContent says whether a source has size bytes whose SHA-1, in hex digits, is
// sum: what a file on the server has. It reads the source only if the size is that.
func (s *Source) SameContent(ctx context.Context, size int64, sum string) (bool, error) {
	if s.at == nil || s.size != size {
		return false, nil
	}
	own, err := s.SHA1(ctx)
	return err == nil && strings.EqualFold(hexSum(own), sum), err
}
