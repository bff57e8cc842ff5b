package boxapi

import (
	"encoding/json"
)

// What the type key of an object says.
const (
	TypeFile          = "file"
	TypeFileVersion   = "file_version"
	TypeFolder        = "folder"
	TypeWebLink       = "web_link"
	TypeUser          = "user"
	TypeEnterprise    = "enterprise"
	TypeUploadSession = "upload_session"
	TypeLock          = "lock"
	TypeCollection    = "collection"
	TypeError         = "error"
)

// What the item_status key of an item says.
const (
	StatusActive  = "active"
	StatusTrashed = "trashed"
	StatusDeleted = "deleted"
)

// Item is a *File, a *Folder, a *WebLink or an *OtherItem.
type Item interface {
	// ItemType is what the type key says.
	ItemType() string
}

// ItemType is the file's type.
func (f *File) ItemType() string { return f.Type }

// ItemType is the folder's type.
func (f *Folder) ItemType() string { return f.Type }

// ItemType is the item's type.
func (o *OtherItem) ItemType() string { return o.Type }

// OtherItem is an item of a type that this package does not know, in a reply.
type OtherItem struct {
	Type       string     `json:"type" box:"base"`
	ID         ID         `json:"id" box:"base"`
	Etag       NullString `json:"etag" box:"base"`
	SequenceID NullString `json:"sequence_id" box:"mini"`
	Name       string     `json:"name" box:"mini"`
}

// Items are the entries of a list: each goes by its own type.
type Items []Item

// MarshalJSON writes an array, always, of items in their Mini form.
func (l Items) MarshalJSON() ([]byte, error) {
	return View{Level: LevelMini}.Encode([]Item(l))
}

// UnmarshalJSON reads items of any type.
func (l *Items) UnmarshalJSON(data []byte) error {
	var entries []json.RawMessage
	if err := json.Unmarshal(data, &entries); err != nil {
		return err
	}
	*l = make(Items, len(entries))
	for i, entry := range entries {
		var err error
		if (*l)[i], err = decodeItem(entry); err != nil {
			return err
		}
	}
	return nil
}

// decodeItem returns nil for null.
func decodeItem(data []byte) (Item, error) {
	if kindOf(data) == "null" {
		return nil, nil
	}
	var head struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, err
	}
	var item Item
	switch head.Type {
	case TypeFile:
		item = new(File)
	case TypeFolder:
		item = new(Folder)
	case TypeWebLink:
		item = new(WebLink)
	default:
		item = new(OtherItem)
	}
	return item, json.Unmarshal(data, item)
}

// Order is how a list is sorted.
type Order struct {
	By        string `json:"by"`
	Direction string `json:"direction"` // "ASC" or "DESC"
}

// ItemCollection is a page of a folder's items, by offset.
type ItemCollection struct {
	TotalCount int         `json:"total_count"`
	Entries    Items       `json:"entries" box:",items"`
	Offset     int         `json:"offset"`
	Limit      int         `json:"limit"` // as applied
	Order      List[Order] `json:"order"`
}

// ItemsByMarker is a page of a folder's items, by marker.
type ItemsByMarker struct {
	Entries    Items      `json:"entries" box:",items"`
	Limit      int        `json:"limit"`                // as applied
	NextMarker NullString `json:"next_marker,omitzero"` // absent on the last page: one client fails on null, one on ""
}

// Files is the reply to an upload and to a commit: exactly one file. Its view
// is Standard with a Mini floor.
type Files struct {
	TotalCount int        `json:"total_count"`
	Entries    List[File] `json:"entries" box:",items"`
}

// FileVersions is a page of the past versions of a file, newest first.
type FileVersions struct {
	TotalCount int               `json:"total_count"`
	Entries    List[FileVersion] `json:"entries" box:",items"`
	Limit      int               `json:"limit"` // as applied
	Offset     int               `json:"offset"`
}

// PathCollection is the way to an item, from the root to its parent.
type PathCollection struct {
	TotalCount int              `json:"total_count"`
	Entries    List[FolderMini] `json:"entries"`
}

// PathOf is the PathCollection of those folders.
func PathOf(folders ...FolderMini) PathCollection {
	return PathCollection{TotalCount: len(folders), Entries: folders}
}

// SharedLink is the link of an item. All keys are always there.
type SharedLink struct {
	URL                 string                `json:"url"`
	DownloadURL         NullString            `json:"download_url"` // files only, where clients rely on it
	VanityURL           NullString            `json:"vanity_url"`
	VanityName          NullString            `json:"vanity_name"`
	EffectiveAccess     string                `json:"effective_access"`
	EffectivePermission string                `json:"effective_permission"`
	IsPasswordEnabled   bool                  `json:"is_password_enabled"`
	UnsharedAt          Time                  `json:"unshared_at"`
	DownloadCount       int64                 `json:"download_count"`
	PreviewCount        int64                 `json:"preview_count"`
	Access              string                `json:"access"` // "open", "company" or "collaborators"
	Permissions         SharedLinkPermissions `json:"permissions"`
}

// SharedLinkPermissions is what a link lets its holder do.
type SharedLinkPermissions struct {
	CanPreview  bool `json:"can_preview"`
	CanDownload bool `json:"can_download"`
	CanEdit     bool `json:"can_edit"`
}

// ExpiringEmbedLink is the address of a page that shows a file inside another,
// and a token that is good for showing it.
type ExpiringEmbedLink struct {
	Token TokenReply `json:"token"`
	URL   string     `json:"url"`
}

// WatermarkInfo says whether an item is watermarked.
type WatermarkInfo struct {
	IsWatermarked               bool `json:"is_watermarked"`
	IsWatermarkInherited        bool `json:"is_watermark_inherited"`
	IsWatermarkedByAccessPolicy bool `json:"is_watermarked_by_access_policy"`
}

// Classification is the classification of an item.
type Classification struct {
	Name       string `json:"name"`
	Definition string `json:"definition"`
	Color      string `json:"color"` // "#RRGGBB"
}

// Collection is a collection that an item is in, such as the favourites.
type Collection struct {
	Type           string `json:"type" box:"base"` // TypeCollection
	ID             ID     `json:"id" box:"base"`
	Name           string `json:"name" box:"mini"`
	CollectionType string `json:"collection_type" box:"mini"`
}

// Favourites is the one collection that every user has.
func Favourites(id ID) Collection {
	return Collection{Type: TypeCollection, ID: id, Name: "Favorites", CollectionType: "favorites"}
}

// Collections is a page of a user's collections.
type Collections struct {
	TotalCount int              `json:"total_count"`
	Entries    List[Collection] `json:"entries" box:",items"`
	Limit      int              `json:"limit"` // as applied
	Offset     int              `json:"offset"`
}

// CollectionItems is a page of what is in a collection.
type CollectionItems struct {
	TotalCount int   `json:"total_count"`
	Entries    Items `json:"entries" box:",items"`
	Limit      int   `json:"limit"` // as applied
	Offset     int   `json:"offset"`
}
