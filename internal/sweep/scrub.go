package sweep

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"time"

	"boxcar/internal/blob"
	"boxcar/internal/content"
	"boxcar/internal/meta"
)

const (
	// scrubEvery is how long after the beginning of a pass over all blobs the
	// next one begins.
	scrubEvery = 24 * time.Hour
	// scrubSave is how often the place that a pass has reached is kept.
	scrubSave = 30 * time.Second
	// scrubLook is how often blobs that are known to be damaged are read again:
	// somebody may have put them right.
	scrubLook = time.Hour
	// scrubRow is how many damaged blobs in a row end a Scrub: then it is the
	// whole disk that is in trouble.
	scrubRow = 10
	// scrubSetting is where the place is kept.
	scrubSetting = "scrub"
)

// Pass is how far a pass over all blobs has come, or how the last one ended.
type Pass struct {
	Began time.Time `json:"began"`
	// After is the blob it has got to; it is at its end, or has not begun, without one.
	After blob.Key `json:"after,omitempty"`
	Blobs int64    `json:"blobs"` // read
	Bytes int64    `json:"bytes"`
	// Ended is when the last pass that came to its end did; Whole says that it is this one.
	Ended time.Time `json:"ended"`
	Whole bool      `json:"whole,omitempty"`

	Rotten int64 `json:"-"` // blobs that are marked, of whatever pass
}

// Done is about how much of a pass is done, from 0 to 1: keys are spread evenly.
func (p Pass) Done() float64 {
	if p.Whole {
		return 1
	}
	if !p.After.Valid() {
		return 0
	}
	n, _ := strconv.ParseUint(string(p.After[:8]), 16, 32)
	return float64(n) / (1 << 32)
}

// Pass is how scrubbing stands, as of the last Scrub.
func (s *Service) Pass() Pass {
	s.scrub.Lock()
	defer s.scrub.Unlock()
	return s.pass
}

// Scrub reads blobs, no more than ScrubRate bytes a second, and compares them
// with their digests. A blob that is missing or altered is recorded: then it is
// not read from again, until it is found as it should be. Scrub goes on where
// the last one stopped, also over a restart, and returns at the end of a pass, when
// ctx is done, or at once if the next pass is not due. It is not for concurrent use. When
// ten blobs in a row are damaged, it stops with an error.
func (s *Service) Scrub(ctx context.Context) error {
	if s.ScrubRate <= 0 {
		return nil
	}
	now := s.Now()
	pass, err := s.resume(ctx)
	if err != nil {
		return err
	}
	pace := &pace{rate: s.ScrubRate}
	if now.Sub(s.looked).Abs() >= scrubLook {
		if err := s.lookAgain(ctx, pace); err != nil {
			return err
		}
		s.looked = now
	}
	if pass.After == "" {
		if pass.Whole && now.Sub(pass.Began).Abs() < scrubEvery {
			return nil
		}
		pass = Pass{Began: now, Ended: pass.Ended, Rotten: pass.Rotten}
	}
	err = s.goOn(ctx, pace, &pass)
	if pass.Whole {
		s.Log.Info("scrubbed", "blobs", pass.Blobs, "bytes", pass.Bytes, "rotten", pass.Rotten, "took", pass.Ended.Sub(pass.Began))
	}
	return err
}

// resume is where the pass is to go on.
func (s *Service) resume(ctx context.Context) (pass Pass, err error) {
	err = s.Meta.View(ctx, func(tx meta.Tx) error {
		pass = Pass{}
		kept, err := tx.Setting(scrubSetting)
		if err == nil {
			err = json.Unmarshal(kept, &pass)
		}
		if err != nil && !content.Is(err, content.NotFound) {
			return fmt.Errorf("where scrubbing stopped: %w", err)
		}
		pass.Rotten, err = tx.CountRotten()
		return err
	})
	s.tell(pass)
	return pass, err
}

// tell is for Pass.
func (s *Service) tell(p Pass) {
	s.scrub.Lock()
	defer s.scrub.Unlock()
	s.pass = p
}

// keep makes the place last, also where the stop of the server ends the pass.
func (s *Service) keep(ctx context.Context, p Pass) error {
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer done()
	return s.Meta.Update(ctx, func(tx meta.Tx) error { return tx.PutSetting(scrubSetting, text) })
}

// goOn goes on with a pass to its end.
func (s *Service) goOn(ctx context.Context, pace *pace, pass *Pass) (err error) {
	defer func() {
		s.tell(*pass)
		if kerr := s.keep(ctx, *pass); err == nil {
			err = kerr
		}
	}()
	s.tell(*pass)
	row := 0
	for saved := time.Now(); ; {
		var blobs []meta.StoredBlob
		err := s.Meta.View(ctx, func(tx meta.Tx) (err error) {
			blobs, err = tx.StoredBlobs(pass.After, meta.PageRows)
			return err
		})
		if err != nil {
			return err
		}
		if len(blobs) == 0 {
			pass.After, pass.Ended, pass.Whole = "", s.Now(), true
			return nil
		}
		for _, b := range blobs {
			n, rotten, err := s.examine(ctx, pace, b)
			if err != nil {
				return fmt.Errorf("scrub: %w", err)
			}
			pass.After, pass.Blobs, pass.Bytes = b.Key, pass.Blobs+1, pass.Bytes+n
			row++
			if rotten {
				pass.Rotten++
			} else {
				row = 0
			}
			if row == scrubRow {
				return fmt.Errorf("scrub: %d blobs in a row are damaged, the last of them %s: is the disk there?", row, b.Key)
			}
			s.tell(*pass)
			if s.Scrubbed != nil {
				s.Scrubbed(n)
			}
			if time.Since(saved) > scrubSave {
				if err := s.keep(ctx, *pass); err != nil {
					return err
				}
				saved = time.Now()
			}
		}
	}
}

// examine reads a blob, and records it if it is damaged: rotten says that it is
// newly so. What is found at first is looked at once more.
func (s *Service) examine(ctx context.Context, pace *pace, b meta.StoredBlob) (n int64, rotten bool, err error) {
	n, damage, err := s.read(ctx, pace, b)
	if err == nil && damage != "" {
		_, damage, err = s.read(ctx, pace, b)
	}
	if err != nil || damage == "" {
		return n, false, err
	}
	var on []meta.Version
	err = s.Meta.Update(ctx, func(tx meta.Tx) error {
		rotten = false
		known, err := tx.IsRotten(b.Key)
		if err != nil || known {
			return err
		}
		if rotten, err = meta.Rotted(tx, meta.RottenBlob{Key: b.Key, Damage: damage, FoundAt: s.Now()}); err != nil || !rotten {
			return err
		}
		on, err = tx.VersionsOn(b.Key, 0, 10)
		return err
	})
	if err == nil && rotten {
		files := make([]string, len(on))
		for i, v := range on {
			files[i] = v.File.String()
		}
		s.Log.Error("a blob is damaged, and is not served any more; boxcar doctor lists all that is lost", "blob", b.Key, "damage", damage, "files", files)
	}
	return n, rotten, err
}

// read compares a blob with what it should be. An error says nothing about the blob.
func (s *Service) read(ctx context.Context, pace *pace, b meta.StoredBlob) (n int64, damage meta.Damage, err error) {
	if err := pace.wait(ctx, 4<<10); err != nil { // what opening it costs
		return 0, "", err
	}
	r, err := s.Blobs.Open(ctx, b.Key, 0, b.Size)
	if content.Is(err, content.NotFound) {
		return 0, meta.Missing, nil
	}
	if err != nil {
		return 0, "", err
	}
	defer r.Close()
	src := blob.Verify(pacedReader{ctx, r, pace}, blob.Want{Size: b.Size, SHA1: &b.SHA1}, nil)
	n, err = io.CopyBuffer(writerOnly{io.Discard}, src, make([]byte, 128<<10))
	switch {
	case err == nil:
		return n, "", nil
	case ctx.Err() != nil:
		return n, "", err
	case content.Is(err, content.SizeMismatch, content.DigestMismatch):
		return n, meta.Altered, nil
	}
	return n, meta.Unreadable, nil
}

// lookAgain reads the blobs that are marked. The mark is taken from those that
// are as they should be, and from those that nothing refers to.
func (s *Service) lookAgain(ctx context.Context, pace *pace) error {
	return meta.Each(ctx, s.Meta,
		func(tx meta.Tx, after blob.Key) ([]meta.RottenBlob, error) {
			return tx.RottenBlobs(after, meta.PageRows)
		},
		func(r meta.RottenBlob) blob.Key { return r.Key },
		func(r meta.RottenBlob) error {
			var b meta.StoredBlob
			err := s.Meta.View(ctx, func(tx meta.Tx) (err error) {
				b, err = meta.StoredAs(tx, r.Key)
				return err
			})
			gone := content.Is(err, content.NotFound)
			if err != nil && !gone {
				return err
			}
			if !gone {
				_, damage, err := s.read(ctx, pace, b)
				if err != nil || damage != "" {
					return err
				}
				s.Log.Info("a blob that was damaged is as it should be, and is served again", "blob", r.Key)
			}
			return s.Meta.Update(ctx, func(tx meta.Tx) error { return tx.ClearRotten(r.Key) })
		})
}

// pace keeps an average rate. It goes by real time.
type pace struct {
	rate int64 // bytes a second
	next time.Time
}

// burst is how far ahead of its rate it may be before it waits.
const burst = 20 * time.Millisecond

// wait is called for n bytes that were read.
func (p *pace) wait(ctx context.Context, n int) error {
	now := time.Now()
	if p.next.Before(now) {
		p.next = now
	}
	p.next = p.next.Add(time.Duration(float64(n) / float64(p.rate) * float64(time.Second)))
	ahead := p.next.Sub(now)
	if ahead < burst {
		return ctx.Err()
	}
	t := time.NewTimer(ahead)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

type pacedReader struct {
	ctx  context.Context
	r    io.Reader
	pace *pace
}

func (p pacedReader) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	if werr := p.pace.wait(p.ctx, n); werr != nil && err == nil {
		err = werr
	}
	return n, err
}
