package boxapi

// FileMini is a file as others name it.
type FileMini struct {
	Type        string           `json:"type" box:"base"` // TypeFile
	ID          ID               `json:"id" box:"base"`
	FileVersion *FileVersionMini `json:"file_version,omitzero" box:"mini"`
	SequenceID  NullString       `json:"sequence_id" box:"mini"` // an integer
	Etag        NullString       `json:"etag" box:"base"`        // an integer
	SHA1        string           `json:"sha1" box:"mini"`        // 40 lower-case hex digits
	Name        string           `json:"name" box:"mini"`
}

// File is a file with everything that a view may show. It is marshalled in its
// Standard form; View shows others.
//
// Pointers of the Full level that are nil are left out, even if they are asked
// for, except where Box says null.
type File struct {
	FileMini

	Description       string         `json:"description" box:"standard"`
	Size              int64          `json:"size" box:"standard"` // bytes
	PathCollection    PathCollection `json:"path_collection" box:"standard"`
	CreatedAt         Time           `json:"created_at" box:"standard"`
	ModifiedAt        Time           `json:"modified_at" box:"standard"`
	TrashedAt         Time           `json:"trashed_at" box:"standard"`
	PurgedAt          Time           `json:"purged_at" box:"standard"`
	ContentCreatedAt  Time           `json:"content_created_at" box:"standard"`
	ContentModifiedAt Time           `json:"content_modified_at" box:"standard"`
	CreatedBy         UserMini       `json:"created_by" box:"standard"`
	ModifiedBy        UserMini       `json:"modified_by" box:"standard"`
	OwnedBy           UserMini       `json:"owned_by" box:"standard"`
	SharedLink        *SharedLink    `json:"shared_link" box:"standard"`
	Parent            *FolderMini    `json:"parent" box:"standard"`
	ItemStatus        string         `json:"item_status" box:"standard"`

	VersionNumber               string           `json:"version_number,omitzero" box:"full"` // an integer, from "1"
	CommentCount                *int             `json:"comment_count,omitzero" box:"full"`
	Permissions                 *FilePermissions `json:"permissions,omitzero" box:"full"`
	Tags                        List[string]     `json:"tags" box:"full"`
	Lock                        *Lock            `json:"lock" box:"full"`
	Extension                   *string          `json:"extension,omitzero" box:"full"` // without the dot
	IsPackage                   *bool            `json:"is_package,omitzero" box:"full"`
	ExpiringEmbedLink           any              `json:"expiring_embed_link,omitzero" box:"full"`
	WatermarkInfo               *WatermarkInfo   `json:"watermark_info,omitzero" box:"full"`
	IsAccessibleViaSharedLink   *bool            `json:"is_accessible_via_shared_link,omitzero" box:"full"`
	AllowedInviteeRoles         List[string]     `json:"allowed_invitee_roles,omitzero" box:"full"`
	IsExternallyOwned           *bool            `json:"is_externally_owned,omitzero" box:"full"`
	HasCollaborations           *bool            `json:"has_collaborations,omitzero" box:"full"`
	Metadata                    any              `json:"metadata,omitzero" box:"full"`
	ExpiresAt                   Time             `json:"expires_at" box:"full"`
	Representations             *Representations `json:"representations,omitzero" box:"full"`
	Classification              *Classification  `json:"classification" box:"full"`
	UploaderDisplayName         *string          `json:"uploader_display_name,omitzero" box:"full"`
	DispositionAt               Time             `json:"disposition_at" box:"full"`
	SharedLinkPermissionOptions List[string]     `json:"shared_link_permission_options,omitzero" box:"full"`
	IsAssociatedWithAppItem     *bool            `json:"is_associated_with_app_item,omitzero" box:"full"`
	Collections                 List[Collection] `json:"collections" box:"full"`

	// Not in Box's description of a file, but browser components ask for them.
	AuthenticatedDownloadURL      *string      `json:"authenticated_download_url,omitzero" box:"full"`
	IsDownloadAvailable           *bool        `json:"is_download_available,omitzero" box:"full"`
	AllowedSharedLinkAccessLevels List[string] `json:"allowed_shared_link_access_levels,omitzero" box:"full"`
	VersionLimit                  *int         `json:"version_limit" box:"full"` // null: no limit
	RestoredFrom                  *VersionRef  `json:"restored_from" box:"full"`
	PromotedBy                    *UserMini    `json:"promoted_by" box:"full"`
	Retention                     any          `json:"retention" box:"full"`
}

// MarshalJSON writes the Standard form.
func (f File) MarshalJSON() ([]byte, error) { return View{Level: LevelStandard}.Encode(f) }

// FilePermissions is what the caller may do with a file. All keys are always
// there.
type FilePermissions struct {
	CanDownload            bool `json:"can_download"`
	CanPreview             bool `json:"can_preview"`
	CanUpload              bool `json:"can_upload"`
	CanComment             bool `json:"can_comment"`
	CanRename              bool `json:"can_rename"`
	CanDelete              bool `json:"can_delete"`
	CanShare               bool `json:"can_share"`
	CanSetShareAccess      bool `json:"can_set_share_access"`
	CanInviteCollaborator  bool `json:"can_invite_collaborator"`
	CanAnnotate            bool `json:"can_annotate"`
	CanViewAnnotationsAll  bool `json:"can_view_annotations_all"`
	CanViewAnnotationsSelf bool `json:"can_view_annotations_self"`
	CanCreateAnnotations   bool `json:"can_create_annotations"`
	CanViewAnnotations     bool `json:"can_view_annotations"`
	CanApplyWatermark      bool `json:"can_apply_watermark"`
}

// Lock keeps others from changing a file.
type Lock struct {
	ID                  ID         `json:"id"`
	Type                string     `json:"type"` // TypeLock
	CreatedBy           UserMini   `json:"created_by"`
	CreatedAt           Time       `json:"created_at"`
	ExpiredAt           Time       `json:"expired_at"`
	IsDownloadPrevented bool       `json:"is_download_prevented"`
	AppType             NullString `json:"app_type"`
}

// Representations are the other forms in which a file can be had.
type Representations struct {
	Entries List[Representation] `json:"entries"`
}

// Representation is one form of a file.
type Representation struct {
	Representation string                    `json:"representation"`
	Properties     *RepresentationProperties `json:"properties,omitzero"`
	Info           *RepresentationInfo       `json:"info,omitzero"`
	Status         RepresentationStatus      `json:"status"`
	Content        *RepresentationContent    `json:"content,omitzero"`
}

// RepresentationProperties are strings, numbers and flags too.
type RepresentationProperties struct {
	Dimensions string `json:"dimensions,omitzero"` // "WIDTHxHEIGHT"
	Paged      string `json:"paged,omitzero"`      // "true" or "false"
	Thumb      string `json:"thumb,omitzero"`      // "true" or "false"
}

// RepresentationInfo says where to ask about a representation.
type RepresentationInfo struct {
	URL string `json:"url"` // absolute
}

// RepresentationStatus is how far a representation is.
type RepresentationStatus struct {
	State string `json:"state"` // "success", "viewable", "pending", "none" or "error"
}

// RepresentationContent says where a representation is.
type RepresentationContent struct {
	URLTemplate string `json:"url_template"` // absolute; ends in "{+asset_path}"
}

// FileVersionMini is a version as its file names it.
type FileVersionMini struct {
	Type string `json:"type" box:"base"` // TypeFileVersion
	ID   ID     `json:"id" box:"base"`
	SHA1 string `json:"sha1" box:"mini"` // 40 lower-case hex digits
}

// FileVersion is a version with everything that a view may show. It is
// marshalled in its Standard form.
type FileVersion struct {
	FileVersionMini

	Name                string    `json:"name" box:"standard"`
	Size                int64     `json:"size" box:"standard"` // bytes
	CreatedAt           Time      `json:"created_at" box:"standard"`
	ModifiedAt          Time      `json:"modified_at" box:"standard"`
	ModifiedBy          UserMini  `json:"modified_by" box:"standard"`
	TrashedAt           Time      `json:"trashed_at" box:"standard"`
	TrashedBy           *UserMini `json:"trashed_by,omitzero" box:"standard"`
	RestoredAt          Time      `json:"restored_at" box:"standard"`
	RestoredBy          *UserMini `json:"restored_by,omitzero" box:"standard"`
	PurgedAt            Time      `json:"purged_at" box:"standard"`
	UploaderDisplayName string    `json:"uploader_display_name" box:"standard"`

	VersionNumber string `json:"version_number,omitzero" box:"full"` // an integer, from "1"

	// Not in Box's description of a version, but browser components ask for them.
	Extension                *string          `json:"extension,omitzero" box:"full"`
	Permissions              *FilePermissions `json:"permissions,omitzero" box:"full"`
	AuthenticatedDownloadURL *string          `json:"authenticated_download_url,omitzero" box:"full"`
	IsDownloadAvailable      *bool            `json:"is_download_available,omitzero" box:"full"`
	VersionLimit             *int             `json:"version_limit" box:"full"`
	RestoredFrom             *VersionRef      `json:"restored_from" box:"full"`
	PromotedBy               *UserMini        `json:"promoted_by" box:"full"`
	Retention                any              `json:"retention" box:"full"`
}

// VersionRef names the version that another one repeats.
type VersionRef struct {
	Type string `json:"type"` // TypeFileVersion
	ID   ID     `json:"id"`
}

// MarshalJSON writes the Standard form.
func (v FileVersion) MarshalJSON() ([]byte, error) { return View{Level: LevelStandard}.Encode(v) }
