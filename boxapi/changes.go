package boxapi

import (
	"encoding/json"
)

// Nullable is a key of a request where null says something else than nothing:
// take the lock off, remove the link. The zero Nullable is an absent key.
type Nullable[T any] struct {
	Given bool // the key was there
	Value *T   // nil for null
}

// NullableOf is the Nullable that has a value.
func NullableOf[T any](v T) Nullable[T] { return Nullable[T]{Given: true, Value: &v} }

// Null is the Nullable that is null.
func Null[T any]() Nullable[T] { return Nullable[T]{Given: true} }

// IsZero says whether the key is absent.
func (n Nullable[T]) IsZero() bool { return !n.Given }

// UnmarshalJSON accepts null, and what T accepts.
func (n *Nullable[T]) UnmarshalJSON(data []byte) error {
	*n = Nullable[T]{Given: true}
	if kindOf(data) == "null" {
		return nil
	}
	n.Value = new(T)
	return json.Unmarshal(data, n.Value)
}

// MarshalJSON writes the value, or null.
func (n Nullable[T]) MarshalJSON() ([]byte, error) {
	if n.Value == nil {
		return []byte("null"), nil
	}
	return EncodeJSON(*n.Value)
}

// UpdateItem is what the bodies of PUT /files/:id, /folders/:id and
// /web_links/:id have in common. Absent keys stay as they are.
type UpdateItem struct {
	Name        *Name                      `json:"name,omitzero"`
	Parent      *Ref                       `json:"parent,omitzero"`
	Description *string                    `json:"description,omitzero"`
	SharedLink  Nullable[UpdateSharedLink] `json:"shared_link,omitzero"` // null removes it, {} makes one
	Tags        Nullable[[]string]         `json:"tags,omitzero"`        // null is []
	Collections Nullable[[]Ref]            `json:"collections,omitzero"` // null is []

	// Box's description does not list these for changes, but rclone sends them.
	ContentCreatedAt  Time `json:"content_created_at,omitzero"` // zero if absent
	ContentModifiedAt Time `json:"content_modified_at,omitzero"`
}

// UpdateFile is the body of PUT /files/:id.
type UpdateFile struct {
	UpdateItem
	Lock Nullable[UpdateLock] `json:"lock,omitzero"` // null takes it off
}

// UpdateFolder is the body of PUT /folders/:id.
type UpdateFolder struct {
	UpdateItem
	FolderOptions
}

// UpdateWebLink is the body of PUT /web_links/:id.
type UpdateWebLink struct {
	UpdateItem
	URL *string `json:"url,omitzero"`
}

// FolderOptions are keys that both the creation and the change of a folder may have.
type FolderOptions struct {
	SyncState                             *string                     `json:"sync_state,omitzero"`
	FolderUploadEmail                     Nullable[UpdateUploadEmail] `json:"folder_upload_email,omitzero"` // null takes it away
	CanNonOwnersInvite                    *bool                       `json:"can_non_owners_invite,omitzero"`
	CanNonOwnersViewCollaborators         *bool                       `json:"can_non_owners_view_collaborators,omitzero"`
	IsCollaborationRestrictedToEnterprise *bool                       `json:"is_collaboration_restricted_to_enterprise,omitzero"`
}

// UpdateUploadEmail says who may mail files to a folder.
type UpdateUploadEmail struct {
	Access string `json:"access,omitzero"` // "open", which is the default, or "collaborators"
}

// UpdateLock is a lock to be set.
type UpdateLock struct {
	Type                string `json:"type,omitzero"`       // TypeLock
	ExpiresAt           Time   `json:"expires_at,omitzero"` // zero: never
	IsDownloadPrevented bool   `json:"is_download_prevented,omitzero"`
	AppType             string `json:"app_type,omitzero"`
}

// UpdateSharedLink is what a link is to be like; absent keys stay, or take
// their defaults.
type UpdateSharedLink struct {
	Access      *string                      `json:"access,omitzero"`   // "open", "company" or "collaborators"
	Password    Nullable[string]             `json:"password,omitzero"` // null takes it off
	VanityName  Nullable[string]             `json:"vanity_name,omitzero"`
	UnsharedAt  Nullable[Time]               `json:"unshared_at,omitzero"` // null: never
	Permissions *UpdateSharedLinkPermissions `json:"permissions,omitzero"`
}

// UpdateSharedLinkPermissions are what a link's holder may do.
type UpdateSharedLinkPermissions struct {
	CanDownload *bool `json:"can_download,omitzero"`
	CanPreview  *bool `json:"can_preview,omitzero"`
	CanEdit     *bool `json:"can_edit,omitzero"`
}

// CreateWebLink is the body of POST /web_links.
type CreateWebLink struct {
	URL         string `json:"url,omitzero"`
	Parent      *Ref   `json:"parent,omitzero"`
	Name        *Name  `json:"name,omitzero"`
	Description string `json:"description,omitzero"`
}

// UpdateVersion is the body of PUT /files/:id/versions/:id: null restores the
// version, and nothing else can be done with it.
type UpdateVersion struct {
	TrashedAt Nullable[Time] `json:"trashed_at,omitzero"`
}

// PromoteVersion is the body of POST /files/:id/versions/current.
type PromoteVersion struct {
	Type string `json:"type,omitzero"` // TypeFileVersion
	ID   ID     `json:"id,omitzero"`
}
