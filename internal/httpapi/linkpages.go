package httpapi

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"boxcar/internal/auth"
	"boxcar/internal/content"
	"boxcar/internal/preview"
	"boxcar/internal/tree"
)

// The pages that a shared link opens in a browser. They need no script, and no
// cookie unless the link has a password.

//go:embed link.css
var linkCSS string

//go:embed link.html
var linkHTML string

var linkTemplate = template.Must(template.New("link").Parse(strings.Replace(linkHTML, "@CSS@", linkCSS, 1)))

// linkPolicy lets the pages' own style in, and files of this server to be shown.
var linkPolicy = func() string {
	sum := sha256.Sum256([]byte(linkCSS))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; img-src 'self'; media-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors "
}()

// linkPage is what such a page shows.
type linkPage struct {
	Kind    string // "folder", "file", "web", "password" or "problem"
	Title   string // the item's name
	Icon    string
	Owner   string // whose it is
	Problem string // what went wrong, or why there is nothing to show
	Summary string
	At      time.Time
	Embed   bool // it stands in somebody else's page

	Crumbs      []linkCrumb // the folders above, from the shared one on
	Rows        []linkRow
	First, Next string

	Download     string
	Show         string // how the file is shown: "image", "video", "audio", "pdf", "text", or not at all
	Source, Text string
	Cut          bool // Text is not all of it

	Web, WebText string
}

type linkCrumb struct{ Name, URL string }

type linkRow struct {
	Icon, Name, URL, Size string
	At                    time.Time
}

const (
	linkCookie = "boxcar-link"
	pageRows   = 100
	textShown  = 128 << 10 // bytes
	showLife   = time.Hour // of the URLs by which a page shows a file
)

// paged makes pages of what went wrong.
func (s *Server) paged(h handler) handler {
	return func(c *call) error {
		err := c.gone(h(c))
		if err == nil || c.w.status != 0 {
			return err
		}
		c.w.cause = err
		status, code, _ := Answer(err)
		c.w.code = code
		p := linkPage{Kind: "problem", Icon: "broken"}
		switch content.KindOf(err) {
		case content.NotFound, content.Trashed, content.NoPreview:
			status = http.StatusNotFound
			p.Title, p.Problem = "This link does not work", "It may have been taken back, it may be over, or the address is not complete. Ask whoever sent it to you for a new one."
		case content.AccessDenied, content.InsufficientScope, content.ItemLocked:
			var e *content.Error
			errors.As(err, &e)
			status = http.StatusForbidden
			p.Icon, p.Title, p.Problem = "lock", "You can’t open this here", sentence(e.Message)
		case content.RateLimited:
			p.Icon, p.Title, p.Problem = "lock", "Please wait a moment", "There were too many wrong passwords for this link. Try again in a minute."
		case content.Unavailable:
			p.Title, p.Problem = "The server is busy", "Please try again in a moment."
		case content.BadRequest, content.BodyTooLarge:
			p.Title, p.Problem = "This did not work", "Go back and try again."
		default:
			p.Title, p.Problem = "Something went wrong", "This is not your fault. Please try again later."
		}
		var e *content.Error
		if errors.As(err, &e) && e.RetryAfter > 0 {
			c.w.Header().Set("Retry-After", strconv.Itoa(int((e.RetryAfter+time.Second-1)/time.Second)))
		}
		return s.showLinkPage(c, status, p)
	}
}

// sentence makes one of an error's message.
func sentence(message string) string {
	r, n := utf8.DecodeRuneInString(message)
	return strings.ToUpper(string(r)) + message[n:] + "."
}

func (s *Server) showLinkPage(c *call, status int, p linkPage) error {
	var b bytes.Buffer
	if err := linkTemplate.Execute(&b, p); err != nil {
		return err
	}
	h := c.w.Header()
	if p.Embed {
		h.Set("Content-Security-Policy", linkPolicy+"*")
	} else {
		h.Set("Content-Security-Policy", linkPolicy+"'none'")
		h.Set("X-Frame-Options", "DENY")
	}
	quietHeaders(h)
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	c.w.WriteHeader(status)
	c.w.Write(b.Bytes()) // a browser that has gone does not matter
	return nil
}

// quietHeaders keep an address that is a key out of search engines and of what
// other sites are told.
func quietHeaders(h http.Header) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin") // without any, browsers hide where a form comes from, from us too
	h.Set("X-Robots-Tag", "noindex, nofollow")
}

func (s *Server) linkRedirect(c *call, status int, to string) error {
	quietHeaders(c.w.Header())
	c.w.Header().Set("Location", to)
	c.w.Header().Set("Content-Length", "0")
	c.w.WriteHeader(status)
	return nil
}

// openLink gives the link that the path names to somebody with a browser; from
// here on the caller has what the link gives.
func (s *Server) openLink(c *call) (*tree.Opened, error) {
	name := tree.LinkName{Token: c.param("token"), Vanity: c.param("vanity")}
	o, err := s.Tree.OpenLink(c.Context(), c.who, name, tree.LinkKey{Has: func(l content.SharedLink) bool {
		for _, cookie := range c.CookiesNamed(linkCookie) {
			if s.Auth.IsLinkKey(cookie.Value, l.Item, l.Stamp) {
				return true
			}
		}
		return false
	}})
	if err != nil {
		return nil, err
	}
	c.note(slog.String("link", o.Link.Item.String()))
	c.who.Links = []content.LinkGrant{o.Link.Grant()}
	return o, nil
}

// ask asks for the password of a link.
func (s *Server) ask(c *call, status int, problem string) error {
	return s.showLinkPage(c, status, linkPage{Kind: "password", Title: "Password", Problem: problem})
}

// root is the way from the page to where the server's paths begin, as the
// browser sees them.
func (c *call) root() string {
	return strings.Repeat("../", strings.Count(strings.TrimPrefix(c.URL.EscapedPath(), "/"), "/"))
}

// linkURL is the address of an item below a link, for use in the page.
func (c *call) linkURL(o *tree.Opened, item content.Item) string {
	at := c.root() + linkPath[1:] + o.Link.Token
	n := content.NodeOf(item)
	switch item.(type) {
	case *content.Folder:
		if n.ID != o.Link.Item {
			at += "/folder/" + n.ID.String()
		}
	case *content.File:
		if n.ID != o.Link.Item {
			at += "/file/" + n.ID.String()
		}
	}
	return at
}

// linkPages handles GET /s/:token: the item of a shared link, and what is below it.
func (s *Server) linkPages(c *call) error {
	o, err := s.openLink(c)
	if content.Is(err, content.LinkPassword) {
		return s.ask(c, http.StatusOK, "")
	}
	if err != nil {
		return err
	}
	item, err := s.below(c, o)
	if err != nil {
		return err
	}
	switch i := item.(type) {
	case *content.Folder:
		return s.folderPage(c, o, i)
	case *content.File:
		if c.Method == http.MethodGet {
			s.Tree.CountPreview(o.Link.Item)
		}
		p := s.filePage(c, i, false)
		if p.Show == "" && pictured(i.Name) && content.May(c.who, content.Preview, i) {
			p.Show, p.Source = "image", c.linkURL(o, i)+"/preview"
		}
		p.Owner, p.Crumbs = i.OwnedBy.Name, c.crumbs(o, i)
		if content.May(c.who, content.Download, i) {
			p.Download = c.linkURL(o, i) + "/download"
		}
		return s.showLinkPage(c, http.StatusOK, p)
	}
	w := item.(*content.WebLink)
	return s.showLinkPage(c, http.StatusOK, linkPage{
		Kind: "web", Title: w.Name, Icon: "web", Owner: w.OwnedBy.Name, Summary: "Link to another site", At: w.ModifiedAt, Web: w.URL, WebText: w.URL,
	})
}

// below is the item that the path names, or the link's own.
func (s *Server) below(c *call, o *tree.Opened) (content.Item, error) {
	for _, param := range []string{"folder", "file"} {
		if c.param(param) == "" {
			continue
		}
		id, err := c.id(param)
		if err != nil {
			return nil, err
		}
		if id == 0 {
			return nil, content.Errorf(content.NotFound, "there is no root here")
		}
		if param == "folder" {
			return s.Tree.Folder(c.Context(), c.who, id)
		}
		f, _, err := s.Tree.Contents(c.Context(), c.who, content.Download, id, 0)
		if content.Is(err, content.AccessDenied, content.ItemLocked) {
			// It can't be downloaded; it may still be seen.
			item, err := s.Tree.Item(c.Context(), c.who, tree.File, id)
			if err == nil && content.NodeOf(item).Status != content.Active {
				err = content.Errorf(content.NotFound, "the file is in the trash")
			}
			return item, err
		}
		return f, err
	}
	return o.Item, nil
}

// crumbs are the folders between the shared one and an item.
func (c *call) crumbs(o *tree.Opened, item content.Item) (all []linkCrumb) {
	above := content.PathFor(c.who, item)
	for i := range above {
		all = append(all, linkCrumb{above[i].Name, c.linkURL(o, &above[i])})
	}
	return all
}

func (s *Server) folderPage(c *call, o *tree.Opened, f *content.Folder) error {
	after, err := parseMark(c.query("after"))
	if err != nil {
		return err
	}
	l, err := s.Tree.List(c.Context(), c.who, f.ID, tree.Page{Limit: pageRows, After: after})
	if err != nil {
		return err
	}
	p := linkPage{
		Kind: "folder", Title: f.Name, Icon: "folder", Owner: f.OwnedBy.Name, Crumbs: c.crumbs(o, f),
		Summary: counted(l.Total, "item") + ", " + sizeText(f.Size),
	}
	if l.Total == 0 {
		p.Summary = "Empty"
	}
	here := c.linkURL(o, f)
	if after != nil {
		p.First = here
	}
	if l.Next != nil {
		p.Next = here + "?after=" + url.QueryEscape(string(formatMark(l.Next)))
	}
	for _, item := range l.Items {
		n := content.NodeOf(item)
		row := linkRow{Name: n.Name, At: n.ModifiedAt.UTC(), URL: c.linkURL(o, item)}
		switch i := item.(type) {
		case *content.Folder:
			row.Icon, row.Size = "folder", counted(i.Holds, "item")
		case *content.File:
			row.Icon, row.Size = iconOf(i.Name), sizeText(i.Version.Size)
		case *content.WebLink:
			row.Icon, row.URL = "web", i.URL
		}
		p.Rows = append(p.Rows, row)
	}
	return s.showLinkPage(c, http.StatusOK, p)
}

// filePage is the page of a file, without what leads to others. What is shown
// of the file is what the caller may download.
func (s *Server) filePage(c *call, f *content.File, embed bool) linkPage {
	p := linkPage{
		Kind: "file", Title: f.Name, Icon: iconOf(f.Name), At: f.ModifiedAt.UTC(), Summary: sizeText(f.Version.Size), Embed: embed,
		Problem: "There is no preview of this kind of file.",
	}
	if !content.May(c.who, content.Download, f) {
		p.Problem = "The owner does not let this file be downloaded."
		return p
	}
	kind := shownAs(f.Name)
	switch {
	case kind != "":
		p.Show = kind
		// With the name at the end, which viewers put above the file.
		p.Source = c.root() + contentPath[1:] + s.Auth.Sign(s.contentGrant(c.who, f, f.Version.ID, auth.ForShow, showLife)) + "/" + url.PathEscape(f.Name)
	case p.Icon == "text":
		if text, cut, ok := s.beginning(c, f.Version); ok {
			p.Show, p.Text, p.Cut = "text", text, cut
		}
	}
	return p
}

// beginning is the start of a file that is text.
func (s *Server) beginning(c *call, v content.Version) (text string, cut, ok bool) {
	r, err := s.Tree.Open(c.Context(), v)
	if err != nil {
		return "", false, false
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, textShown))
	if err != nil {
		return "", false, false
	}
	cut = int64(len(b)) < v.Size
	text, ok = plainText(b, cut)
	return text, cut, ok
}

// plainText is the bytes as text, if they are some. Where they were cut, the last
// character may not be whole, and is left out.
func plainText(b []byte, cut bool) (text string, ok bool) {
	for i := 1; cut && i < utf8.UTFMax && len(b) > 0; i++ {
		if r, n := utf8.DecodeLastRune(b); r != utf8.RuneError || n != 1 {
			break
		}
		b = b[:len(b)-1]
	}
	if len(b) == 0 || !utf8.Valid(b) || bytes.IndexByte(b, 0) >= 0 {
		return "", false
	}
	return string(b), true
}

// linkForm handles POST /s/:token: the password. It goes into no URL; the
// browser keeps a key that is good for this link and its password only.
func (s *Server) linkForm(c *call) error {
	if err := http.NewCrossOriginProtection().Check(c.Request); err != nil {
		return content.Errorf(content.AccessDenied, "this form did not come from here").Because(err)
	}
	form, err := c.form()
	if err != nil {
		return err
	}
	name := tree.LinkName{Token: c.param("token")}
	o, err := s.Tree.OpenLink(c.Context(), c.who, name, tree.LinkKey{Password: form.Get("password")})
	if content.Is(err, content.LinkPassword) {
		c.w.cause = err
		return s.ask(c, http.StatusForbidden, "That is not the password.")
	}
	if err != nil {
		return err
	}
	key, life := s.Auth.LinkKey(o.Link.Item, o.Link.Stamp)
	http.SetCookie(c.w, &http.Cookie{
		Name: linkCookie, Value: key, Path: s.pathOf() + linkPath + o.Link.Token, MaxAge: int(life / time.Second),
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: strings.HasPrefix(s.origins(c.Request).base, "https:"),
	})
	return s.linkRedirect(c, http.StatusSeeOther, s.pathBack(c))
}

// pathBack leads to the page itself once more.
func (s *Server) pathBack(c *call) string {
	segments := strings.Split(strings.Trim(c.URL.EscapedPath(), "/"), "/")
	return c.root() + strings.Join(segments, "/")
}

// linkDownload handles GET /s/:token/download, and the same of a file below it.
func (s *Server) linkDownload(c *call) error {
	o, err := s.openLink(c)
	if content.Is(err, content.LinkPassword) {
		return s.linkRedirect(c, http.StatusFound, c.root()+linkPath[1:]+c.param("token"))
	}
	if err != nil {
		return err
	}
	item, err := s.below(c, o)
	if err != nil {
		return err
	}
	return s.toContent(c, item)
}

// linkPreview handles GET /s/:token/preview, and the same of a file below it: a
// small form of a picture that may be seen and not downloaded.
func (s *Server) linkPreview(c *call) error {
	o, err := s.openLink(c)
	if err != nil {
		return err
	}
	item, err := s.below(c, o)
	if err != nil {
		return err
	}
	f, ok := item.(*content.File)
	if !ok {
		return content.Errorf(content.NotFound, "only files have previews")
	}
	if err := content.Allow(c.who, content.Preview, f); err != nil {
		return err
	}
	quietHeaders(c.w.Header())
	return s.picture(c, f, f.Version, preview.Form{Type: preview.JPEG, Side: previewSide}, "inline")
}

// previewSide is how large such a picture is, in pixels.
const previewSide = 1024

// pictured says whether there may be a preview of a file, by its name.
func pictured(name string) bool {
	switch dotted(name) {
	case ".jpg", ".jpeg", ".png", ".gif", ".webp":
		return true
	}
	return false
}

// toContent sends a browser to the bytes of a file.
func (s *Server) toContent(c *call, item content.Item) error {
	f, ok := item.(*content.File)
	if !ok {
		return content.Errorf(content.NotFound, "only files can be downloaded")
	}
	if err := content.Allow(c.who, content.Download, f); err != nil {
		return content.Errorf(content.AccessDenied, "the owner does not let this file be downloaded").Because(err)
	}
	grant := s.Auth.Sign(s.contentGrant(c.who, f, f.Version.ID, auth.ForDownload, s.Limits.ContentLife))
	return s.linkRedirect(c, http.StatusFound, s.origins(c.Request).content()+contentPath+grant)
}

// staticDownload handles GET /shared/static/TOKEN.EXT: the file itself. Where
// it takes a password, the page asks for it.
func (s *Server) staticDownload(c *call) error {
	token := content.StaticToken(c.param("name"))
	c.params["token"] = token
	o, err := s.openLink(c)
	if content.Is(err, content.LinkPassword) {
		return s.linkRedirect(c, http.StatusFound, s.origins(c.Request).app()+linkPath+token)
	}
	if err != nil {
		return err
	}
	return s.toContent(c, o.Item)
}

// vanityLink handles GET /v/:vanity, which is another name of /s/:token.
func (s *Server) vanityLink(c *call) error {
	token, err := s.Tree.LinkToken(c.Context(), c.param("vanity"))
	if err != nil {
		return err
	}
	return s.linkRedirect(c, http.StatusFound, s.origins(c.Request).app()+linkPath+token)
}

// embed handles GET /preview/expiring_embed/:grant: a file's page without what
// is around it, for frames of other sites.
func (s *Server) embed(c *call) error {
	grant, who, err := s.Auth.Grant(c.Context(), c.param("grant"), auth.ForEmbed)
	if content.Is(err, content.TokenExpired) {
		err = content.Errorf(content.NotFound, "this embed URL has expired")
	}
	if err != nil {
		return err
	}
	if c.who, err = s.grantee(c, grant, who); err != nil {
		return err
	}
	f, _, err := s.Tree.Contents(c.Context(), c.who, content.Download, grant.File, 0)
	if err != nil {
		return err
	}
	if grant.Link != 0 && c.Method == http.MethodGet {
		s.Tree.CountPreview(grant.Link)
	}
	p := s.filePage(c, f, true)
	p.Download = c.root() + contentPath[1:] + s.Auth.Sign(s.contentGrant(c.who, f, f.Version.ID, auth.ForDownload, showLife))
	return s.showLinkPage(c, http.StatusOK, p)
}

// shownTypes are what browsers can show and what can't run anything, by
// extension. Pictures in SVG are not among them: they are programs as well.
var shownTypes = map[string]string{
	".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif", ".webp": "image/webp", ".avif": "image/avif", ".bmp": "image/bmp",
	".mp4": "video/mp4", ".m4v": "video/mp4", ".webm": "video/webm", ".ogv": "video/ogg", ".mov": "video/quicktime",
	".mp3": "audio/mpeg", ".m4a": "audio/mp4", ".aac": "audio/aac", ".ogg": "audio/ogg", ".oga": "audio/ogg", ".opus": "audio/ogg", ".wav": "audio/wav", ".flac": "audio/flac",
	".pdf": "application/pdf",
}

func dotted(name string) string { return strings.ToLower(path.Ext(name)) }

// shownAs is how a page shows a file: "image", "video", "audio", "pdf", or "".
func shownAs(name string) string {
	t := shownTypes[dotted(name)]
	if t == "application/pdf" {
		return "pdf"
	}
	kind, _, _ := strings.Cut(t, "/")
	return kind
}

// showInline changes the headers of a file so that browsers show it, if it is of
// a kind that is safe to show. It stays in a sandbox, except for PDF, which
// browsers' own viewers refuse to show in one; they run nothing of it in our origin.
func showInline(h http.Header, name string) {
	t := shownTypes[dotted(name)]
	if t == "" {
		return
	}
	h.Set("Content-Type", t)
	h.Set("Content-Disposition", "inline"+strings.TrimPrefix(disposition(name), "attachment"))
	if t == "application/pdf" {
		h.Set("Content-Security-Policy", "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'")
	}
}

// fromStart says whether a request gets a file, or its first piece.
func fromStart(c *call) bool {
	r := strings.TrimSpace(c.Header.Get("Range"))
	return c.Method == http.MethodGet && (r == "" || strings.HasPrefix(r, "bytes=0-"))
}

// iconOf is the picture that stands for a file.
func iconOf(name string) string {
	if kind := shownAs(name); kind != "" {
		return kind
	}
	switch dotted(name) {
	case ".svg", ".heic", ".tif", ".tiff", ".psd", ".ico":
		return "image"
	case ".mkv", ".avi", ".wmv":
		return "video"
	case ".zip", ".gz", ".tgz", ".tar", ".7z", ".rar", ".bz2", ".xz", ".zst":
		return "archive"
	case ".txt", ".md", ".csv", ".tsv", ".log", ".json", ".xml", ".yaml", ".yml", ".toml", ".ini", ".conf", ".sql", ".html", ".htm", ".css",
		".js", ".ts", ".jsx", ".tsx", ".go", ".py", ".rb", ".rs", ".java", ".kt", ".c", ".h", ".cc", ".cpp", ".cs", ".php", ".sh", ".tex", ".rst", ".diff", ".patch":
		return "text"
	}
	return "file"
}

func counted(n int64, what string) string {
	switch n {
	case 0:
		return "no " + what + "s"
	case 1:
		return "1 " + what
	}
	return strconv.FormatInt(n, 10) + " " + what + "s"
}

// sizeText is a size as people read it.
func sizeText(n int64) string {
	if n < 1000 {
		return counted(n, "byte")
	}
	f, unit := float64(n), 0
	for f >= 999.5 {
		f /= 1000
		unit++
	}
	text := fmt.Sprintf("%.1f", f)
	if f >= 99.95 {
		text = fmt.Sprintf("%.0f", f)
	}
	return strings.TrimSuffix(text, ".0") + " " + []string{"B", "kB", "MB", "GB", "TB", "PB", "EB"}[unit]
}
