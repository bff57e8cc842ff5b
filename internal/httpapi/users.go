package httpapi

import (
	"encoding/base64"
	"log/slog"
	"net/http"
	"strings"

	"boxcar/boxapi"
	"boxcar/internal/auth"
	"boxcar/internal/content"
)

// unlimited is what Box says for accounts without a quota.
const unlimited = 999_999_999_999_999 // bytes

func (s *Server) user(c *call, u content.User) boxapi.User {
	p := u.Profile
	role := "user"
	switch {
	case u.Admin && u.AppUser: // a service account
		role = "coadmin"
	case u.Admin:
		role = "admin"
	}
	out := boxapi.User{
		UserMini:      userMini(u.Person),
		CreatedAt:     boxapi.Time{Time: u.CreatedAt},
		ModifiedAt:    boxapi.Time{Time: u.ModifiedAt},
		Language:      orElse(p.Language, "en"),
		Timezone:      orElse(p.Timezone, "UTC"),
		SpaceAmount:   max(0, u.Quota),
		SpaceUsed:     u.Used,
		MaxUploadSize: s.Tree.MaxFileSize,
		Status:        orElse(string(u.Status), string(content.UserActive)),
		JobTitle:      p.JobTitle,
		Phone:         p.Phone,
		Address:       p.Address,

		Role:                          role,
		CanSeeManagedUsers:            &p.SeesManagedUsers,
		IsSyncEnabled:                 &p.SyncEnabled,
		IsExternalCollabRestricted:    &p.ExternalCollabRestricted,
		IsExemptFromDeviceLimits:      &p.ExemptFromDeviceLimits,
		IsExemptFromLoginVerification: &p.ExemptFromLoginVerification,
		Enterprise:                    &boxapi.Enterprise{Type: boxapi.TypeEnterprise, ID: wireID(u.Enterprise.ID), Name: u.Enterprise.Name},
		Hostname:                      s.origins(c.Request).app() + "/",
		IsPlatformAccessOnly:          &u.AppUser,
		ExternalAppUserID:             u.ExternalID,
	}
	if u.Quota == 0 {
		out.SpaceAmount = unlimited
	}
	if p.NotificationEmail != "" {
		out.NotificationEmail = &boxapi.NotificationEmail{Email: p.NotificationEmail, IsConfirmed: true}
	}
	for _, t := range p.TrackingCodes {
		out.TrackingCodes = append(out.TrackingCodes, boxapi.TrackingCode{Type: "tracking_code", Name: t.Name, Value: t.Value})
	}
	return out
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// getMe handles GET /users/me.
func (s *Server) getMe(c *call) error { return s.userByID(c, c.who.User) }

// getUser handles GET /users/:user.
func (s *Server) getUser(c *call) error {
	id, err := c.id("user")
	if err != nil {
		return err
	}
	return s.userByID(c, id)
}

func (s *Server) userByID(c *call, id content.ID) error {
	u, err := s.Auth.User(c.Context(), c.who, id)
	if err != nil {
		return err
	}
	return s.userReply(c, http.StatusOK, u)
}

func (s *Server) userReply(c *call, status int, u content.User) error {
	view := boxapi.View{Level: boxapi.LevelStandard, Fields: c.fields()}
	return s.write(c, status, view.Show(s.user(c, u)))
}

// createUser handles POST /users.
func (s *Server) createUser(c *call) error {
	change, err := s.userChange(c)
	if err != nil {
		return err
	}
	u, err := s.Auth.AddUser(c.Context(), c.who, change)
	if err != nil {
		return err
	}
	c.note(slog.String("created", u.ID.String()))
	return s.userReply(c, http.StatusCreated, u)
}

// changeUser handles PUT /users/:user.
func (s *Server) changeUser(c *call) error {
	id, err := c.id("user")
	if err != nil {
		return err
	}
	change, err := s.userChange(c)
	if err != nil {
		return err
	}
	u, err := s.Auth.ChangeUser(c.Context(), c.who, id, change)
	if err != nil {
		return err
	}
	return s.userReply(c, http.StatusOK, u)
}

// userChange reads what is to become of a user.
func (s *Server) userChange(c *call) (change auth.UserChange, err error) {
	var b boxapi.UserChange
	if err := c.decode(s.Limits.JSONBody, &b); err != nil {
		return change, err
	}
	change = auth.UserChange{
		AppUser: b.IsPlatformAccessOnly != nil && *b.IsPlatformAccessOnly,
		Name:    b.Name, Login: b.Login, ExternalID: b.ExternalAppUserID,
		JobTitle: b.JobTitle, Phone: b.Phone, Address: b.Address, Timezone: b.Timezone, Language: b.Language,
		SeesManagedUsers: b.CanSeeManagedUsers, SyncEnabled: b.IsSyncEnabled, ExternalCollabRestricted: b.IsExternalCollabRestricted,
		ExemptFromDeviceLimits: b.IsExemptFromDeviceLimits, ExemptFromLoginVerification: b.IsExemptFromLoginVerification,
	}
	if b.NotificationEmail.Given {
		change.NotificationEmail = &b.NotificationEmail.Email
	}
	if b.Status != nil {
		status := content.UserStatus(*b.Status)
		change.Status = &status
	}
	if b.Role != nil {
		var admin bool
		switch strings.ToLower(*b.Role) {
		case "admin", "coadmin":
			admin = true
		case "user":
		default:
			return change, content.Errorf(content.BadRequest, "role can be coadmin or user, not %.40q", *b.Role)
		}
		change.Admin = &admin
	}
	if b.SpaceAmount != nil {
		quota := *b.SpaceAmount
		switch {
		case quota == -1 || quota >= unlimited:
			quota = 0
		case quota == 0:
			quota = -1
		case quota < 0:
			return change, content.Errorf(content.BadRequest, "space_amount must be a number of bytes, or -1 for no limit, not %d", quota)
		}
		change.Quota = &quota
	}
	if b.TrackingCodes != nil {
		codes := []content.TrackingCode{}
		for _, t := range *b.TrackingCodes {
			codes = append(codes, content.TrackingCode{Name: t.Name, Value: t.Value})
		}
		change.TrackingCodes = &codes
	}
	return change, nil
}

// deleteUser handles DELETE /users/:user.
func (s *Server) deleteUser(c *call) error {
	id, err := c.id("user")
	if err != nil {
		return err
	}
	if err := s.Auth.DeleteUser(c.Context(), c.who, id, strings.EqualFold(c.query("force"), "true")); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// listUsers handles GET /users.
func (s *Server) listUsers(c *call) error {
	offset, limit, err := c.page(defaultLimit, maxLimit, maxOffset)
	if err != nil {
		return err
	}
	page := auth.UserPage{
		Prefix: c.query("filter_term"), External: strings.EqualFold(c.query("user_type"), "external"),
		ExternalID: c.query("external_app_user_id"), Offset: offset, Limit: int(limit),
	}
	byMarker := strings.EqualFold(c.query("usemarker"), "true")
	if byMarker {
		page.Offset = 0
		if page.After, err = parseUserMark(c.query("marker")); err != nil {
			return err
		}
	}
	l, err := s.Auth.Users(c.Context(), c.who, page)
	if err != nil {
		return err
	}
	entries := make([]boxapi.User, 0, len(l.Users))
	for _, u := range l.Users {
		entries = append(entries, s.user(c, u))
	}
	view := boxapi.View{Level: boxapi.LevelStandard, Fields: c.fields()}
	if byMarker {
		return s.write(c, http.StatusOK, view.Show(boxapi.UsersByMarker{Entries: entries, Limit: page.Limit, NextMarker: formatUserMark(l.Next)}))
	}
	return s.write(c, http.StatusOK, view.Show(boxapi.Users{
		TotalCount: int(l.Total), Entries: entries, Limit: page.Limit, Offset: int(page.Offset),
	}))
}

// A marker in a list of users is the last one's id, in a form that invites nobody to make one.
func formatUserMark(id content.ID) boxapi.NullString {
	if id == 0 {
		return ""
	}
	return boxapi.NullString(base64.RawURLEncoding.EncodeToString([]byte("user " + id.String())))
}

func parseUserMark(text string) (content.ID, error) {
	if text == "" || text == "0" {
		return 0, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		if number, ok := strings.CutPrefix(string(b), "user "); ok {
			if id, err := content.ParseID(number); err == nil {
				return id, nil
			}
		}
	}
	return 0, content.Errorf(content.BadRequest, "marker %.80q is not one that this server gave out", text)
}
