package disk_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"testing"

	"boxcar/internal/blob"
	"boxcar/internal/blob/blobtest"
	"boxcar/internal/blob/disk"
	"boxcar/internal/vfs"
)

// BenchmarkPut puts parts of 8 MiB, one or four at a time. The floor is write
// and fdatasync of the same bytes and nothing else: no digest, no name.
func BenchmarkPut(b *testing.B) {
	data := blobtest.Bytes(8 << 20)
	fsys := vfs.Dir(b.TempDir()) // TMPDIR says on which disk
	s := must(disk.Open(fsys))
	ways := []struct {
		name string
		do   func(key blob.Key) (file string)
	}{
		{"put", func(key blob.Key) string {
			check(s.Put(b.Context(), key, blob.Verify(&reader{data: data}, blob.Want{Size: int64(len(data))}, nil)))
			return "blobs/" + string(key[:2]) + "/" + string(key)
		}},
		{"floor", func(key blob.Key) string {
			f := must(fsys.Create(string(key)))
			for at := 0; at < len(data); at += 1 << 20 {
				must(f.Write(data[at : at+1<<20]))
			}
			check(f.Sync())
			check(f.Close())
			return string(key)
		}},
	}
	var keys atomic.Uint64
	for _, writers := range []int{1, 4} {
		for _, way := range ways {
			b.Run(fmt.Sprintf("%s/%d", way.name, writers), func(b *testing.B) {
				b.SetBytes(int64(len(data)))
				var left atomic.Int64
				left.Store(int64(b.N))
				var wg sync.WaitGroup
				for range writers {
					wg.Go(func() {
						for left.Add(-1) >= 0 {
							var bits [16]byte
							n := keys.Add(1)
							binary.BigEndian.PutUint64(bits[:], n*0x9e3779b97f4a7c15)
							check(fsys.Remove(way.do(blob.NewKey(bits))))
						}
					})
				}
				wg.Wait()
			})
		}
	}
}

// reader gives pieces as a connection does.
type reader struct{ data []byte }

func (r *reader) Read(p []byte) (int, error) {
	n := copy(p[:min(len(p), 64<<10)], r.data)
	r.data = r.data[n:]
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}
