package upload

import "context"

// Operation is something that a client asks for.
type Operation string

// The operations that are watched.
const (
	OpCreate Operation = "create"
	OpPart   Operation = "part"
	OpPlan   Operation = "plan"
	OpCommit Operation = "commit"
	OpAbort  Operation = "abort"
	OpSimple Operation = "simple" // a simple upload
)

// watch tells Config.Watch, if there is one.
func (s *Service) watch(ctx context.Context, what Operation) (context.Context, func(error)) {
	if s.Watch == nil {
		return ctx, func(error) {}
	}
	return s.Watch(ctx, what)
}

// Load is how busy a Service is.
type Load struct {
	Bodies  int // being taken in
	Waiting int // for a place
	Places  int // how many bodies there may be at once
}

// Load is how it is now.
func (s *Service) Load() Load {
	return Load{Bodies: len(s.places.free), Waiting: int(s.places.waiting.Load()), Places: cap(s.places.free)}
}
