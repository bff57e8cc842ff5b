package main

import (
	"context"
	"errors"

	"boxcar/client"
)

// each does something with each argument, also if it fails for some. What fails is
// reported at once; a misuse, and what will not get better, ends it.
func each(io streams, args []string, do func(string) error) error {
	failed := false
	for _, arg := range args {
		err := do(arg)
		var wrong misuse
		switch {
		case err == nil:
		case errors.As(err, &wrong), hopeless(err), len(args) == 1:
			return err
		default:
			failed = true
			complain(io, err)
		}
	}
	if failed {
		return errReported
	}
	return nil
}

// hopeless says whether an error is about the whole command, and not about the one
// thing that it was met with.
func hopeless(err error) bool {
	return errors.Is(err, client.ErrUnauthorized) || errors.Is(err, context.Canceled) || errors.Is(err, errInterrupted)
}
