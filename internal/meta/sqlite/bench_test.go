package sqlite_test

import (
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"boxcar/internal/blob"
	"boxcar/internal/content"
	"boxcar/internal/meta"
	"boxcar/internal/meta/sqlite"
)

// BenchmarkUpdate is the transaction of a part: session read, part and log
// inserted, front moved. Waiting writers share a sync, so many do more each
// second than one.
func BenchmarkUpdate(b *testing.B) {
	for _, writers := range []int{1, 4, 16, 64} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			s, err := sqlite.Open(filepath.Join(b.TempDir(), "meta.db"), sqlite.Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			for _, fn := range upload[:2] {
				if err := s.Update(b.Context(), fn); err != nil {
					b.Fatal(err)
				}
			}
			var n atomic.Int64
			var wg sync.WaitGroup
			b.ResetTimer()
			for range writers {
				wg.Go(func() {
					for {
						i := n.Add(1)
						if i > int64(b.N) {
							return
						}
						err := s.Update(b.Context(), func(tx meta.Tx) error {
							if _, err := tx.Session(id); err != nil {
								return err
							}
							if err := tx.InsertPart(9, benchPart(i)); err != nil {
								return err
							}
							if err := tx.SetFront(id, content.Front{N: i, State: content.SHA1State{N: i}}); err != nil {
								return err
							}
							return tx.AppendLog(id, content.LogEvent{Event: "part"})
						})
						if err != nil {
							b.Error(err)
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "updates/s")
		})
	}
}

func benchPart(i int64) meta.Part {
	return meta.Part{
		Part: content.Part{ID: fmt.Sprintf("%08X", i), Span: content.Span{Start: i * 8, End: i*8 + 8}, SHA1: content.SHA1{1}},
		Blob: blob.Key(fmt.Sprintf("%032x", uint64(i)*0x9E3779B97F4A7C15)),
	}
}

// BenchmarkTenThousandParts is one manifest as large as they get.
func BenchmarkTenThousandParts(b *testing.B) {
	s, err := sqlite.Open(filepath.Join(b.TempDir(), "meta.db"), sqlite.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	m := meta.Manifest(0)
	insert := func(b *testing.B) {
		m++
		err := s.Update(b.Context(), func(tx meta.Tx) error {
			for i := range int64(content.MaxParts) {
				if err := tx.InsertPart(m, benchPart(i)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.Run("insert", func(b *testing.B) {
		for b.Loop() {
			insert(b)
		}
	})
	b.Run("list", func(b *testing.B) {
		for b.Loop() {
			err := s.View(b.Context(), func(tx meta.Tx) error {
				all, err := tx.Parts(m, 0, content.MaxParts)
				if len(all) != content.MaxParts {
					b.Fatalf("%d parts", len(all))
				}
				return err
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("count", func(b *testing.B) {
		for b.Loop() {
			s.View(b.Context(), func(tx meta.Tx) error { _, err := tx.CountParts(m); return err })
		}
	})
	b.Run("delete", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			insert(b)
			b.StartTimer()
			err := s.Update(b.Context(), func(tx meta.Tx) error { _, err := meta.DeleteManifest(tx, m); return err })
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkView is the least a request reads.
func BenchmarkView(b *testing.B) {
	s, err := sqlite.Open(filepath.Join(b.TempDir(), "meta.db"), sqlite.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	for _, fn := range upload[:3] {
		if err := s.Update(b.Context(), fn); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		err := s.View(b.Context(), func(tx meta.Tx) error {
			if _, err := tx.Session(id); err != nil {
				return err
			}
			_, err := tx.Part(9, 0)
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkOpen is what a start waits for.
func BenchmarkOpen(b *testing.B) {
	for name, dir := range map[string]func() string{"new": b.TempDir, "there": func() string { return b.Name() }} {
		shared := b.TempDir()
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				path := filepath.Join(shared, "meta.db")
				if name == "new" {
					path = filepath.Join(dir(), "meta.db")
				}
				s, err := sqlite.Open(path, sqlite.Options{})
				if err != nil {
					b.Fatal(err)
				}
				s.Close()
			}
		})
	}
}
