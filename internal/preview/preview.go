// Package preview is the service for small forms of pictures, made when
// somebody asks. A picture is what strangers uploaded: what it may cost in
// pixels, bytes, memory and time is bounded before it is decoded.
package preview

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"time"

	"golang.org/x/sync/semaphore"

	"boxcar/internal/content"
)

// Limits bound what a preview may cost. A zero field gets its default.
type Limits struct {
	Pixels int64         // of a picture, as its header says; default 50,000,000
	Bytes  int64         // read of a picture; default 128 MiB
	Memory int64         // of all that are made at once, bytes; default 384 MiB; one picture may take half of it
	Makers int           // how many are made at once; default 2
	Wait   time.Duration // for a place among them; default 5 s
	Time   time.Duration // to make one; default 10 s
	Kept   int64         // made previews that are kept in memory, bytes; default 32 MiB
}

func (l Limits) withDefaults() Limits {
	orDefault(&l.Pixels, 50_000_000)
	orDefault(&l.Bytes, 128<<20)
	orDefault(&l.Memory, 384<<20)
	orDefault(&l.Makers, 2)
	orDefault(&l.Wait, 5*time.Second)
	orDefault(&l.Time, 10*time.Second)
	orDefault(&l.Kept, 32<<20)
	return l
}

func orDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

// Service makes previews, and keeps some. Its methods may be called concurrently.
type Service struct {
	limits Limits
	places *semaphore.Weighted // of bytes of memory
	made   *cache[madeKey, []byte]
	looked *cache[content.ID, finding]

	placeholders func() map[Kind][]byte
}

// madeKey names a preview. Versions never change, so neither do previews.
type madeKey struct {
	version content.ID
	form    Form
}

// finding is what is known of a version: the head of a picture, or why there
// is no preview of it.
type finding struct {
	head head
	err  error
}

// findings is how many versions are remembered, at about 200 bytes each.
const findings = 10_000

// New makes a Service.
func New(l Limits) *Service {
	l = l.withDefaults()
	return &Service{
		limits:       l,
		places:       semaphore.NewWeighted(l.Memory),
		made:         newCache[madeKey, []byte](l.Kept),
		looked:       newCache[content.ID, finding](findings),
		placeholders: drawPlaceholders(),
	}
}

// Source is a version of a file to be read. Open may be called more than once.
type Source struct {
	Version content.ID
	Open    func(context.Context) (io.ReadSeekCloser, error)
}

// ErrNoPicture says that a file is no picture of a kind that is known here, as
// against one that is too large or damaged.
var ErrNoPicture = content.Errorf(content.NoPreview, "only JPEG, PNG, GIF and WebP pictures have previews")

// Look says whether there are previews of a version, by the first bytes of it:
// nil is yes, unless what follows is damaged. What has none is a
// content.NoPreview error, among them ErrNoPicture.
func (s *Service) Look(ctx context.Context, src Source) error {
	_, err := s.look(ctx, src)
	return err
}

func (s *Service) look(ctx context.Context, src Source) (head, error) {
	if f, ok := s.looked.get(src.Version); ok {
		return f.head, f.err
	}
	r, err := src.Open(ctx)
	if err != nil {
		return head{}, err
	}
	defer r.Close()
	h, err := readHead(ctx, r)
	if err == nil {
		err = s.allow(h)
	}
	if err == nil || content.Is(err, content.NoPreview) {
		s.looked.put(src.Version, finding{h, err}, 1)
	}
	return h, err
}

// allow refuses what would cost too much, before any of it is decoded.
func (s *Service) allow(h head) error {
	if pixels := int64(h.width) * int64(h.height); pixels > s.limits.Pixels {
		return content.Errorf(content.NoPreview, "the picture has %d pixels, and previews are made of up to %d", pixels, s.limits.Pixels)
	}
	if h.memory > s.limits.Memory/2 {
		return content.Errorf(content.NoPreview, "the picture would take too much memory, %d bytes", h.memory)
	}
	return nil
}

// Thumbnail makes a form of a version, or finds it among those made before. A
// file without one is a content.NoPreview error. If no place comes free in
// time, or ctx ends, it is a content.Unavailable error that says when to ask again.
func (s *Service) Thumbnail(ctx context.Context, src Source, form Form) ([]byte, error) {
	key := madeKey{src.Version, form}
	if b, ok := s.made.get(key); ok {
		return b, nil
	}
	h, err := s.look(ctx, src)
	if err != nil {
		return nil, err
	}
	leave, err := s.enter(ctx, h, form)
	if err != nil {
		return nil, err
	}
	defer leave()
	if b, ok := s.made.get(key); ok { // made while this one waited
		return b, nil
	}
	b, err := s.make(ctx, src, h, form)
	var broken *damaged
	switch {
	case err == nil:
		s.made.put(key, b, int64(len(b)))
	case errors.As(err, &broken):
		s.looked.put(src.Version, finding{h, err}, 1)
	}
	return b, err
}

// enter waits for a place among the makers. A place is as much memory as the
// work needs, and at least one maker's share, so that there are no more than
// Makers.
func (s *Service) enter(ctx context.Context, h head, form Form) (leave func(), err error) {
	share := min(max(h.memory+scaling(h, form), s.limits.Memory/int64(s.limits.Makers)), s.limits.Memory)
	wait, cancel := context.WithTimeout(ctx, s.limits.Wait)
	defer cancel()
	if err := s.places.Acquire(wait, share); err != nil {
		return nil, busy(err)
	}
	return func() { s.places.Release(share) }, nil
}

func busy(cause error) error {
	return &content.Error{Kind: content.Unavailable, Message: "Too many previews are being made", Cause: cause, RetryAfter: 2 * time.Second}
}

// damaged is the cause of the errors about bytes that are no picture, which
// they will not be next time either.
type damaged struct{ error }

func (d *damaged) Unwrap() error { return d.error }

// make decodes, scales and encodes. Decoders know no context, but they have to
// read, and what they read from fails once the time is over.
func (s *Service) make(parent context.Context, src Source, h head, form Form) (_ []byte, err error) {
	ctx, cancel := context.WithTimeout(parent, s.limits.Time)
	defer cancel()
	file, err := src.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	r := &guarded{ctx: ctx, r: bufio.NewReaderSize(file, 64<<10), left: s.limits.Bytes}
	b, err := render(ctx, r, h, form)
	switch {
	case err == nil:
		return b, nil
	case parent.Err() != nil:
		return nil, busy(parent.Err())
	case ctx.Err() != nil:
		return nil, content.Errorf(content.NoPreview, "the preview would take longer than %s", s.limits.Time).Because(err)
	case r.failed != nil:
		return nil, fmt.Errorf("preview of version %s: %w", src.Version, r.failed)
	case r.left <= 0:
		return nil, content.Errorf(content.NoPreview, "the picture has more than %d bytes", s.limits.Bytes).Because(&damaged{err})
	}
	return nil, content.Errorf(content.NoPreview, "the picture is damaged").Because(&damaged{err})
}

// render makes the form. A decoder that panics, on what no test thought of, has
// found a damaged picture and no reason to drop the connection.
func render(ctx context.Context, r io.Reader, h head, form Form) (_ []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("decoding panicked: %v", p)
		}
	}()
	img, err := h.format.decode(r)
	if err != nil {
		return nil, err
	}
	small, err := shrink(ctx, img, image.Rect(0, 0, h.width, h.height), form.Side)
	if err != nil {
		return nil, err
	}
	return form.Type.encode(turn(small, h.orientation))
}

// guarded is what a decoder reads from. It fails once ctx is done or too much
// was read, and remembers what went wrong below it, which is no fault of the
// picture's.
type guarded struct {
	ctx    context.Context
	r      io.Reader
	left   int64 // bytes
	failed error
}

// bite is the most that one Read gives, in bytes. A picture can keep its
// decoder busy with few bytes (a JPEG with thousands of scans of nothing), so
// that the clock is looked at often.
const bite = 64

var errTooLong = errors.New("more bytes than are read of a picture")

func (g *guarded) Read(p []byte) (int, error) {
	if err := g.ctx.Err(); err != nil {
		return 0, err
	}
	if g.left <= 0 {
		return 0, errTooLong
	}
	n, err := g.r.Read(p[:min(int64(len(p)), bite, g.left)])
	g.left -= int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		g.failed = err
	}
	return n, err
}
