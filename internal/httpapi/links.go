package httpapi

import (
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"boxcar/boxapi"
	"boxcar/internal/auth"
	"boxcar/internal/content"
	"boxcar/internal/tree"
)

// linkPath, vanityPath and staticPath are where shared links live.
const (
	linkPath   = "/s/"
	vanityPath = "/v/"
	staticPath = "/shared/static/"
	embedPath  = "/preview/expiring_embed/"
)

// itemRoutes are where a BoxApi header counts: what is about items.
var itemRoutes = []string{"/files", "/folders", "/web_links", "/shared_items", "/search"}

// bringLinks adds to the caller's rights the shared link that a BoxApi header
// names, and leaves of those that are in the token the ones that still are
// good. A link that is over, or not for the caller, is refused, as Box does; what
// has not the form of a link gives nothing, and takes nothing away.
func (s *Server) bringLinks(c *call, found *route) error {
	if len(c.who.Links) > 0 {
		good, err := s.Tree.GoodLinks(c.Context(), c.who)
		if err != nil {
			return err
		}
		c.who.Links = good
	}
	about := false
	for _, r := range itemRoutes {
		about = about || found.name == r || strings.HasPrefix(found.name, r+"/")
	}
	if !about {
		return nil
	}
	link, password := boxapi.ParseBoxAPI(c.Header.Get("BoxApi"))
	if _, _, ok := content.ParseLinkURL(link); !ok {
		return nil
	}
	g, err := s.Tree.ResolveLink(c.Context(), c.who, link, password)
	if err != nil {
		return err
	}
	c.who.Links = append(c.who.Links[:len(c.who.Links):len(c.who.Links)], g)
	c.link = &g
	return nil
}

// sharedItem handles GET /shared_items: the item of the link in the BoxApi header.
func (s *Server) sharedItem(c *call) error {
	if c.link == nil {
		if link, _ := boxapi.ParseBoxAPI(c.Header.Get("BoxApi")); link != "" {
			return content.Errorf(content.NotFound, "what the BoxApi header names is not a shared link of this server") // not quoted: it may be all but one
		}
		return content.Errorf(content.BadRequest, "the BoxApi header must name a shared link: shared_link=URL")
	}
	item, err := s.Tree.ByLink(c.Context(), c.who, *c.link)
	if err != nil {
		return err
	}
	c.note(slog.String("item", c.link.Item.String()))
	if c.notModified(content.NodeOf(item)) {
		return nil
	}
	if f, ok := item.(*content.Folder); ok {
		return s.folderReply(c, http.StatusOK, f)
	}
	return s.itemReply(c, http.StatusOK, item)
}

// linkChange is what a body asks for of an item's shared link; nil takes it away.
func (s *Server) linkChange(c *call, body *boxapi.UpdateSharedLink) (tree.LinkChange, error) {
	if body == nil {
		return s.Tree.LinkChange(c.Context(), nil)
	}
	set := tree.LinkSettings{}
	if body.Access != nil && *body.Access != "" {
		access := content.LinkAccess(strings.ToLower(*body.Access))
		set.Access = &access
	}
	if body.Password.Given {
		set.Password = orEmpty(body.Password.Value)
	}
	if body.VanityName.Given {
		set.Vanity = orEmpty(body.VanityName.Value)
	}
	if body.UnsharedAt.Given {
		set.UnsharedAt = &time.Time{}
		if body.UnsharedAt.Value != nil {
			set.UnsharedAt = &body.UnsharedAt.Value.Time
		}
	}
	if p := body.Permissions; p != nil {
		set.Download, set.Edit = p.CanDownload, p.CanEdit
	}
	return s.Tree.LinkChange(c.Context(), &set)
}

func orEmpty(text *string) *string {
	if text == nil {
		return new(string)
	}
	return text
}

// linkFields are what an item says of its shared link.
type linkFields struct {
	link            *boxapi.SharedLink
	accessible      *bool
	levels, options boxapi.List[string]
}

func (s *Server) linkFields(c *call, item content.Item, view boxapi.View) (f linkFields) {
	n := content.NodeOf(item)
	if n.Link != nil && view.Wants("shared_link", boxapi.LevelStandard) && content.SeesLink(c.who, item) {
		f.link = s.sharedLink(c, item, n.Link)
	}
	if view.Fields.Has("is_accessible_via_shared_link") {
		is := n.Link != nil
		for i := range n.Path {
			is = is || n.Path[i].Linked
		}
		f.accessible = &is
	}
	folder, isFolder := item.(*content.Folder)
	_, isFile := item.(*content.File)
	root := isFolder && folder.Root
	if view.Fields.Has("allowed_shared_link_access_levels") {
		f.levels = boxapi.List[string]{}
		if !root {
			f.levels = boxapi.List[string]{string(content.LinkOpen), string(content.LinkCompany), string(content.LinkCollaborators)}
		}
	}
	if view.Fields.Has("shared_link_permission_options") {
		f.options = boxapi.List[string]{"can_preview", "can_download"}
		if isFile {
			f.options = append(f.options, "can_edit")
		}
	}
	return f
}

// sharedLink is a link as the wire has it.
func (s *Server) sharedLink(c *call, item content.Item, l *content.SharedLink) *boxapi.SharedLink {
	base := s.origins(c.Request).app()
	out := &boxapi.SharedLink{
		URL:                 base + linkPath + l.Token,
		EffectiveAccess:     string(l.Access),
		EffectivePermission: "can_preview",
		IsPasswordEnabled:   l.Password,
		UnsharedAt:          boxapi.Time{Time: l.UnsharedAt},
		DownloadCount:       l.Downloads,
		PreviewCount:        l.Previews,
		Access:              string(l.Access),
		Permissions:         boxapi.SharedLinkPermissions{CanPreview: true, CanDownload: l.Download, CanEdit: l.Edit},
	}
	switch {
	case l.Edit:
		out.EffectivePermission = "can_edit"
	case l.Download:
		out.EffectivePermission = "can_download"
	}
	if f, ok := item.(*content.File); ok {
		out.DownloadURL = boxapi.NullString(base + staticPath + content.StaticName(l.Token, f.Name))
	}
	if l.Vanity != "" {
		out.VanityName = boxapi.NullString(l.Vanity)
		out.VanityURL = boxapi.NullString(base + vanityPath + l.Vanity)
	}
	return out
}

// contentGrant is what a content URL needs so that the caller gets a version
// of a file by it: as the caller, or as whoever has the link that the caller came with.
func (s *Server) contentGrant(who content.Principal, f *content.File, version content.ID, use auth.GrantUse, life time.Duration) auth.Grant {
	g := auth.Grant{User: who.User, File: f.ID, Version: version, Use: use, Until: s.Now().Add(life)}
	if link, ok := content.LinkFor(who, content.Download, f); ok {
		g.Link, g.Stamp = link.Item, link.Stamp
	}
	return g
}

// grantee is the principal of a grant, with the link that it was made for if
// that is still good.
func (s *Server) grantee(c *call, g auth.Grant, who content.Principal) (content.Principal, error) {
	if g.Link == 0 {
		return who, nil
	}
	o, err := s.Tree.LinkAgain(c.Context(), who, g.Link, g.Stamp)
	if content.Is(err, content.AccessDenied) {
		err = content.Errorf(content.NotFound, "this shared link is not for you any more")
	}
	if err != nil {
		return who, err
	}
	who.Links = []content.LinkGrant{o.Link.Grant()}
	return who, nil
}

// embedLife is how long an embed URL is good, as Box documents; what it shows
// is good for longer.
const embedLife = time.Minute

// embedLink makes the address of a page that shows a file in somebody else's page,
// and a token for whoever writes a viewer of their own; nil for who may not download the file.
func (s *Server) embedLink(c *call, f *content.File) (any, error) {
	if f.Status != content.Active || !content.May(c.who, content.Download, f) {
		return nil, nil
	}
	t, err := s.Auth.Narrow(c.Context(), c.who, []content.Scope{content.ScopeBasePreview, content.ScopeItemPreview, content.ScopeItemDownload}, f.ID)
	if err != nil {
		return nil, err
	}
	token := boxapi.TokenReply{AccessToken: t.Access, ExpiresIn: int64(t.Life / time.Second), TokenType: "bearer"}
	for _, r := range t.RestrictedTo {
		token.RestrictedTo = append(token.RestrictedTo, boxapi.Restriction{Scope: string(r.Scope), Object: restrictedObject(r.Item)})
	}
	grant := s.Auth.Sign(s.contentGrant(c.who, f, 0, auth.ForEmbed, embedLife))
	return boxapi.ExpiringEmbedLink{Token: token, URL: s.origins(c.Request).app() + embedPath + grant}, nil
}

// pathOf is the path below which the server is published, without a slash at its end.
func (s *Server) pathOf() string {
	u, err := url.Parse(s.PublicURL)
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(u.Path, "/")
}
