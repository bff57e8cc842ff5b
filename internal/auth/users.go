package auth

import (
	"context"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"boxcar/internal/content"
	"boxcar/internal/meta"
)

// CreateUser adds a user of the administrator's enterprise, with a root folder.
// quota is in bytes; 0 is no limit. It returns a content.LoginTaken error if somebody has the login.
func (s *Service) CreateUser(ctx context.Context, name, login string, quota int64) (user content.User, err error) {
	who, err := s.Operator(ctx)
	if err != nil {
		return user, err
	}
	return s.AddUser(ctx, who, UserChange{Name: &name, Login: &login, Quota: &quota})
}

// insertUser gives a user a root folder and dates.
func (s *Service) insertUser(tx meta.Tx, u content.User) (content.User, error) {
	now := s.Now()
	u.Root = s.NewID()
	u.CreatedAt, u.ModifiedAt = now, now
	if u.Status == "" {
		u.Status = content.UserActive
	}
	if err := tx.InsertUser(u); err != nil {
		return u, err
	}
	const name = "All Files"
	return u, tx.InsertItem(meta.Item{
		ID: u.Root, Kind: meta.Folder, Name: name, Key: content.NameKey(name),
		CreatedAt: now, ModifiedAt: now, ContentCreatedAt: now, ContentModifiedAt: now,
		CreatedBy: u.ID, ModifiedBy: u.ID, Owner: u.ID,
	})
}

// User gets an account: the caller's own, or any for an administrator. Others
// do not exist for the caller.
func (s *Service) User(ctx context.Context, who content.Principal, id content.ID) (user content.User, err error) {
	err = s.Meta.View(ctx, func(tx meta.Tx) error {
		user, err = s.visible(tx, who, id)
		return err
	})
	return user, err
}

func (s *Service) visible(tx meta.Tx, who content.Principal, id content.ID) (u content.User, err error) {
	gone := content.Errorf(content.NotFound, "there is no user %s, or you may not see it", id)
	if id != who.User && content.AllowRight(who, content.AdministerUsers) != nil {
		return u, gone
	}
	u, err = tx.User(id)
	if content.Is(err, content.NotFound) || err == nil && (!u.DeletedAt.IsZero() || u.Enterprise.ID != who.Enterprise) {
		return content.User{}, gone
	}
	return u, err
}

// UserChange is what may be said of a user; what is nil stays as it is, or
// takes its default.
type UserChange struct {
	AppUser bool // new ones only: has no login of its own, and no password

	Login      *string
	Admin      *bool
	Status     *content.UserStatus
	Quota      *int64 // as in content.User
	ExternalID *string

	TrackingCodes               *[]content.TrackingCode
	SeesManagedUsers            *bool
	SyncEnabled                 *bool
	ExternalCollabRestricted    *bool
	ExemptFromDeviceLimits      *bool
	ExemptFromLoginVerification *bool

	// What users may change of themselves.
	Name, JobTitle, Phone, Address, Timezone, Language, NotificationEmail *string
}

// own says whether users may make the change to themselves.
func (c UserChange) own() bool {
	return c.Login == nil && c.Admin == nil && c.Status == nil && c.Quota == nil && c.ExternalID == nil && c.TrackingCodes == nil &&
		c.SeesManagedUsers == nil && c.SyncEnabled == nil && c.ExternalCollabRestricted == nil &&
		c.ExemptFromDeviceLimits == nil && c.ExemptFromLoginVerification == nil
}

const (
	maxLogin         = 254 // bytes, as of an e-mail address
	maxProfile       = 255 // characters of a field
	maxTrackingCodes = 100
)

// apply makes the change to u.
func (c UserChange) apply(u *content.User) error {
	p := &u.Profile
	for _, f := range []struct {
		name string
		from *string
		to   *string
	}{
		{"name", c.Name, &u.Name}, {"external_app_user_id", c.ExternalID, &u.ExternalID},
		{"job_title", c.JobTitle, &p.JobTitle}, {"phone", c.Phone, &p.Phone}, {"address", c.Address, &p.Address},
		{"timezone", c.Timezone, &p.Timezone}, {"language", c.Language, &p.Language},
		{"notification_email", c.NotificationEmail, &p.NotificationEmail},
	} {
		if f.from == nil {
			continue
		}
		if n := utf8.RuneCountInString(*f.from); n > maxProfile || !utf8.ValidString(*f.from) {
			return content.Errorf(content.BadRequest, "%s can have %d characters, not %d", f.name, maxProfile, n)
		}
		*f.to = *f.from
	}
	if strings.TrimSpace(u.Name) == "" {
		return content.Errorf(content.BadRequest, "name is missing")
	}
	if c.Login != nil {
		if err := checkLogin(*c.Login); err != nil {
			return err
		}
		u.Login = *c.Login
	}
	if e := p.NotificationEmail; e != "" {
		if err := checkLogin(e); err != nil {
			return content.Errorf(content.BadRequest, "notification_email must be an e-mail address, not %.40q", e)
		}
	}
	if c.Status != nil {
		if !c.Status.Known() {
			return content.Errorf(content.BadRequest, "status can be active, inactive, cannot_delete_edit or cannot_delete_edit_upload, not %.40q", *c.Status)
		}
		u.Status = *c.Status
	}
	if c.TrackingCodes != nil {
		if n := len(*c.TrackingCodes); n > maxTrackingCodes {
			return content.Errorf(content.BadRequest, "there can be %d tracking_codes, not %d", maxTrackingCodes, n)
		}
		p.TrackingCodes = *c.TrackingCodes
	}
	set(&u.Admin, c.Admin)
	set(&u.Quota, c.Quota)
	set(&p.SeesManagedUsers, c.SeesManagedUsers)
	set(&p.SyncEnabled, c.SyncEnabled)
	set(&p.ExternalCollabRestricted, c.ExternalCollabRestricted)
	set(&p.ExemptFromDeviceLimits, c.ExemptFromDeviceLimits)
	set(&p.ExemptFromLoginVerification, c.ExemptFromLoginVerification)
	return nil
}

func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

// checkLogin accepts what has the outline of an e-mail address.
func checkLogin(login string) error {
	local, domain, ok := strings.Cut(login, "@")
	odd := func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) || r == '<' || r == '>' }
	if !ok || local == "" || domain == "" || len(login) > maxLogin || !utf8.ValidString(login) || strings.ContainsFunc(login, odd) {
		return content.Errorf(content.BadRequest, "login must be an e-mail address, not %.40q", login)
	}
	return nil
}

// AddUser makes a user of the caller's enterprise, with a root folder.
// It returns a content.LoginTaken error if somebody has the login.
func (s *Service) AddUser(ctx context.Context, who content.Principal, c UserChange) (user content.User, err error) {
	if err := content.AllowRight(who, content.AdministerUsers); err != nil {
		return user, err
	}
	id := s.NewID()
	if c.AppUser && c.Login == nil {
		login := "AppUser_" + id.String() + "@" + ownDomain
		c.Login = &login
	}
	if c.Login == nil {
		return user, content.Errorf(content.BadRequest, "login is missing")
	}
	u := content.User{Person: content.Person{ID: id}, AppUser: c.AppUser, Status: content.UserActive}
	u.Profile.SyncEnabled = true
	if err := c.apply(&u); err != nil {
		return user, err
	}
	err = s.Meta.Update(ctx, func(tx meta.Tx) error {
		me, err := tx.User(who.User)
		if err != nil {
			return err
		}
		u.Enterprise = me.Enterprise
		if user, err = s.insertUser(tx, u); err != nil {
			return err
		}
		return s.record(tx, who, user.CreatedAt, content.NewUser, user.Person)
	})
	return user, err
}

// record notes what was done to a user.
func (s *Service) record(tx meta.Tx, who content.Principal, now time.Time, what content.EventType, user content.Person) error {
	e := meta.Event{Type: what, At: now, By: who.User, User: user, Item: meta.Item{Owner: user.ID}}
	s.Random(e.ID[:])
	return tx.AppendEvent(e)
}

// ownDomain is that of logins that nobody chose.
const ownDomain = "boxcar.example"

// ChangeUser changes a user: an administrator any, others some of themselves.
func (s *Service) ChangeUser(ctx context.Context, who content.Principal, id content.ID, c UserChange) (user content.User, err error) {
	admin := content.AllowRight(who, content.AdministerUsers)
	if admin != nil && (id != who.User || who.Scoped || !c.own()) {
		return user, admin
	}
	err = s.Meta.Update(ctx, func(tx meta.Tx) error {
		u, err := s.visible(tx, who, id)
		if err != nil {
			return err
		}
		if err := c.apply(&u); err != nil {
			return err
		}
		first, err := administrator(tx)
		if err != nil {
			return err
		}
		if id == first && (!u.Admin || u.Status != content.UserActive) {
			return content.Errorf(content.AccessDenied, "the first administrator stays an active administrator")
		}
		if id == who.Actor && !u.Live() {
			return content.Errorf(content.AccessDenied, "you may not make yourself inactive")
		}
		u.ModifiedAt = s.Now()
		user = u
		if err := tx.UpdateUser(u); err != nil {
			return err
		}
		return s.record(tx, who, u.ModifiedAt, content.EditUser, u.Person)
	})
	return user, err
}

// DeleteUser deletes a user, at once for everybody; what the user owned is cleared
// away by the sweep. Without force a user who owns items is a content.UserNotEmpty error.
func (s *Service) DeleteUser(ctx context.Context, who content.Principal, id content.ID, force bool) error {
	if err := content.AllowRight(who, content.AdministerUsers); err != nil {
		return err
	}
	return s.Meta.Update(ctx, func(tx meta.Tx) error {
		u, err := s.visible(tx, who, id)
		if err != nil {
			return err
		}
		first, err := administrator(tx)
		if err != nil {
			return err
		}
		if id == first || id == who.Actor {
			return content.Errorf(content.AccessDenied, "neither yourself nor the first administrator can be deleted")
		}
		if !force {
			some, err := tx.Children(u.Root, 1)
			if err != nil {
				return err
			}
			if len(some) > 0 {
				return content.Errorf(content.UserNotEmpty, "the user owns items, also in the trash: with force=true they are deleted as well")
			}
		}
		now := s.Now()
		root, err := tx.Item(u.Root)
		if err != nil {
			return err
		}
		root.TrashedAt = now // and so all that is in it is gone, for those with a link to it, too
		if err := tx.UpdateItem(root); err != nil {
			return err
		}
		if err := tx.DeleteUser(id, now); err != nil {
			return err
		}
		return s.record(tx, who, now, content.DeleteUser, u.Person)
	})
}

// UserPage is a part of a list of users.
type UserPage struct {
	Prefix     string // of name or login, in any case
	External   bool   // only who is not of the enterprise: nobody yet
	ExternalID string

	After  content.ID // goes on behind that one; Offset is then 0
	Offset int64
	Limit  int
}

// UserList is the users of a page.
type UserList struct {
	Users []content.User
	Total int64
	Next  content.ID // After of the next page; 0 at the end
}

// Users lists an administrator the enterprise's users, and others themselves.
func (s *Service) Users(ctx context.Context, who content.Principal, page UserPage) (l UserList, err error) {
	q := meta.UserQuery{Prefix: page.Prefix, ExternalID: page.ExternalID, After: page.After, Offset: page.Offset, Limit: page.Limit + 1}
	if content.AllowRight(who, content.AdministerUsers) != nil {
		q.Only = who.User
	}
	if page.External {
		return l, nil
	}
	err = s.Meta.View(ctx, func(tx meta.Tx) error {
		if l.Total, err = tx.CountUsers(q); err != nil {
			return err
		}
		l.Users, err = tx.FindUsers(q)
		return err
	})
	if len(l.Users) > page.Limit {
		l.Users = l.Users[:page.Limit]
		l.Next = l.Users[page.Limit-1].ID
	}
	return l, err
}

// UserByLogin is for the command line.
func (s *Service) UserByLogin(ctx context.Context, login string) (user content.User, err error) {
	err = s.Meta.View(ctx, func(tx meta.Tx) error {
		user, err = tx.UserByLogin(login)
		return err
	})
	return user, err
}
