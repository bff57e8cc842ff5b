package daemon

import (
	"context"
	"time"

	"boxcar/internal/auth"
	"boxcar/internal/content"
	"boxcar/internal/meta/sqlite"
	"boxcar/internal/sweep"
)

// What an Operator and Doctor speak of.
type (
	User       = content.User
	UserStatus = content.UserStatus
	UserChange = auth.UserChange
	App        = auth.App
	AppChange  = auth.AppChange
	AppConfig  = auth.AppConfig
	Health     = sweep.Report
)

// AllGrants are what an application may be allowed to ask for tokens with.
var AllGrants = auth.AllGrants

// Operator works on the users, applications and tokens of a data directory, as
// its administrator. A server may be using the directory: what changes counts
// for it at once.
type Operator struct {
	*auth.Service
	who  content.Principal
	dir  string
	rows *sqlite.Store
}

// Operate opens a data directory that is there already.
func Operate(ctx context.Context, dir string) (*Operator, error) {
	cfg, rows, _, err := beside(dir, sqlite.Options{Beside: true})
	if err != nil {
		return nil, err
	}
	o := &Operator{Service: &auth.Service{Meta: rows, Now: cfg.Now, NewID: cfg.NewID, Random: cfg.Random}, dir: dir, rows: rows}
	if o.who, err = o.Operator(ctx); err != nil {
		rows.Close()
		return nil, err
	}
	return o, nil
}

// Close lets go of the directory.
func (o *Operator) Close() error { return o.rows.Close() }

// AddUser makes a user.
func (o *Operator) AddUser(ctx context.Context, c UserChange) (User, error) {
	return o.Service.AddUser(ctx, o.who, c)
}

// ChangeUser changes the user with a login.
func (o *Operator) ChangeUser(ctx context.Context, login string, c UserChange) (User, error) {
	u, err := o.UserByLogin(ctx, login)
	if err != nil {
		return u, err
	}
	return o.Service.ChangeUser(ctx, o.who, u.ID, c)
}

// DeleteUser deletes the user with a login. What the user owned goes with force
// only; the server clears it away in time.
func (o *Operator) DeleteUser(ctx context.Context, login string, force bool) error {
	u, err := o.UserByLogin(ctx, login)
	if err != nil {
		return err
	}
	return o.Service.DeleteUser(ctx, o.who, u.ID, force)
}

// Users calls each for all users, in order of id.
func (o *Operator) Users(ctx context.Context, each func(User) error) error {
	page := auth.UserPage{Limit: 500}
	for {
		l, err := o.Service.Users(ctx, o.who, page)
		if err != nil {
			return err
		}
		for _, u := range l.Users {
			if err := each(u); err != nil {
				return err
			}
		}
		if l.Next == 0 {
			return nil
		}
		page.After = l.Next
	}
}

// NewToken makes a developer token for the user with a login, "" for the
// administrator. If life is 0 it takes all the user's others back, and is good until it is
// taken back itself; the administrator's goes into the file of credentials, too.
func (o *Operator) NewToken(ctx context.Context, login string, life time.Duration) (string, error) {
	id := o.who.User
	if login != "" {
		u, err := o.UserByLogin(ctx, login)
		if err != nil {
			return "", err
		}
		id = u.ID
	}
	if life != 0 {
		return o.Issue(ctx, id, life)
	}
	token, err := o.Replace(ctx, id)
	if err == nil && id == o.who.User {
		err = replaceToken(o.dir, token)
	}
	return token, err
}
