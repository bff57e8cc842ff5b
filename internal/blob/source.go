package blob

import (
	"errors"
	"io"
	"time"

	"boxcar/internal/content"
	"boxcar/internal/digest"
)

// Source is a run of bytes on its way into a Store. It hashes what is read
// through it, where the bytes are first touched, and gives an error in place
// of io.EOF unless the size and the digest are those promised: who reads a
// Source to io.EOF holds what was promised. It is not safe for concurrent use.
//
// It is read by Next, which costs no copy and hashes while the caller writes,
// or by Read.
type Source struct {
	in   *Intake
	r    io.Reader
	want Want
	sha1 *digest.SHA1
	also *digest.SHA1 // sees the same bytes; nil if nobody else wants them
	n    int64        // bytes read

	flow Flow // of what Next reads

	lead    Lead          // until it has been asked for the last time
	led     Lead          // who gave also
	patient time.Duration // with lead, once all bytes have come
	waiting [][]byte      // for lead: read, and not hashed yet

	run    digest.Run // of the block that was handed out last
	last   []byte     // that block, all of its room
	spare  []byte     // a second one
	shared int        // extra blocks that are this source's
	closed bool
	ended  bool   // r has said so, and what it gave has been handed out
	err    error  // what every further call returns
	peeked []byte // by First, and not handed out yet
	whole  bool   // what First said of it

	keeps  bool
	kept   Kept
	reread bool
}

// Verify makes a Source of r that needs no Intake. The bytes are added to also,
// too, if it is not nil.
func Verify(r io.Reader, want Want, also *digest.SHA1) *Source {
	return (*Intake)(nil).Verify(r, want, also)
}

// Next gives the next bytes, in a block at a multiple of 4096 bytes in memory
// that is full unless it is the first or the last one. They may be hashed still,
// and must not be changed; they stay as they are until Next or Close is called. It
// returns a content.SizeMismatch or content.DigestMismatch error when the
// bytes are not those promised; no more than one byte beyond the promised size
// is taken from the reader. With an error it gives no bytes.
func (s *Source) Next() ([]byte, error) {
	if s.peeked != nil && !s.closed {
		b := s.peeked
		s.peeked = nil
		return b, nil
	}
	if s.err != nil {
		return nil, s.err
	}
	left := s.left()
	var one [1]byte // enough to see that there is more than was promised
	var b []byte
	n, err := 0, io.EOF
	switch {
	case s.ended:
	case left == 0:
		b = one[:]
		n, err = fill(b, s.r)
	default:
		b, n, err = s.next(left)
	}
	if left == 0 && n == 0 {
		s.settle()
	}
	if err != nil || !s.keeps || s.lead == nil && s.led == nil {
		s.run.Wait()
	}
	if left == 0 && n > 0 {
		err = content.Errorf(content.SizeMismatch, "more bytes than the %d declared", s.want.Size)
	}
	if errors.Is(err, io.EOF) {
		s.ended, err = true, nil
		if n == 0 {
			err = s.check()
		}
	}
	if s.err = err; err != nil {
		if left != 0 && b != nil && (s.last == nil || &b[0] != &s.last[0]) {
			s.in.put(b)
		}
		return nil, err
	}
	if s.last != nil && &s.last[0] != &b[0] {
		s.pass(s.last)
	}
	s.last = b
	s.n += int64(n)
	s.hash(b[:n])
	return b[:n], nil
}

// hash begins to hash what was read, unless there is somebody else to wait for.
func (s *Source) hash(b []byte) {
	if s.lead != nil {
		s.waiting = append(s.waiting, b)
		// Who is to bring what is waited for may begin a little later.
		s.ask(!s.keeps || s.n > BlockSize)
		return
	}
	if s.led != nil {
		s.in.Hasher().Add(&s.run, s.sha1, s.also, b)
		return
	}
	s.in.Hasher().Start(&s.run, s.sha1, s.also, b)
}

// ask hashes what waits if it need not wait any more. What it returns is closed
// when it is worth asking again; it is nil when there is nothing to ask.
func (s *Source) ask(settle bool) (changed <-chan struct{}) {
	also, changed := s.lead.Ask()
	switch {
	case also != nil:
		s.also, s.led, s.run.Urgent = also, s.lead, true
	case changed != nil && s.keeps, !settle:
		return changed
	}
	s.begin()
	return nil
}

// begin hashes what waits, and what comes, as it is.
func (s *Source) begin() {
	s.lead = nil
	for _, b := range s.waiting {
		s.in.Hasher().Add(&s.run, s.sha1, s.also, b)
	}
	s.waiting = nil
}

// settle waits until there is nobody to wait for.
func (s *Source) settle() {
	for s.lead != nil {
		changed := s.ask(true)
		if changed == nil {
			return
		}
		select {
		case <-changed:
		case <-time.After(s.patient): // of nothing that changed
			s.begin()
		}
	}
}

// Lead has what else hashes the bytes of a source, or will have it when other
// sources have been read. Its methods may be called concurrently.
type Lead interface {
	// Ask gives the digest, or a channel that is closed when it is worth asking again.
	// Both are nil if there will be none. The bytes that the digest has are a multiple of digest.BlockSize.
	Ask() (also *digest.SHA1, changed <-chan struct{})
	// Led is called once that digest has all bytes of the source, and they are
	// what was promised.
	Led()
}

// Follow has the bytes hashed in one pass for the source and for what lead gives.
// After Keep they wait in memory for that; when all have come they do so
// until nothing has changed for as long as patience. It comes before the first byte.
func (s *Source) Follow(lead Lead, patience time.Duration) { s.lead, s.patient = lead, patience }

// Leads says whether the bytes are being hashed for the source's lead, too, so that
// others may wait until all have been.
func (s *Source) Leads() bool { return s.led != nil }

// First looks at the first block, which Next or Read gives all the same. whole says
// that it is all there is, and that it is what was promised: more than smallSize bytes
// of a source whose size nobody knows are never whole, and neither are more than
// BlockSize. It comes before the first byte, as often as anybody wants to look;
// errors are those of Next.
func (s *Source) First() (b []byte, whole bool, err error) {
	if s.Len() > 0 {
		return nil, false, errors.New("the source has been read before")
	}
	if s.peeked != nil {
		return s.peeked, s.whole, nil
	}
	b, err = s.Next()
	if err == io.EOF {
		return nil, true, nil
	}
	if err != nil {
		return nil, false, err
	}
	if s.ended || s.left() == 0 {
		// Next leaves the block as it is where it finds the end.
		if _, err := s.Next(); err != io.EOF {
			return nil, false, err
		}
		whole = true
	}
	s.peeked, s.whole = b, whole
	return b, whole, nil
}

// left is how many bytes were promised and not read yet, or -1.
func (s *Source) left() int64 {
	if s.want.Size == AnySize {
		return AnySize
	}
	return s.want.Size - s.n
}

// next reads the next block. The first bytes come to a small one: a client that
// sends little holds no more than that.
func (s *Source) next(left int64) (b []byte, n int, err error) {
	var early []byte
	if s.last == nil && left > smallSize {
		early = s.in.block(smallSize)
		if n, err = s.fill(early); err != nil {
			return early, n, err
		}
		defer s.in.put(early)
	}
	b = s.room(left)
	n = copy(b, early)
	m, err := s.fill(b[n:])
	return b, n + m, err
}

// fill is fill that is told of in flow.
func (s *Source) fill(p []byte) (n int, err error) {
	s.flow.waits()
	n, err = fill(p, s.r)
	s.flow.came(n)
	return n, err
}

// room is memory for the next block: not that which may be hashed still,
// where there is any other.
func (s *Source) room(left int64) []byte {
	b := s.spare
	s.spare = nil
	switch {
	case b != nil:
	case s.last == nil && (left <= smallSize && (left >= 0 || s.n == 0)):
		b = s.in.block(smallSize)
	case s.last == nil || s.keeps || cap(s.last) == smallSize || s.another():
		b = s.in.block(BlockSize)
	default:
		s.run.Wait()
		b = s.last
	}
	if left >= 0 && left < int64(len(b)) {
		b = b[:left]
	}
	return b
}

// another says whether the source may have a second block.
func (s *Source) another() bool {
	if !s.in.share(1, false) {
		return false
	}
	s.shared++
	return true
}

// pass puts away a block whose bytes have been hashed and written.
func (s *Source) pass(b []byte) {
	switch {
	case s.keeps:
		s.kept.blocks = append(s.kept.blocks, b)
	case cap(b) == BlockSize && s.spare == nil:
		s.spare = b[:BlockSize]
	default:
		s.in.put(b)
	}
}

// Read reads from the underlying reader into p, and returns when that has been
// hashed. Its errors are those of Next, but bytes may come with them.
func (s *Source) Read(p []byte) (int, error) {
	if s.peeked != nil && !s.closed {
		n := copy(p, s.peeked)
		if s.peeked = s.peeked[n:]; len(s.peeked) == 0 {
			s.peeked = nil
		}
		return n, nil
	}
	if s.err != nil {
		return 0, s.err
	}
	left := s.left()
	if left >= 0 && int64(len(p)) > left+1 {
		p = p[:left+1]
	}
	n, err := s.r.Read(p)
	s.n += int64(n)
	if s.lead != nil && s.ask(true) != nil {
		s.lead = nil
	}
	s.run.Wait() // of a block that Next gave
	s.in.Hasher().Start(&s.run, s.sha1, s.also, p[:n])
	s.run.Wait()
	switch {
	case left >= 0 && int64(n) > left:
		err = content.Errorf(content.SizeMismatch, "more bytes than the %d declared", s.want.Size)
	case errors.Is(err, io.EOF):
		err = s.check()
	}
	s.err = err
	return n, err
}

// fill reads until p is full or r ends. io.ReadFull won't do: it makes an
// io.ErrUnexpectedEOF of an end that is as promised, and a request body that
// was cut off gives the same error.
func fill(p []byte, r io.Reader) (n int, err error) {
	for empty := 0; n < len(p) && err == nil; {
		var m int
		m, err = r.Read(p[n:])
		n += m
		if empty++; m > 0 {
			empty = 0
		}
		if empty == 100 && err == nil {
			err = io.ErrNoProgress
		}
	}
	return n, err
}

// check is io.EOF if all is as promised.
func (s *Source) check() error {
	sum := s.sha1.Sum()
	switch {
	case s.want.Size != AnySize && s.n < s.want.Size:
		return content.Errorf(content.SizeMismatch, "only %d of the %d bytes declared", s.n, s.want.Size)
	case s.want.SHA1 != nil && sum != *s.want.SHA1:
		return &content.Error{Kind: content.DigestMismatch, Message: "the bytes hash to " + sum.String() + ", not to " + s.want.SHA1.String()}
	}
	if s.led != nil {
		s.led.Led()
	}
	return io.EOF
}

// Size is the number of bytes that were promised, or AnySize.
func (s *Source) Size() int64 { return s.want.Size }

// Len is the number of bytes read so far; looking is not reading.
func (s *Source) Len() int64 { return s.n - int64(len(s.peeked)) }

// Sum is the size and SHA-1 of what was read, once that is over.
func (s *Source) Sum() Sum { return Sum{Size: s.n, SHA1: s.sha1.Sum()} }

// State is the state behind all that was read, once that is over; the zero
// state if there is none.
func (s *Source) State() content.SHA1State { return s.sha1.State() }

// Done says whether the source was read to its end and kept its promise.
func (s *Source) Done() bool { return s.peeked == nil && errors.Is(s.err, io.EOF) }

// Rank puts sources in order where more bytes come in than can be hashed at
// once: the lowest first. It comes before the first byte.
func (s *Source) Rank(r int64) { s.run.Rank = r }

// Reread tells the store that the blob will be read soon after it was put.
func (s *Source) Reread() { s.reread = true }

// ReadSoon says whether Reread was called.
func (s *Source) ReadSoon() bool { return s.reread }

// Keep asks for the bytes to stay in memory behind the end of the source, for
// Kept, and says whether there is room for that. It comes before the first byte.
func (s *Source) Keep() bool {
	if s.want.Size <= 0 || s.keeps {
		return s.keeps
	}
	n := blocksFor(s.want.Size)
	if !s.in.share(n, true) {
		return false
	}
	s.keeps, s.kept = true, Kept{in: s.in, shared: n}
	return true
}

// Kept is the bytes of a source that was read to its end by Next, after Keep.
// They are the caller's to free.
func (s *Source) Kept() *Kept {
	if !s.keeps || !s.Done() {
		return nil
	}
	s.keeps = false
	k := s.kept
	if s.last != nil {
		k.blocks = append(k.blocks, s.last)
		s.last = nil
	}
	return &k
}

// Close gives back the memory of the source, and what was kept if nobody took
// it. It does not close the reader.
func (s *Source) Close() {
	if s.closed {
		return
	}
	s.closed = true
	s.run.Wait()
	s.in.Hasher().Leave()
	for _, b := range [][]byte{s.last, s.spare} {
		if b != nil {
			s.in.put(b)
		}
	}
	s.last, s.spare, s.peeked = nil, nil, nil
	if s.keeps {
		s.keeps = false
		s.kept.Free()
	}
	if s.shared > 0 {
		s.in.unshare(s.shared, false)
	}
	if s.err == nil {
		s.err = errors.New("the source was closed")
	}
}

// Kept is bytes that stay in memory.
type Kept struct {
	in     *Intake
	blocks [][]byte
	shared int
}

// Blocks are the bytes, in order.
func (k *Kept) Blocks() [][]byte { return k.blocks }

// Free gives the memory back. A second call, or one of a nil Kept, does nothing.
func (k *Kept) Free() {
	if k == nil || k.shared == 0 {
		return
	}
	for _, b := range k.blocks {
		k.in.put(b)
	}
	k.in.unshare(k.shared, true)
	k.blocks, k.shared = nil, 0
}
