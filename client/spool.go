package client

import (
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"io"
	"os"
)

// spool writes a stream to a temporary file, hashing it, and makes that the
// source. The file is removed when the job ends.
func (j *job) spool(ctx context.Context) error {
	most := j.u.Spool.Max
	if j.src.size >= 0 {
		most = j.src.size
	}
	f, err := os.CreateTemp(j.u.Spool.Dir, "boxcar-spool-*")
	if err != nil {
		return err
	}
	j.atEnd = append(j.atEnd, func() {
		f.Close()
		os.Remove(f.Name())
	})
	h, stream := sha1.New(), j.src.reader(ctx)
	size := int64(0)
	buf := make([]byte, blockSize)
	for {
		n, readErr := stream.Read(buf)
		h.Write(buf[:n])
		size += int64(n)
		_, err := f.Write(buf[:n])
		switch {
		case err != nil:
		case size > most && j.src.size >= 0:
			err = fmt.Errorf("%w: it has more than the %d bytes announced", ErrSourceChanged, most)
		case size > most:
			err = fmt.Errorf("%w: %d bytes", ErrTooLarge, most)
		case readErr != nil && !errors.Is(readErr, io.EOF):
			err = fmt.Errorf("%w: %w", errSource, readErr)
		case readErr != nil && size < j.src.size:
			err = fmt.Errorf("%w: it ends %d bytes early", ErrSourceChanged, j.src.size-size)
		}
		if err != nil {
			return err
		}
		if n > 0 {
			j.u.Progress.tell(Event{Kind: Spooling, Bytes: int64(n), Total: j.src.size})
		}
		if readErr != nil {
			break
		}
	}
	j.src = &Source{at: f, size: size, path: j.src.path}
	j.sum, j.summed = [20]byte(h.Sum(nil)), true
	return nil
}

// spooledPart is a part of a stream in a temporary file.
type spooledPart struct{ *os.File }

func (p spooledPart) drop() {
	p.Close()
	os.Remove(p.Name())
}
