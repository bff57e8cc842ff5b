package client

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"boxcar/boxapi"
)

// fieldsQuery asks for those fields; none asks for the standard ones.
func fieldsQuery(fields []string) url.Values {
	if len(fields) == 0 {
		return nil
	}
	return url.Values{"fields": {strings.Join(fields, ",")}}
}

// get reads one object.
func get[T any](ctx context.Context, c *Client, path string, query url.Values) (*T, error) {
	var v T
	if err := c.do(ctx, &request{method: http.MethodGet, path: path, query: query, into: &v}); err != nil {
		return nil, err
	}
	return &v, nil
}

// change sends a body that may be sent twice, and reads what became of it.
func change[T any](ctx context.Context, c *Client, r *request) (*T, error) {
	var v T
	r.into = &v
	if err := c.do(ctx, r); err != nil {
		return nil, err
	}
	return &v, nil
}

func ifMatch(etag string) http.Header {
	if etag == "" {
		return nil
	}
	return http.Header{"If-Match": {etag}}
}

// GetFile is a file by its id, with those fields or the standard ones.
func (c *Client) GetFile(ctx context.Context, id string, fields ...string) (*boxapi.File, error) {
	return get[boxapi.File](ctx, c, "/files"+idPath(id), fieldsQuery(fields))
}

// GetFolder is a folder by its id, with those fields or the standard ones.
func (c *Client) GetFolder(ctx context.Context, id string, fields ...string) (*boxapi.Folder, error) {
	return get[boxapi.Folder](ctx, c, "/folders"+idPath(id), fieldsQuery(fields))
}

// Me is the user that the token is for.
func (c *Client) Me(ctx context.Context, fields ...string) (*boxapi.User, error) {
	return get[boxapi.User](ctx, c, "/users/me", fieldsQuery(fields))
}

// pageSize is how many items are asked for at once: the most that Box gives.
const pageSize = 1000

// Items are what is in a folder, with those fields or the mini ones. An error ends
// them.
func (c *Client) Items(ctx context.Context, folderID string, fields ...string) iter.Seq2[boxapi.Item, error] {
	return func(yield func(boxapi.Item, error) bool) {
		query := url.Values{"usemarker": {"true"}, "limit": {strconv.Itoa(pageSize)}}
		if len(fields) > 0 {
			query.Set("fields", strings.Join(fields, ","))
		}
		for {
			page, err := get[boxapi.ItemsByMarker](ctx, c, "/folders"+idPath(folderID)+"/items", query)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, item := range page.Entries {
				if item != nil && !yield(item, nil) {
					return
				}
			}
			marker := string(page.NextMarker)
			if marker == "" || marker == query.Get("marker") {
				return
			}
			query.Set("marker", marker)
		}
	}
}

// byOffset are the entries of a list that is paged by offset, until a page is
// empty or the total is reached.
func byOffset[T any](page func(offset int64) (entries []T, total int64, err error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for offset := int64(0); ; {
			entries, total, err := page(offset)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, e := range entries {
				if !yield(e, nil) {
					return
				}
			}
			offset += int64(len(entries))
			if len(entries) == 0 || offset >= total {
				return
			}
		}
	}
}

// Versions are the past versions of a file, newest first.
func (c *Client) Versions(ctx context.Context, fileID string) iter.Seq2[boxapi.FileVersion, error] {
	return byOffset(func(offset int64) ([]boxapi.FileVersion, int64, error) {
		page, err := get[boxapi.FileVersions](ctx, c, "/files"+idPath(fileID)+"/versions", url.Values{
			"offset": {strconv.FormatInt(offset, 10)}, "limit": {strconv.Itoa(pageSize)},
		})
		if err != nil {
			return nil, 0, err
		}
		return page.Entries, int64(page.TotalCount), nil
	})
}

// SearchOptions narrow a search. The zero value leaves everything in.
type SearchOptions struct {
	Type       string   // "file", "folder" or "web_link"
	FolderIDs  []string // below these
	Extensions []string // without the dot
	Fields     []string
}

// Search are the items that a query finds, best first.
func (c *Client) Search(ctx context.Context, text string, o SearchOptions) iter.Seq2[boxapi.Item, error] {
	const most = 200
	query := url.Values{"query": {text}, "limit": {strconv.Itoa(most)}}
	if o.Type != "" {
		query.Set("type", o.Type)
	}
	for key, values := range map[string][]string{"ancestor_folder_ids": o.FolderIDs, "file_extensions": o.Extensions, "fields": o.Fields} {
		if len(values) > 0 {
			query.Set(key, strings.Join(values, ","))
		}
	}
	return byOffset(func(offset int64) ([]boxapi.Item, int64, error) {
		query.Set("offset", strconv.FormatInt(offset, 10))
		page, err := get[boxapi.SearchResults](ctx, c, "/search", query)
		if err != nil {
			return nil, 0, err
		}
		return page.Entries, page.TotalCount, nil
	})
}

// UpdateFile changes a file: its name, place, description, shared link and more.
// etag is what it must have, or "".
func (c *Client) UpdateFile(ctx context.Context, id string, u boxapi.UpdateFile, etag string) (*boxapi.File, error) {
	return change[boxapi.File](ctx, c, &request{method: http.MethodPut, path: "/files" + idPath(id), header: ifMatch(etag), json: u})
}

// UpdateFolder is UpdateFile for a folder.
func (c *Client) UpdateFolder(ctx context.Context, id string, u boxapi.UpdateFolder, etag string) (*boxapi.Folder, error) {
	return change[boxapi.Folder](ctx, c, &request{method: http.MethodPut, path: "/folders" + idPath(id), header: ifMatch(etag), json: u})
}

// moved is the change that gives an item another place, another name, or both: ""
// leaves what is.
func moved(folderID, name string) (u boxapi.UpdateItem) {
	if folderID != "" {
		u.Parent = &boxapi.Ref{ID: boxapi.ID(folderID)}
	}
	if name != "" {
		n := boxapi.Name(name)
		u.Name = &n
	}
	return u
}

// MoveFile puts a file into a folder, under a name; "" leaves where or what it is.
func (c *Client) MoveFile(ctx context.Context, id, folderID, name string) (*boxapi.File, error) {
	return c.UpdateFile(ctx, id, boxapi.UpdateFile{UpdateItem: moved(folderID, name)}, "")
}

// MoveFolder is MoveFile for a folder.
func (c *Client) MoveFolder(ctx context.Context, id, folderID, name string) (*boxapi.Folder, error) {
	return c.UpdateFolder(ctx, id, boxapi.UpdateFolder{UpdateItem: moved(folderID, name)}, "")
}

func copied(folderID, name string) boxapi.CopyItem {
	u := moved(folderID, name)
	return boxapi.CopyItem{Name: u.Name, Parent: u.Parent}
}

// CopyFile copies a file into a folder, under its own name or another. A copy
// whose answer was lost is an error, and is not made again: what the folder has
// shows what became of it.
func (c *Client) CopyFile(ctx context.Context, id, folderID, name string) (*boxapi.File, error) {
	return change[boxapi.File](ctx, c, &request{method: http.MethodPost, path: "/files" + idPath(id) + "/copy", json: copied(folderID, name), once: true})
}

// CopyFolder is CopyFile for a folder and all below it.
func (c *Client) CopyFolder(ctx context.Context, id, folderID, name string) (*boxapi.Folder, error) {
	return change[boxapi.Folder](ctx, c, &request{method: http.MethodPost, path: "/folders" + idPath(id) + "/copy", json: copied(folderID, name), once: true})
}

// DeleteFile puts a file into the trash. etag is what it must have, or "".
func (c *Client) DeleteFile(ctx context.Context, id, etag string) error {
	return c.delete(ctx, &request{method: http.MethodDelete, path: "/files" + idPath(id), header: ifMatch(etag)})
}

// DeleteFolder puts a folder into the trash; recursive also if it is not empty.
func (c *Client) DeleteFolder(ctx context.Context, id string, recursive bool, etag string) error {
	r := &request{method: http.MethodDelete, path: "/folders" + idPath(id), header: ifMatch(etag)}
	if recursive {
		r.query = url.Values{"recursive": {"true"}}
	}
	return c.delete(ctx, r)
}

// delete takes a 404 for done if the answer to an earlier attempt was lost.
func (c *Client) delete(ctx context.Context, r *request) error {
	_, wasLost, err := c.call(ctx, r)
	if wasLost && IsNotFound(err) {
		return nil
	}
	return err
}

// ShareFile makes a shared link of a file, or changes the one it has.
func (c *Client) ShareFile(ctx context.Context, id string, link boxapi.UpdateSharedLink) (*boxapi.SharedLink, error) {
	var u boxapi.UpdateFile
	u.SharedLink = boxapi.NullableOf(link)
	f, err := change[boxapi.File](ctx, c, &request{method: http.MethodPut, path: "/files" + idPath(id), query: fieldsQuery([]string{"shared_link"}), json: u})
	if err != nil {
		return nil, err
	}
	return shared(f.SharedLink)
}

// ShareFolder is ShareFile for a folder.
func (c *Client) ShareFolder(ctx context.Context, id string, link boxapi.UpdateSharedLink) (*boxapi.SharedLink, error) {
	var u boxapi.UpdateFolder
	u.SharedLink = boxapi.NullableOf(link)
	f, err := change[boxapi.Folder](ctx, c, &request{method: http.MethodPut, path: "/folders" + idPath(id), query: fieldsQuery([]string{"shared_link"}), json: u})
	if err != nil {
		return nil, err
	}
	return shared(f.SharedLink)
}

func shared(link *boxapi.SharedLink) (*boxapi.SharedLink, error) {
	if link == nil {
		return nil, errors.New("the server made no shared link, and no error")
	}
	return link, nil
}

// UnshareFile takes a file's shared link away.
func (c *Client) UnshareFile(ctx context.Context, id string) error {
	var u boxapi.UpdateFile
	u.SharedLink = boxapi.Null[boxapi.UpdateSharedLink]()
	_, err := c.UpdateFile(ctx, id, u, "")
	return err
}

// UnshareFolder takes a folder's shared link away.
func (c *Client) UnshareFolder(ctx context.Context, id string) error {
	var u boxapi.UpdateFolder
	u.SharedLink = boxapi.Null[boxapi.UpdateSharedLink]()
	_, err := c.UpdateFolder(ctx, id, u, "")
	return err
}
