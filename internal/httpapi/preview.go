package httpapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"

	"boxcar/boxapi"
	"boxcar/internal/content"
	"boxcar/internal/preview"
)

const (
	// placeholderPath is where the pictures are that stand in for thumbnails.
	placeholderPath = "/placeholders/"
	// representationPath is where clients learn about a representation; its
	// bytes are below it.
	representationPath = "/internal_files/:file/versions/:version/representations/:representation"
)

// source is a version for the preview service.
func (s *Server) source(v content.Version) preview.Source {
	return preview.Source{Version: v.ID, Open: func(ctx context.Context) (io.ReadSeekCloser, error) {
		return s.Tree.Open(ctx, v)
	}}
}

// thumbnail handles GET /files/:file/thumbnail.png and .jpg.
func (s *Server) thumbnail(t preview.Type) handler {
	return func(c *call) error {
		id, err := c.id("file")
		if err != nil {
			return err
		}
		var wish preview.Bounds
		for name, to := range map[string]*int{
			"min_width": &wish.MinWidth, "min_height": &wish.MinHeight, "max_width": &wish.MaxWidth, "max_height": &wish.MaxHeight,
		} {
			n, err := c.number(name, 0, 1, content.BadRequest)
			if err != nil {
				return err
			}
			*to = int(min(n, 1<<20)) // all that is too large is too large alike
		}
		f, v, err := s.Tree.Contents(c.Context(), c.who, content.Preview, id, 0)
		if err != nil {
			return err
		}
		form, err := preview.Choose(t, wish)
		if err != nil {
			return err
		}
		err = s.picture(c, f, v, form, "")
		if errors.Is(err, preview.ErrNoPicture) {
			s.pointToPlaceholder(c, http.StatusFound, f)
			return nil
		}
		return err
	}
}

// picture writes a form of a version, with a Content-Disposition if it is not
// empty. If too many others are being made, the client is told when to ask
// again, and where a placeholder is for the time being.
func (s *Server) picture(c *call, f *content.File, v content.Version, form preview.Form, disposition string) error {
	b, err := s.Preview.Thumbnail(c.Context(), s.source(v), form)
	h := c.w.Header()
	var later *content.Error
	if content.Is(err, content.Unavailable) && errors.As(err, &later) {
		h.Set("Retry-After", retryAfter(later))
		s.pointToPlaceholder(c, http.StatusAccepted, f)
		return nil
	}
	if err != nil {
		return err
	}
	if disposition != "" {
		h.Set("Content-Disposition", disposition)
	}
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	c.note(slog.String("version", v.ID.String()))
	writeImage(c, contentType("."+string(form.Type)), b)
	return nil
}

func writeImage(c *call, kind string, b []byte) {
	h := c.w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Length", strconv.Itoa(len(b)))
	h.Set("X-Content-Type-Options", "nosniff")
	c.w.WriteHeader(http.StatusOK)
	c.w.Write(b) // a client that has gone does not matter
}

func (s *Server) pointToPlaceholder(c *call, status int, f *content.File) {
	c.w.Header().Set("Location", s.origins(c.Request).content()+placeholderPath+string(preview.KindOf(f.Name))+".png")
	c.w.Header().Set("Content-Length", "0")
	c.w.WriteHeader(status)
}

// placeholder handles GET /placeholders/:image. It is the same for everybody,
// so browsers may keep it.
func (s *Server) placeholder(c *call) error {
	kind, ok := strings.CutSuffix(c.param("image"), ".png")
	b := s.Preview.Placeholder(preview.Kind(kind))
	if !ok || b == nil {
		return content.Errorf(content.NotFound, "there is no such placeholder")
	}
	c.w.Header().Set("Cache-Control", "public, max-age=86400")
	writeImage(c, "image/png", b)
	return nil
}

// repName is a form's name in URLs, as Box writes it.
func repName(f preview.Form) string {
	thumb := ""
	if f.Thumb() {
		thumb = "thumb_"
	}
	return fmt.Sprintf("%s_%s%s", f.Type, thumb, dimensions(f))
}

func dimensions(f preview.Form) string { return fmt.Sprintf("%dx%d", f.Side, f.Side) }

// formOf finds a form by its name.
func formOf(name string) (preview.Form, bool) {
	all := preview.Forms()
	i := slices.IndexFunc(all, func(f preview.Form) bool { return repName(f) == name })
	if i < 0 {
		return preview.Form{}, false
	}
	return all[i], true
}

// The states of a representation. "none" is Box's word for one that is not
// there, and may be asked about.
const (
	repSuccess = "success"
	repNone    = "none"
	repError   = "error"
)

// representations are those of a file that the request asks for, or all that
// there are.
func (s *Server) representations(c *call, f *content.File) *boxapi.Representations {
	out := &boxapi.Representations{Entries: boxapi.List[boxapi.Representation]{}}
	if f.Status != content.Active || !content.May(c.who, content.Preview, f) {
		return out
	}
	groups, asked := boxapi.ParseRepHints(c.Header.Get("X-Rep-Hints"))
	state := repSuccess
	if err := s.Preview.Look(c.Context(), s.source(f.Version)); content.Is(err, content.NoPreview) {
		state = repNone
	} else if err != nil {
		state = repError
		c.note(slog.String("preview", f.Version.ID.String()), slog.String("error", err.Error()))
	}
	if !asked {
		groups = [][]boxapi.RepHint{{{Representation: string(preview.JPEG)}}, {{Representation: string(preview.PNG)}}}
	}
	listed := map[string]bool{}
	list := func(name string, r boxapi.Representation) {
		if !listed[name] {
			listed[name] = true
			out.Entries = append(out.Entries, s.located(c, f, f.Version.ID, name, r))
		}
	}
	for _, group := range groups {
		forms := formsFor(group)
		if state == repNone {
			forms = nil
		}
		for _, form := range forms {
			list(repName(form), entry(form, state))
		}
		if len(forms) == 0 && asked {
			hint := group[0]
			name := hint.Representation
			if hint.Dimensions != "" {
				name += "_" + hint.Dimensions
			}
			list(name, boxapi.Representation{
				Representation: hint.Representation,
				Properties:     &boxapi.RepresentationProperties{Dimensions: hint.Dimensions, Paged: hint.Paged, Thumb: hint.Thumb},
				Status:         boxapi.RepresentationStatus{State: repNone},
			})
		}
	}
	return out
}

// formsFor are the forms that fit the first hint of a group which any fits.
func formsFor(group []boxapi.RepHint) (forms []preview.Form) {
	for _, hint := range group {
		for _, form := range preview.Forms() {
			if fits(form, hint) {
				forms = append(forms, form)
			}
		}
		if forms != nil {
			break
		}
	}
	return forms
}

// fits says whether a form is what a hint asks for.
func fits(f preview.Form, hint boxapi.RepHint) bool {
	return hint.Representation == string(f.Type) && hint.Paged != "true" &&
		(hint.Dimensions == "" || hint.Dimensions == dimensions(f)) &&
		(hint.Thumb == "" || hint.Thumb == strconv.FormatBool(f.Thumb()))
}

// entry is a form as one of a file's representations.
func entry(form preview.Form, state string) boxapi.Representation {
	return boxapi.Representation{
		Representation: string(form.Type),
		Properties:     &boxapi.RepresentationProperties{Dimensions: dimensions(form), Paged: "false", Thumb: strconv.FormatBool(form.Thumb())},
		Status:         boxapi.RepresentationStatus{State: state},
	}
}

// located adds where to ask about a representation and where its bytes are.
func (s *Server) located(c *call, f *content.File, version content.ID, name string, r boxapi.Representation) boxapi.Representation {
	url := fmt.Sprintf("%s/internal_files/%s/versions/%s/representations/%s", s.origins(c.Request).api(), f.ID, version, name)
	r.Info = &boxapi.RepresentationInfo{URL: url}
	r.Content = &boxapi.RepresentationContent{URLTemplate: url + "/content/{+asset_path}"}
	return r
}

// represented is the version that the path of a representation names.
func (s *Server) represented(c *call) (f *content.File, v content.Version, err error) {
	id, err := c.id("file")
	if err != nil {
		return nil, v, err
	}
	version, err := c.id("version")
	if err != nil {
		return nil, v, err
	}
	return s.Tree.Contents(c.Context(), c.who, content.Preview, id, version)
}

// representation handles GET of a representation's information. One that
// there is none of is an error here, so that nobody waits for it.
func (s *Server) representation(c *call) error {
	f, v, err := s.represented(c)
	if err != nil {
		return err
	}
	form, known := formOf(c.param("representation"))
	state := repSuccess
	if known {
		err = s.Preview.Look(c.Context(), s.source(v))
	}
	switch {
	case !known:
		name, _, _ := strings.Cut(c.param("representation"), "_")
		return s.write(c, http.StatusOK, boxapi.Representation{
			Representation: name, Status: boxapi.RepresentationStatus{State: repError},
		})
	case content.Is(err, content.NoPreview):
		state = repError
	case err != nil:
		return err
	}
	return s.write(c, http.StatusOK, s.located(c, f, v.ID, repName(form), entry(form, state)))
}

// seenSide is the side, in pixels, from which on a picture of a file counts as a
// look at it: smaller ones are thumbnails, which nobody asked to see in particular.
const seenSide = 1024

// representationContent handles GET of a representation's bytes. None is
// paged, so the path of the asset is empty or that of the first page.
func (s *Server) representationContent(c *call) error {
	f, v, err := s.represented(c)
	if err != nil {
		return err
	}
	form, known := formOf(c.param("representation"))
	asset := c.param("asset")
	if !known || asset != "" && asset != "1."+string(form.Type) {
		return content.Errorf(content.NotFound, "there is no such representation of file %s", f.ID)
	}
	var save string
	switch how := c.query("set_content_disposition_type"); how {
	case "":
	case "inline", "attachment":
		name := c.query("set_content_disposition_filename")
		if name == "" {
			name = strings.TrimSuffix(f.Name, path.Ext(f.Name)) + "." + string(form.Type)
		}
		save = how + strings.TrimPrefix(disposition(name), "attachment")
	default:
		return content.Errorf(content.BadRequest, "set_content_disposition_type can be inline or attachment, not %.40q", how)
	}
	if err := s.picture(c, f, v, form, save); err != nil {
		return err
	}
	if form.Side >= seenSide {
		s.Tree.Seen(c.who, f.ID, content.ItemPreview)
	}
	return nil
}
