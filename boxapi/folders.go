package boxapi

// FolderMini is a folder as others name it.
type FolderMini struct {
	Type       string     `json:"type" box:"base"` // TypeFolder
	ID         ID         `json:"id" box:"base"`
	SequenceID NullString `json:"sequence_id" box:"mini"` // an integer; null for the root
	Etag       NullString `json:"etag" box:"base"`        // an integer; null for the root
	Name       string     `json:"name" box:"mini"`
}

// Root is the root folder as others name it.
func Root() FolderMini { return FolderMini{Type: TypeFolder, ID: RootID, Name: RootName} }

// Trash is the folder that is the whole path of a trashed item.
func Trash() FolderMini { return FolderMini{Type: TypeFolder, ID: TrashID, Name: TrashName} }

// Folder is a folder with everything that a view may show. It is marshalled in
// its Standard form; View shows others.
//
// Pointers of the Full level that are nil are left out, even if they are asked
// for, except where Box says null.
type Folder struct {
	FolderMini

	CreatedAt         Time               `json:"created_at" box:"standard"` // null for the root, as are the other times
	ModifiedAt        Time               `json:"modified_at" box:"standard"`
	Description       string             `json:"description" box:"standard"`
	Size              int64              `json:"size" box:"standard"` // bytes of all below it
	PathCollection    PathCollection     `json:"path_collection" box:"standard"`
	CreatedBy         UserMini           `json:"created_by" box:"standard"` // all empty but its type for the root
	ModifiedBy        UserMini           `json:"modified_by" box:"standard"`
	TrashedAt         Time               `json:"trashed_at" box:"standard"`
	PurgedAt          Time               `json:"purged_at" box:"standard"`
	ContentCreatedAt  Time               `json:"content_created_at" box:"standard"`
	ContentModifiedAt Time               `json:"content_modified_at" box:"standard"`
	OwnedBy           UserMini           `json:"owned_by" box:"standard"`
	SharedLink        *SharedLink        `json:"shared_link" box:"standard"`
	FolderUploadEmail *FolderUploadEmail `json:"folder_upload_email" box:"standard"`
	Parent            *FolderMini        `json:"parent" box:"standard"` // null for the root
	ItemStatus        string             `json:"item_status" box:"standard"`
	ItemCollection    *ItemCollection    `json:"item_collection,omitzero" box:"standard,items"`

	SyncState                             string             `json:"sync_state,omitzero" box:"full"`
	HasCollaborations                     *bool              `json:"has_collaborations,omitzero" box:"full"`
	Permissions                           *FolderPermissions `json:"permissions,omitzero" box:"full"`
	Tags                                  List[string]       `json:"tags" box:"full"`
	CanNonOwnersInvite                    *bool              `json:"can_non_owners_invite,omitzero" box:"full"`
	IsExternallyOwned                     *bool              `json:"is_externally_owned,omitzero" box:"full"`
	Metadata                              any                `json:"metadata,omitzero" box:"full"`
	IsCollaborationRestrictedToEnterprise *bool              `json:"is_collaboration_restricted_to_enterprise,omitzero" box:"full"`
	AllowedSharedLinkAccessLevels         List[string]       `json:"allowed_shared_link_access_levels,omitzero" box:"full"`
	AllowedInviteeRoles                   List[string]       `json:"allowed_invitee_roles,omitzero" box:"full"`
	WatermarkInfo                         *WatermarkInfo     `json:"watermark_info,omitzero" box:"full"`
	IsAccessibleViaSharedLink             *bool              `json:"is_accessible_via_shared_link,omitzero" box:"full"`
	CanNonOwnersViewCollaborators         *bool              `json:"can_non_owners_view_collaborators,omitzero" box:"full"`
	Classification                        *Classification    `json:"classification" box:"full"`
	IsAssociatedWithAppItem               *bool              `json:"is_associated_with_app_item,omitzero" box:"full"`
	Collections                           List[Collection]   `json:"collections" box:"full"`
}

// MarshalJSON writes the Standard form.
func (f Folder) MarshalJSON() ([]byte, error) { return View{Level: LevelStandard}.Encode(f) }

// FolderUploadEmail is an address whose mail becomes files in a folder.
type FolderUploadEmail struct {
	Access string `json:"access"` // "open" or "collaborators"
	Email  string `json:"email"`
}

// FolderPermissions is what the caller may do with a folder. All keys are always
// there.
type FolderPermissions struct {
	CanDownload           bool `json:"can_download"`
	CanUpload             bool `json:"can_upload"`
	CanRename             bool `json:"can_rename"`
	CanDelete             bool `json:"can_delete"`
	CanShare              bool `json:"can_share"`
	CanInviteCollaborator bool `json:"can_invite_collaborator"`
	CanSetShareAccess     bool `json:"can_set_share_access"`
	CanApplyWatermark     bool `json:"can_apply_watermark"`
}
