package main

import "context"

// target is a kind of server.
type target struct {
	name string
	// start starts one with its data in dir. The size of parts is for those
	// that choose it themselves; 0 leaves it to them.
	start func(ctx context.Context, dir string, part int64) (*server, error)
	// sender makes a client for one, with up to conns connections.
	sender func(s *server, conns int) (sender, error)
}

// sender sends files in parts, each server by its own protocol.
type sender interface {
	begin(ctx context.Context, f *file, name string) (sending, error)
	close()
}

// sending is a file on its way. Parts may be sent at once and in any order.
// Each answer is compared with what was sent.
type sending interface {
	part(ctx context.Context, i int) error
}

// committer is a sending that becomes a file when it is told to.
type committer interface {
	commit(ctx context.Context) error
}
