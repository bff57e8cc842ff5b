package boxapi

// Ref names an item by its id.
type Ref struct {
	ID ID `json:"id"`
}

// Attributes is what an upload or a commit says about the file.
type Attributes struct {
	Name              *Name   `json:"name,omitzero"`
	Description       *string `json:"description,omitzero"`
	ContentCreatedAt  Time    `json:"content_created_at,omitzero"` // zero if absent
	ContentModifiedAt Time    `json:"content_modified_at,omitzero"`
	Parent            *Ref    `json:"parent,omitzero"`
	Size              Count   `json:"size,omitzero"`
}

// Preflight is the body of OPTIONS /files/content and /files/:id/content.
type Preflight struct {
	Name        *Name   `json:"name,omitzero"`
	Parent      *Ref    `json:"parent,omitzero"`
	Size        Count   `json:"size,omitzero"` // absent and 0 both mean not known
	Description *string `json:"description,omitzero"`
}

// PreflightReply says where the upload that was asked about may go.
type PreflightReply struct {
	UploadURL   string     `json:"upload_url"` // absolute; accepts a simple upload
	UploadToken NullString `json:"upload_token"`
}

// CreateFolder is the body of POST /folders.
type CreateFolder struct {
	Name   *Name `json:"name,omitzero"`
	Parent *Ref  `json:"parent,omitzero"`
	FolderOptions
}

// CopyItem is the body of POST /files/ID/copy and POST /folders/ID/copy.
type CopyItem struct {
	Name    *Name `json:"name,omitzero"`
	Parent  *Ref  `json:"parent,omitzero"`
	Version ID    `json:"version,omitzero"` // of a file; "" for the current one
}
