package httpapi

import (
	"errors"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"

	"boxcar/boxapi"
	"boxcar/internal/content"
)

// preflight handles OPTIONS /files/content and OPTIONS /files/:file/content.
func (s *Server) preflight(c *call) error {
	file, err := c.fileOrNew()
	if err != nil {
		return err
	}
	var body boxapi.Preflight
	if err := c.decode(s.Limits.JSONBody, &body); err != nil {
		return err
	}
	t, err := c.target(file, body.Name, body.Parent, body.Size)
	if err != nil {
		return err
	}
	if err := s.Upload.Preflight(c.Context(), c.who, t); err != nil {
		return err
	}
	url := s.origins(c.Request).upload() + "/files/content"
	if file != 0 {
		url = s.origins(c.Request).upload() + "/files/" + file.String() + "/content"
	}
	return s.write(c, http.StatusOK, boxapi.PreflightReply{UploadURL: url})
}

// fileOrNew is the file in the path, or 0 for a new one.
func (c *call) fileOrNew() (content.ID, error) {
	if c.param("file") == "" {
		return 0, nil
	}
	return c.id("file")
}

// simpleUpload handles POST /files/content and POST /files/:file/content: a
// form with attributes first and the file behind them.
func (s *Server) simpleUpload(c *call) error {
	file, err := c.fileOrNew()
	if err != nil {
		return err
	}
	var sha1 *content.SHA1
	// Despite its name the header holds a SHA-1.
	if text := c.Header.Get("Content-MD5"); text != "" {
		sum, err := boxapi.ParseHexSHA1(text)
		if err != nil {
			return content.Errorf(content.BadRequest, "Content-MD5: %v", err)
		}
		sha1 = (*content.SHA1)(&sum)
	}
	form, err := c.MultipartReader()
	if err != nil {
		return content.Errorf(content.BadRequest, "the body must be multipart/form-data with a boundary")
	}

	var attr boxapi.Attributes
	part, err := form.NextPart()
	if err == nil && part.FormName() == "attributes" {
		text, err := c.readAll(part, s.Limits.JSONBody, content.Errorf(content.BodyTooLarge, "attributes has more than the %d bytes allowed", s.Limits.JSONBody))
		if err != nil {
			return badForm(err)
		}
		if err := boxapi.DecodeJSON(text, &attr); err != nil {
			return err
		}
		part, err = form.NextPart()
		if err != nil {
			return badForm(err)
		}
	} else if err != nil {
		return badForm(err)
	} else if file == 0 {
		return content.Errorf(content.MetadataAfterContents, "attributes must come before the file")
	}

	t, err := c.target(file, attr.Name, attr.Parent, attr.Size)
	if err != nil {
		return err
	}
	// The file's own size decides; what attributes say of it is a promise that
	// a preflight would judge.
	f, err := s.Upload.Simple(c.Context(), c.who, t, c.preconditions(), attributes(&attr), sha1, s.fileOf(c, form, part))
	if err != nil {
		return err
	}
	c.note(slog.String("uploaded", f.ID.String()), slog.Int64("size", f.Version.Size))
	return s.uploaded(c, f)
}

// badForm tells a form that is not one from a body that broke off.
func badForm(err error) error {
	if content.KindOf(err) != content.Internal {
		return err
	}
	if errors.Is(err, io.EOF) {
		return content.Errorf(content.BadRequest, "the form has no file")
	}
	return content.Errorf(content.BadRequest, "the form can't be read").Because(err)
}

// fileOf is the file of a form, which may know how large it is at the most.
func (s *Server) fileOf(c *call, form *multipart.Reader, part *multipart.Part) io.Reader {
	f := &filePart{form: form, part: part}
	if c.ContentLength < 0 || c.Header.Get("Expect") != "" {
		return f // its client may be waiting to hear whether it is wanted
	}
	return boundedPart{f, c.ContentLength}
}

// boundedPart is the file of a form that comes whatever the answer is.
type boundedPart struct {
	*filePart
	most int64 // bytes of the whole form
}

// AtMost is for upload.Bounded.
func (f boundedPart) AtMost() int64 { return f.most }

// filePart reads the file of a form. It ends only if the whole form does: a
// form that is cut off, or has attributes behind the file, fails in its place.
type filePart struct {
	form *multipart.Reader
	part *multipart.Part
}

func (f *filePart) Read(p []byte) (int, error) {
	n, err := f.part.Read(p)
	switch {
	case err == nil:
		return n, nil
	case !errors.Is(err, io.EOF):
		return n, cutForm(err)
	}
	for {
		next, err := f.form.NextPart()
		switch {
		case errors.Is(err, io.EOF):
			return n, io.EOF
		case err != nil:
			return n, cutForm(err)
		case next.FormName() == "attributes":
			return n, content.Errorf(content.MetadataAfterContents, "attributes must come before the file")
		}
	}
}

func cutForm(err error) error {
	if content.KindOf(err) != content.Internal {
		return err
	}
	return content.Errorf(content.SizeMismatch, "the form ends before its last boundary").Because(err)
}
