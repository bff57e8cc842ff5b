package boxapi

// WebLinkMini is a web link as others name it.
type WebLinkMini struct {
	Type       string     `json:"type" box:"base"` // TypeWebLink
	ID         ID         `json:"id" box:"base"`
	URL        string     `json:"url" box:"mini"`
	SequenceID NullString `json:"sequence_id" box:"mini"` // an integer
	Etag       NullString `json:"etag" box:"base"`        // an integer
	Name       string     `json:"name" box:"mini"`
}

// WebLink is an address on the web that stands among a folder's items. It is
// marshalled in its Standard form; View shows others.
type WebLink struct {
	WebLinkMini

	Description    string         `json:"description" box:"standard"`
	PathCollection PathCollection `json:"path_collection" box:"standard"`
	CreatedAt      Time           `json:"created_at" box:"standard"`
	ModifiedAt     Time           `json:"modified_at" box:"standard"`
	TrashedAt      Time           `json:"trashed_at" box:"standard"`
	PurgedAt       Time           `json:"purged_at" box:"standard"`
	CreatedBy      UserMini       `json:"created_by" box:"standard"`
	ModifiedBy     UserMini       `json:"modified_by" box:"standard"`
	OwnedBy        UserMini       `json:"owned_by" box:"standard"`
	SharedLink     *SharedLink    `json:"shared_link" box:"standard"`
	Parent         *FolderMini    `json:"parent" box:"standard"`
	ItemStatus     string         `json:"item_status" box:"standard"`

	// Not in Box's description of a web link, but browser components ask for
	// them in lists of all sorts of items.
	Permissions *WebLinkPermissions `json:"permissions,omitzero" box:"full"`
	Tags        List[string]        `json:"tags" box:"full"`
	Collections List[Collection]    `json:"collections" box:"full"`

	IsAccessibleViaSharedLink     *bool        `json:"is_accessible_via_shared_link,omitzero" box:"full"`
	AllowedSharedLinkAccessLevels List[string] `json:"allowed_shared_link_access_levels,omitzero" box:"full"`
	SharedLinkPermissionOptions   List[string] `json:"shared_link_permission_options,omitzero" box:"full"`
}

// WebLinkPermissions is what the caller may do with a web link. All keys are
// always there.
type WebLinkPermissions struct {
	CanRename         bool `json:"can_rename"`
	CanDelete         bool `json:"can_delete"`
	CanShare          bool `json:"can_share"`
	CanSetShareAccess bool `json:"can_set_share_access"`
}

// ItemType is the web link's type.
func (w *WebLink) ItemType() string { return w.Type }

// MarshalJSON writes the Standard form.
func (w WebLink) MarshalJSON() ([]byte, error) { return View{Level: LevelStandard}.Encode(w) }
