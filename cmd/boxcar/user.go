package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"

	"boxcar/internal/daemon"
)

type userCmd struct {
	Add      userAddCmd      `cmd:"" help:"Add a user and print the id."`
	List     userListCmd     `cmd:"" help:"List all users."`
	Set      userSetCmd      `cmd:"" help:"Change a user."`
	Password userPasswordCmd `cmd:"" help:"Set a user's password."`
	Delete   userDeleteCmd   `cmd:"" help:"Delete a user."`
}

type loginArg struct {
	Login string `arg:"" help:"The user's login, an e-mail address."`
}

// userFlags are what add and set have both.
type userFlags struct {
	Name  *string `placeholder:"NAME" help:"What the user is called."`
	Admin *bool   `negatable:"" help:"May see and change all users, and act as them."`
	Quota *int64  `placeholder:"BYTES" help:"How much the user may store; 0 is no limit."`
}

// Validate refuses what can't be.
func (f userFlags) Validate() error {
	if f.Quota != nil && *f.Quota < 0 {
		return fmt.Errorf("quota %d is negative", *f.Quota)
	}
	return nil
}

func (f userFlags) change() daemon.UserChange {
	return daemon.UserChange{Name: f.Name, Admin: f.Admin, Quota: f.Quota}
}

type userAddCmd struct {
	dataFlag `embed:""`
	jsonFlag
	loginArg `embed:""`
	userFlags
	GeneratePassword bool `help:"Make up a password, and print it on a second line."`
}

// Help is what boxcar user add --help adds.
func (userAddCmd) Help() string {
	return `Without a password nobody logs in as the user: there are only tokens. "boxcar user password" sets one later.`
}

func (c userAddCmd) Run(ctx context.Context, io streams) error {
	change := c.change()
	change.Login = &c.Login
	if change.Name == nil {
		name, _, _ := strings.Cut(c.Login, "@")
		change.Name = &name
	}
	return operate(ctx, c.Data, func(o *daemon.Operator) error {
		u, err := o.AddUser(ctx, change)
		if err != nil {
			return err
		}
		password := ""
		if c.GeneratePassword {
			password = o.NewPassword()
			if err := o.SetPassword(ctx, u.ID, password); err != nil {
				return fmt.Errorf("user %s is there, and has no password: %w", u.ID, err)
			}
		}
		if c.JSON {
			r := recordOfUser(u)
			r.Password = password
			return writeJSON(io.Out, r)
		}
		fmt.Fprintln(io.Out, u.ID)
		if c.GeneratePassword {
			fmt.Fprintln(io.Out, password)
		}
		return nil
	})
}

// ownRecord is a user of a data directory as --json tells it.
type ownRecord struct {
	ID       string `json:"id"`
	Login    string `json:"login"`
	Name     string `json:"name"`
	Role     string `json:"role"`
	Status   string `json:"status"`
	Used     int64  `json:"used"`  // bytes
	Quota    int64  `json:"quota"` // bytes; 0: none
	Password string `json:"password,omitzero"`
}

func recordOfUser(u daemon.User) ownRecord {
	role := "user"
	switch {
	case u.Admin && u.AppUser:
		role = "service"
	case u.Admin:
		role = "admin"
	case u.AppUser:
		role = "app user"
	}
	return ownRecord{ID: u.ID.String(), Login: u.Login, Name: u.Name, Role: role, Status: string(u.Status), Used: u.Used, Quota: max(0, u.Quota)}
}

type userListCmd struct {
	dataFlag `embed:""`
	jsonFlag
}

func (c userListCmd) Run(ctx context.Context, io streams) error {
	return operate(ctx, c.Data, func(o *daemon.Operator) error {
		w := tabwriter.NewWriter(io.Out, 0, 0, 2, ' ', 0)
		if !c.JSON {
			fmt.Fprintln(w, "ID\tLOGIN\tROLE\tSTATUS\tBYTES\tOF\tNAME")
		}
		err := o.Users(ctx, func(u daemon.User) error {
			r, of := recordOfUser(u), "-"
			if c.JSON {
				return writeJSON(io.Out, r)
			}
			if u.Quota != 0 {
				of = fmt.Sprint(r.Quota)
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%s\t%s\n", r.ID, r.Login, r.Role, r.Status, r.Used, of, r.Name)
			return nil
		})
		if err != nil {
			return err
		}
		return w.Flush()
	})
}

type userSetCmd struct {
	dataFlag `embed:""`
	loginArg `embed:""`
	userFlags
	NewLogin *string            `placeholder:"LOGIN" help:"Another login."`
	Status   *daemon.UserStatus `placeholder:"STATUS" enum:"active,inactive,cannot_delete_edit,cannot_delete_edit_upload" help:"What the account is good for: ${enum}."`
}

func (c userSetCmd) Run(ctx context.Context) error {
	change := c.change()
	change.Login, change.Status = c.NewLogin, c.Status
	return operate(ctx, c.Data, func(o *daemon.Operator) error {
		_, err := o.ChangeUser(ctx, c.Login, change)
		return err
	})
}

type userPasswordCmd struct {
	dataFlag `embed:""`
	jsonFlag
	loginArg `embed:""`
	Generate bool `xor:"how" help:"Make one up, and print it."`
	Remove   bool `xor:"how" help:"Take it away: nobody logs in as the user then."`
}

// Help is what boxcar user password --help adds.
func (userPasswordCmd) Help() string {
	return `Asks for the password on a terminal, and otherwise reads it from the first line of the standard input.`
}

func (c userPasswordCmd) Run(ctx context.Context, s streams) error {
	return operate(ctx, c.Data, func(o *daemon.Operator) error {
		u, err := o.UserByLogin(ctx, c.Login)
		if err != nil {
			return err
		}
		password := ""
		switch {
		case c.Remove:
		case c.Generate:
			password = o.NewPassword()
		default:
			if password, err = askNew(s, "password"); err != nil {
				return err
			}
		}
		if err := o.SetPassword(ctx, u.ID, password); err != nil {
			return err
		}
		switch {
		case c.JSON:
			r := recordOfUser(u)
			if c.Generate {
				r.Password = password
			}
			return writeJSON(s.Out, r)
		case c.Generate:
			fmt.Fprintln(s.Out, password)
		}
		return nil
	})
}

type userDeleteCmd struct {
	dataFlag `embed:""`
	loginArg `embed:""`
	Force    bool `help:"Also if the user owns files or folders: they are deleted as well."`
}

// Help is what boxcar user delete --help adds.
func (userDeleteCmd) Help() string {
	return `The user and what the user owned can't be seen any more at once; the server's next sweep clears it away.`
}

func (c userDeleteCmd) Run(ctx context.Context) error {
	return operate(ctx, c.Data, func(o *daemon.Operator) error { return o.DeleteUser(ctx, c.Login, c.Force) })
}
