package upload_test

import (
	"crypto/sha1"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"boxcar/internal/content"
	"boxcar/internal/meta/metatest"
	"boxcar/internal/upload"
)

// nothing is a part's bytes.
type nothing struct{}

func (nothing) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// A part far behind the front waits for it in no place that another could have,
// goes when the front is near, and does not wait for one that stands, is much
// too far, or takes too long.
func TestPartsWaitForTheFrontOnItsWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		h := w.open(&metatest.Faulty{})
		defer h.upload.Close()
		h.upload.OnePlace()
		name, root := "a", "0"
		ses, err := h.upload.Create(t.Context(), h.who, upload.Request{Folder: &root, Name: &name, Size: 2 * upload.TooFar})
		if err != nil {
			t.Fatal(err)
		}
		defer h.upload.HoldFront(t, w.rows, ses.ID)()
		size := ses.Grid.PartSize
		sum := sha1.New()
		io.CopyN(sum, nothing{}, size)
		put := func(slot int64) (took func() time.Duration) {
			span, began := ses.Grid.Slot(slot), time.Now()
			done := make(chan time.Duration, 1)
			go func() {
				sent := upload.Sent{Span: span, Total: ses.Grid.FileSize, SHA1: content.SHA1(sum.Sum(nil)), Length: size}
				if _, err := h.upload.PutPart(t.Context(), h.who, ses.ID, sent, io.LimitReader(nothing{}, size)); err != nil {
					t.Error(err)
				}
				done <- time.Since(began)
			}()
			synctest.Wait()
			return func() time.Duration { return <-done }
		}
		wants := func(what string, got, want time.Duration) {
			t.Helper()
			if got != want {
				t.Errorf("%s took %v, want %v", what, got, want)
			}
		}
		far := upload.Leash / size // the slot behind the leash

		wants("one whose front stands", put(far+1)(), 0)
		end := h.upload.Walk(ses.ID)
		wants("one at the leash", put(far-1)(), 0)
		wants("one that is too far", put(upload.TooFar/size)(), 0)
		wants("one whose front takes too long", put(far)(), upload.AtLeash)
		waiting := put(far + 3)
		wants("one beside it", put(1)(), 0)
		time.Sleep(upload.AtLeash / 2)
		head := make([]byte, 4*size)
		h.upload.MoveFront(ses.ID, head)
		wants("one that the front came near", waiting(), upload.AtLeash/2)
		waiting = put(far + 8)
		time.Sleep(upload.AtLeash / 4)
		end()
		wants("one whose front went no further", waiting(), upload.AtLeash/4)
	})
}
