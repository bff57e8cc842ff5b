package httpapi

import (
	"bytes"
	"errors"
	"io"
	"strconv"

	"boxcar/boxapi"
	"boxcar/internal/content"
	"boxcar/internal/tree"
)

// read reads a whole body of at most limit bytes.
func (c *call) read(limit int64) ([]byte, error) {
	return c.readAll(c.Body, limit, content.Errorf(content.BodyTooLarge, "the body has more than the %d bytes allowed here", limit))
}

// readAll reads r to its end; large is the error if that is not within limit bytes.
// The memory comes out of the user's share as the bytes come in: a client that says
// that it has much to send, and sends nothing, has none.
func (c *call) readAll(r io.Reader, limit int64, large error) ([]byte, error) {
	b := make([]byte, 0, 512)
	for {
		if len(b) == cap(b) {
			if int64(cap(b)) > limit {
				return nil, large
			}
			grown := min(2*int64(cap(b)), limit+1)
			if err := c.keep(grown - max(int64(cap(b)), smallBody)); err != nil {
				return nil, err
			}
			b = append(make([]byte, 0, grown), b...)
		}
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		switch {
		case int64(len(b)) > limit:
			return nil, large
		case errors.Is(err, io.EOF):
			return b, nil
		case err != nil:
			return nil, err
		}
	}
}

// keep takes memory until the request is over.
func (c *call) keep(bytes int64) error {
	if bytes <= 0 {
		return nil
	}
	if c.kept == 0 {
		c.keeper = c.who.User
	}
	if err := c.shares.keep(c.keeper, bytes, c.w.start); err != nil {
		return err
	}
	c.kept += bytes
	return nil
}

// decode reads a JSON body, whatever its Content-Type says.
func (c *call) decode(limit int64, into any) error {
	b, err := c.read(limit)
	if err != nil {
		return err
	}
	return boxapi.DecodeJSON(b, into)
}

// maxValues is how many commas there may be between the values of a list of
// parts: more than twice as many as content.MaxParts parts with all their keys have.
const maxValues = 10 * content.MaxParts

// decodeParts is decode for a list of parts. What a list costs in memory goes by
// its elements, and "{}," makes one that is fifty times as large, so that they
// are bounded too, before the first is decoded.
func (c *call) decodeParts(limit int64, into any) error {
	b, err := c.read(limit)
	if err != nil {
		return err
	}
	if n := bytes.Count(b, []byte(",")); n > maxValues {
		return content.Errorf(content.BodyTooLarge, "the body has %d values, and %d are allowed here", n, maxValues)
	}
	return boxapi.DecodeJSON(b, into)
}

// id is an id in the path. What is no id is not found.
func (c *call) id(param string) (content.ID, error) {
	id, err := content.ParseID(c.param(param))
	if err != nil || id == 0 && param != "folder" {
		return 0, content.Errorf(content.NotFound, "there is no %s %.40q", param, c.param(param))
	}
	return id, nil
}

func (c *call) session() (content.SessionID, error) {
	return content.ParseSessionID(c.param("session"))
}

// number is a parameter of the query that is a count of at least least.
func (c *call) number(name string, absent, least int64, kind content.Kind) (int64, error) {
	text := c.query(name)
	if text == "" {
		return absent, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) || n < least || text[0] == '+' {
		return 0, content.Errorf(kind, "%s must be a number of at least %d, not %q", name, least, text)
	}
	return n, nil
}

// page is offset and limit; a limit above most is most.
func (c *call) page(limit, most, mostOffset int64) (offset int64, n int64, err error) {
	offset, err = c.number("offset", 0, 0, content.InvalidOffset)
	if err != nil {
		return 0, 0, err
	}
	if offset > mostOffset {
		return 0, 0, content.Errorf(content.InvalidOffset, "offset can be %d at the most, not %d", mostOffset, offset)
	}
	n, err = c.number("limit", limit, 1, content.InvalidLimit)
	return offset, min(n, most), err
}

// preconditions are If-Match and If-None-Match.
func (c *call) preconditions() (p content.Preconditions) {
	if tags, ok := boxapi.ParseEtags(c.Header.Get("If-Match")); ok {
		p.IfMatch = tags
	}
	if tags, ok := boxapi.ParseEtags(c.Header.Get("If-None-Match")); ok {
		p.IfNoneMatch = tags
	}
	return p
}

// digest is the Digest header.
func (c *call) digest() (content.SHA1, error) {
	sum, err := boxapi.ParseDigest(c.Header.Get("Digest"))
	if err != nil {
		return content.SHA1{}, content.Errorf(content.BadRequest, "%v", err)
	}
	return sum, nil
}

// fields is the fields parameter; repeated ones add up.
func (c *call) fields() boxapi.Fields {
	all := ""
	for _, f := range c.URL.Query()["fields"] {
		all += "," + f
	}
	return boxapi.ParseFields(all)
}

// attributes are what an upload says of its file.
func attributes(a *boxapi.Attributes) (attr content.Attributes) {
	if a == nil {
		return attr
	}
	if a.Name != nil {
		name := string(*a.Name)
		attr.Name = &name
	}
	attr.Description = a.Description
	if t := a.ContentCreatedAt.Time; !t.IsZero() {
		attr.ContentCreatedAt = &t
	}
	if t := a.ContentModifiedAt.Time; !t.IsZero() {
		attr.ContentModifiedAt = &t
	}
	return attr
}

// target is where a preflight or simple upload goes. file is 0 for a new one.
// A new version stays where its file is unless another folder is named.
func (c *call) target(file content.ID, name *boxapi.Name, parent *boxapi.Ref, size boxapi.Count) (tree.Target, error) {
	t := tree.Target{File: file, Size: -1}
	if size.Given {
		if !size.Valid {
			return t, content.Errorf(content.InvalidFileSize, "size must be a number of bytes")
		}
		if size.N > 0 {
			t.Size = size.N
		}
	}
	switch {
	case name != nil:
		t.Name = string(*name)
	case file == 0:
		return t, content.Errorf(content.MissingName, "name is missing")
	}
	switch {
	case parent != nil && parent.ID != "":
		id, err := content.ParseID(string(parent.ID))
		if err != nil {
			return t, content.Errorf(content.InvalidFolderID, "parent.id %q is not a folder id: those are decimal digits", parent.ID)
		}
		t.Folder, t.Move = id, file != 0
	case file == 0:
		return t, content.Errorf(content.MissingDestination, "parent.id is missing")
	}
	if name != nil {
		// A name that is there but empty is wrong for a version too.
		return t, content.CheckName(t.Name)
	}
	return t, nil
}

// folderID is the id of a folder in a body.
func folderID(id boxapi.ID) (content.ID, error) {
	n, err := content.ParseID(string(id))
	if err != nil {
		return 0, &content.Error{Kind: content.NotFound, Field: "item", Value: "d_" + string(id), Message: "There is no folder " + strconv.Quote(string(id))}
	}
	return n, nil
}
