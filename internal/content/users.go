package content

// UserStatus is what an account is good for.
type UserStatus string

const (
	UserActive   UserStatus = "active"
	UserInactive UserStatus = "inactive" // no token of it works
	// UserReadsAndUploads may not delete or edit what is there.
	UserReadsAndUploads UserStatus = "cannot_delete_edit"
	UserReads           UserStatus = "cannot_delete_edit_upload"
)

// Known says whether there is such a status.
func (s UserStatus) Known() bool {
	switch s {
	case UserActive, UserInactive, UserReadsAndUploads, UserReads:
		return true
	}
	return false
}

// allows is what an account's status leaves of its rights.
func (s UserStatus) allows(do Action) bool {
	switch do {
	case Rename, Delete, Lock:
		return s != UserReadsAndUploads && s != UserReads
	case Upload:
		return s != UserReads
	}
	return true
}

// Live says whether the user is there and may come in.
func (u User) Live() bool { return u.DeletedAt.IsZero() && u.Status != UserInactive }

// Profile is what is kept of a user, and decides nothing.
type Profile struct {
	JobTitle          string         `json:",omitzero"`
	Phone             string         `json:",omitzero"`
	Address           string         `json:",omitzero"`
	Timezone          string         `json:",omitzero"`
	Language          string         `json:",omitzero"`
	NotificationEmail string         `json:",omitzero"`
	TrackingCodes     []TrackingCode `json:",omitzero"`

	// Off unless somebody sets them.
	SeesManagedUsers            bool `json:",omitzero"`
	SyncEnabled                 bool `json:",omitzero"`
	ExternalCollabRestricted    bool `json:",omitzero"`
	ExemptFromDeviceLimits      bool `json:",omitzero"`
	ExemptFromLoginVerification bool `json:",omitzero"`
}

// TrackingCode is a label that an enterprise puts on a user.
type TrackingCode struct{ Name, Value string }

// Within says whether a token with the scope may be exchanged for one with
// the narrower scope s.
func (s Scope) Within(wider Scope) bool {
	if s == wider {
		return true
	}
	switch s {
	case ScopeItemPreview, ScopeItemDownload, ScopeItemUpload, ScopeItemRename, ScopeItemDelete, ScopeItemShare, ScopeItemReadWrite:
	default:
		return false // others bring more than what they allow on items
	}
	has := map[Action]bool{}
	for _, a := range scoped[wider] {
		has[a] = true
	}
	for _, a := range scoped[s] {
		if !has[a] {
			return false
		}
	}
	return true
}
