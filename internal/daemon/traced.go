package daemon

import (
	"context"
	"io"

	"boxcar/internal/blob"
	"boxcar/internal/meta"
	"boxcar/internal/tracing"
)

// tracedRows is a store whose transactions are spans of the request that makes them.
type tracedRows struct {
	meta.Store
	t *tracing.Tracer
}

func (s tracedRows) View(ctx context.Context, fn func(meta.Tx) error) (err error) {
	ctx, end := s.t.Span(ctx, "meta.View")
	defer func() { end(err) }()
	return s.Store.View(ctx, fn)
}

func (s tracedRows) Update(ctx context.Context, fn func(meta.Tx) error) (err error) {
	ctx, end := s.t.Span(ctx, "meta.Update")
	defer func() { end(err) }()
	return s.Store.Update(ctx, fn)
}

// tracedBlobs is the same for blobs. What is read of one that was opened is not
// in its span.
type tracedBlobs struct {
	keeping
	t *tracing.Tracer
}

func (s tracedBlobs) Put(ctx context.Context, key blob.Key, src *blob.Source) (err error) {
	ctx, end := s.t.Span(ctx, "blob.Put")
	defer func() { end(err) }()
	return s.keeping.Put(ctx, key, src)
}

func (s tracedBlobs) Open(ctx context.Context, key blob.Key, offset, length int64) (_ io.ReadCloser, err error) {
	ctx, end := s.t.Span(ctx, "blob.Open")
	defer func() { end(err) }()
	return s.keeping.Open(ctx, key, offset, length)
}
