package main

import (
	"context"
	"fmt"
	"time"

	"boxcar/internal/daemon"
)

type tokenCmd struct {
	dataFlag `embed:""`
	jsonFlag
	User string        `placeholder:"LOGIN" help:"For this user, not for the administrator."`
	Life time.Duration `placeholder:"DURATION" help:"Good for so long, such as 1h30m; others stay as they are."`
}

// Help is what boxcar token --help adds.
func (tokenCmd) Help() string {
	return `Takes back every developer token of the user and prints a new one, which is good until it is taken back itself. The administrator's goes into the file credentials of the data directory, too. With --life it takes nothing back. A server that is running takes it at once.`
}

// Validate refuses what would have expired before it is made.
func (t tokenCmd) Validate() error {
	if t.Life < 0 {
		return fmt.Errorf("a life of %s is over before it begins", t.Life)
	}
	return nil
}

func (t tokenCmd) Run(ctx context.Context, io streams) error {
	return operate(ctx, t.Data, func(o *daemon.Operator) error {
		token, err := o.NewToken(ctx, t.User, t.Life)
		if err != nil {
			return err
		}
		if t.JSON {
			return writeJSON(io.Out, struct {
				Token string `json:"token"`
			}{token})
		}
		fmt.Fprintln(io.Out, token)
		return nil
	})
}

// operate works on a data directory.
func operate(ctx context.Context, data string, do func(*daemon.Operator) error) (err error) {
	o, err := daemon.Operate(ctx, data)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := o.Close(); err == nil {
			err = cerr
		}
	}()
	return do(o)
}
