package crash_test

import (
	"bytes"
	"crypto/sha1"
	"fmt"
	"testing"
	"time"

	"boxcar/internal/content"
	"boxcar/internal/tree"
	"boxcar/internal/upload"
)

func BenchmarkCheck(b *testing.B) {
	fsys := base().Crash(1)
	s := site{source: new(source), now: time.Now, readers: 1}
	h, err := s.open(b.Context(), fsys)
	if err != nil {
		b.Fatal(err)
	}
	root := "0"
	for n := range 3 {
		name := fmt.Sprint("file", n)
		data := bytes.Repeat([]byte{byte(n)}, 3000)
		ses, err := h.upload.Create(b.Context(), h.who, upload.Request{Folder: &root, Name: &name, Size: 3000})
		if err != nil {
			b.Fatal(err)
		}
		for slot := range ses.Grid.Parts() {
			span := ses.Grid.Slot(slot)
			body := data[span.Start:span.End]
			if _, err := h.upload.PutPart(b.Context(), h.who, ses.ID, upload.Sent{Span: span, Total: 3000, SHA1: sha1.Sum(body), Length: -1}, bytes.NewReader(body)); err != nil {
				b.Fatal(err)
			}
		}
		name = fmt.Sprint("simple", n)
		if _, err := h.upload.Simple(b.Context(), h.who, tree.Target{Name: name, Size: -1}, content.Preconditions{}, content.Attributes{}, nil, bytes.NewReader(data)); err != nil {
			b.Fatal(err)
		}
	}
	for seed := uint64(0); b.Loop(); seed++ {
		left := fsys.Crash(seed)
		h, err := s.open(b.Context(), left)
		if err != nil {
			b.Fatal(err)
		}
		rep, err := h.sweep.Check(b.Context())
		if err != nil || len(rep.Broken) > 0 {
			b.Fatal(rep, err)
		}
		h.off()
	}
}
