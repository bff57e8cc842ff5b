package main

import (
	"context"
	"fmt"

	"boxcar/internal/daemon"
)

type tokenCmd struct {
	dataFlag `embed:""`
}

// Help is what boxcar token --help adds.
func (tokenCmd) Help() string {
	return `Takes back every developer token of the administrator and prints a new one. It goes into the file credentials of the data directory, too. A server that is running takes it at once.`
}

func (t tokenCmd) Run(ctx context.Context, io streams) error {
	token, err := daemon.ReplaceToken(ctx, t.Data)
	if err != nil {
		return err
	}
	fmt.Fprintln(io.Out, token)
	return nil
}
