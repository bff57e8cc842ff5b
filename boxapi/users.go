package boxapi

import (
	"encoding/json"
	"reflect"
)

// UserMini is a user as others name it.
type UserMini struct {
	Type  string `json:"type" box:"base"` // TypeUser
	ID    ID     `json:"id" box:"base"`
	Name  string `json:"name" box:"mini"`
	Login string `json:"login" box:"mini"` // an e-mail address
}

// User is a user with everything that a view may show. It is marshalled in its
// Standard form; View shows others.
type User struct {
	UserMini

	CreatedAt         Time               `json:"created_at" box:"standard"`
	ModifiedAt        Time               `json:"modified_at" box:"standard"`
	Language          string             `json:"language" box:"standard"`
	Timezone          string             `json:"timezone" box:"standard"`
	SpaceAmount       int64              `json:"space_amount" box:"standard"`    // bytes
	SpaceUsed         int64              `json:"space_used" box:"standard"`      // bytes
	MaxUploadSize     int64              `json:"max_upload_size" box:"standard"` // bytes
	Status            string             `json:"status" box:"standard"`
	JobTitle          string             `json:"job_title" box:"standard"`
	Phone             string             `json:"phone" box:"standard"`
	Address           string             `json:"address" box:"standard"`
	AvatarURL         string             `json:"avatar_url" box:"standard"`
	NotificationEmail *NotificationEmail `json:"notification_email" box:"standard"`

	Role                          string             `json:"role,omitzero" box:"full"` // "admin", "coadmin" or "user"
	TrackingCodes                 List[TrackingCode] `json:"tracking_codes" box:"full"`
	CanSeeManagedUsers            *bool              `json:"can_see_managed_users,omitzero" box:"full"`
	IsSyncEnabled                 *bool              `json:"is_sync_enabled,omitzero" box:"full"`
	IsExternalCollabRestricted    *bool              `json:"is_external_collab_restricted,omitzero" box:"full"`
	IsExemptFromDeviceLimits      *bool              `json:"is_exempt_from_device_limits,omitzero" box:"full"`
	IsExemptFromLoginVerification *bool              `json:"is_exempt_from_login_verification,omitzero" box:"full"`
	Enterprise                    *Enterprise        `json:"enterprise,omitzero" box:"full"`
	MyTags                        List[string]       `json:"my_tags" box:"full"`
	Hostname                      string             `json:"hostname,omitzero" box:"full"`
	IsPlatformAccessOnly          *bool              `json:"is_platform_access_only,omitzero" box:"full"`
	ExternalAppUserID             string             `json:"external_app_user_id,omitzero" box:"full"`
}

// MarshalJSON writes the Standard form.
func (u User) MarshalJSON() ([]byte, error) { return View{Level: LevelStandard}.Encode(u) }

// NotificationEmail is where else a user is written to.
type NotificationEmail struct {
	Email       string `json:"email"`
	IsConfirmed bool   `json:"is_confirmed"`
}

// TrackingCode is a label that an enterprise puts on a user.
type TrackingCode struct {
	Type  string `json:"type"` // "tracking_code"
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Enterprise is the organisation a user belongs to.
type Enterprise struct {
	Type string `json:"type"` // TypeEnterprise
	ID   ID     `json:"id"`
	Name string `json:"name"`
}

// Users is a page of a list of users, by offset.
type Users struct {
	TotalCount int    `json:"total_count"`
	Entries    []User `json:"entries" box:",items"`
	Limit      int    `json:"limit"` // as applied
	Offset     int    `json:"offset"`
}

// UsersByMarker is a page of a list of users, by marker.
type UsersByMarker struct {
	Entries    []User     `json:"entries" box:",items"`
	Limit      int        `json:"limit"`                // as applied
	NextMarker NullString `json:"next_marker,omitzero"` // absent on the last page
}

// UserChange is the body of POST /users and PUT /users/:id.
type UserChange struct {
	Name                          *string             `json:"name,omitzero"`
	Login                         *string             `json:"login,omitzero"`
	IsPlatformAccessOnly          *bool               `json:"is_platform_access_only,omitzero"`
	Role                          *string             `json:"role,omitzero"` // "coadmin" or "user"
	Language                      *string             `json:"language,omitzero"`
	IsSyncEnabled                 *bool               `json:"is_sync_enabled,omitzero"`
	JobTitle                      *string             `json:"job_title,omitzero"`
	Phone                         *string             `json:"phone,omitzero"`
	Address                       *string             `json:"address,omitzero"`
	SpaceAmount                   *int64              `json:"space_amount,omitzero"` // bytes; -1 is no limit
	TrackingCodes                 *List[TrackingCode] `json:"tracking_codes,omitzero"`
	CanSeeManagedUsers            *bool               `json:"can_see_managed_users,omitzero"`
	Timezone                      *string             `json:"timezone,omitzero"`
	IsExternalCollabRestricted    *bool               `json:"is_external_collab_restricted,omitzero"`
	IsExemptFromDeviceLimits      *bool               `json:"is_exempt_from_device_limits,omitzero"`
	IsExemptFromLoginVerification *bool               `json:"is_exempt_from_login_verification,omitzero"`
	Status                        *string             `json:"status,omitzero"`
	ExternalAppUserID             *string             `json:"external_app_user_id,omitzero"`
	NotificationEmail             NewAddress          `json:"notification_email,omitzero"`
}

// NewAddress is a notification_email to set. The zero NewAddress is an absent one.
type NewAddress struct {
	Given bool
	Email string // "" takes it away
}

// UnmarshalJSON accepts an object with an email, and null or an empty string,
// which take the address away.
func (a *NewAddress) UnmarshalJSON(data []byte) error {
	*a = NewAddress{Given: true}
	switch kind := kindOf(data); kind {
	case "null":
		return nil
	case "string":
		return json.Unmarshal(data, &a.Email)
	case "object":
		var n NotificationEmail
		err := json.Unmarshal(data, &n)
		a.Email = n.Email
		return err
	default:
		return &json.UnmarshalTypeError{Value: kind, Type: reflect.TypeFor[NewAddress]()}
	}
}

// MarshalJSON writes what UnmarshalJSON reads.
func (a NewAddress) MarshalJSON() ([]byte, error) {
	if a.Email == "" {
		return []byte("null"), nil
	}
	return EncodeJSON(struct {
		Email string `json:"email"`
	}{a.Email})
}
