package metatest

import (
	"context"
	"errors"
	"sync"

	"boxcar/internal/meta"
)

// ErrInjected is in the chain of every error that a Faulty made up.
var ErrInjected = errors.New("metatest: injected fault")

// Faulty is a store that fails on demand. It counts from its making, Updates
// and the calls on transactions; what is to fail is given by number, counted from 1. The
// zero numbers fail nothing. Set the fields only while nothing runs.
type Faulty struct {
	meta.Store

	// FailBefore fails an Update without running its function.
	FailBefore int
	// FailAfter fails an Update that has worked: its answer is lost.
	FailAfter int
	// FailCall fails a call of a transaction, in a View or an Update. As with
	// a real failure, all later calls of that transaction fail too, and it
	// changes nothing, whatever its function makes of it.
	FailCall int

	mu             sync.Mutex
	updates, calls int
}

// Updates is how many Updates have begun.
func (f *Faulty) Updates() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.updates
}

// Calls is how many calls on transactions have been made.
func (f *Faulty) Calls() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls
}

// Update is a meta.Store method.
func (f *Faulty) Update(ctx context.Context, fn func(meta.Tx) error) error {
	f.mu.Lock()
	f.updates++
	n := f.updates
	f.mu.Unlock()
	if n == f.FailBefore {
		return ErrInjected
	}
	err := f.Store.Update(ctx, func(tx meta.Tx) error { return f.run(tx, fn) })
	if err == nil && n == f.FailAfter {
		return ErrInjected
	}
	return err
}

// View is a meta.Store method.
func (f *Faulty) View(ctx context.Context, fn func(meta.Tx) error) error {
	return f.Store.View(ctx, func(tx meta.Tx) error { return f.run(tx, fn) })
}

// Ping is a meta.Store method, and an Update.
func (f *Faulty) Ping(ctx context.Context) error {
	return f.Update(ctx, func(meta.Tx) error { return nil })
}

func (f *Faulty) run(tx meta.Tx, fn func(meta.Tx) error) error {
	ftx := &faultyTx{tx: tx, f: f}
	if err := fn(ftx); err != nil {
		return err
	}
	return ftx.err
}

// faultyTx passes calls on to tx until one is to fail.
type faultyTx struct {
	tx  meta.Tx
	f   *Faulty
	err error
}

func (t *faultyTx) step() error {
	if t.err != nil {
		return t.err
	}
	t.f.mu.Lock()
	defer t.f.mu.Unlock()
	t.f.calls++
	if t.f.calls == t.f.FailCall {
		t.err = ErrInjected
	}
	return t.err
}

func do(t *faultyTx, fn func() error) error {
	if err := t.step(); err != nil {
		return err
	}
	return fn()
}

func ask[T any](t *faultyTx, fn func() (T, error)) (v T, err error) {
	if err := t.step(); err != nil {
		return v, err
	}
	return fn()
}
