package sqlmeta

import (
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"boxcar/internal/content"
	"boxcar/internal/meta"
)

// extraJSON is a meta.Extra as it is kept. Keys are short, and what is not
// there is left out: most items have nothing of it.
type extraJSON struct {
	Tags   []string  `json:"tags,omitempty"`
	Linked bool      `json:"linked,omitempty"`
	URL    string    `json:"url,omitempty"`
	Lock   *lockJSON `json:"lock,omitempty"`

	SyncState          string               `json:"sync,omitempty"`
	UploadEmail        *content.UploadEmail `json:"email,omitempty"`
	NonOwnersMayInvite *bool                `json:"invite,omitempty"`
	NonOwnersSeeOthers *bool                `json:"see,omitempty"`
	EnterpriseOnly     *bool                `json:"enterprise,omitempty"`
}

type lockJSON struct {
	ID         content.ID `json:"id"`
	By         content.ID `json:"by"`
	CreatedAt  int64      `json:"at"`              // microseconds
	ExpiresAt  int64      `json:"until,omitempty"` // microseconds
	NoDownload bool       `json:"keep,omitempty"`
	AppType    string     `json:"app,omitempty"`
}

// extraText is NULL for nothing.
func extraText(e meta.Extra) (any, error) {
	if reflect.ValueOf(e).IsZero() {
		return nil, nil
	}
	out := extraJSON{
		Tags: e.Tags, Linked: e.Linked, URL: e.URL, SyncState: e.SyncState, UploadEmail: e.UploadEmail,
		NonOwnersMayInvite: e.NonOwnersMayInvite, NonOwnersSeeOthers: e.NonOwnersSeeOthers, EnterpriseOnly: e.EnterpriseOnly,
	}
	if l := e.Lock; l != nil {
		out.Lock = &lockJSON{ID: l.ID, By: l.By, CreatedAt: micros(l.CreatedAt), ExpiresAt: micros(l.ExpiresAt), NoDownload: l.NoDownload, AppType: l.AppType}
	}
	b, err := json.Marshal(out)
	return string(b), err
}

type extraColumn struct{ e *meta.Extra }

func (v extraColumn) Scan(src any) error {
	if src == nil {
		return nil
	}
	text, ok := src.(string)
	if !ok {
		return fmt.Errorf("extra is stored as %T", src)
	}
	var in extraJSON
	if err := json.Unmarshal([]byte(text), &in); err != nil {
		return fmt.Errorf("extra: %w", err)
	}
	*v.e = meta.Extra{Tags: in.Tags, Linked: in.Linked, URL: in.URL, FolderOptions: content.FolderOptions{
		SyncState: in.SyncState, UploadEmail: in.UploadEmail,
		NonOwnersMayInvite: in.NonOwnersMayInvite, NonOwnersSeeOthers: in.NonOwnersSeeOthers, EnterpriseOnly: in.EnterpriseOnly,
	}}
	if l := in.Lock; l != nil {
		v.e.Lock = &meta.Lock{ID: l.ID, By: l.By, CreatedAt: fromMicros(l.CreatedAt), ExpiresAt: fromMicros(l.ExpiresAt), NoDownload: l.NoDownload, AppType: l.AppType}
	}
	return nil
}

func fromMicros(n int64) (t time.Time) {
	instant{&t}.Scan(n) // an int64 is always a time
	return t
}
