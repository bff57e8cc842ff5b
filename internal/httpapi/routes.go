package httpapi

import (
	"net/http"
	"path"
	"strings"

	"boxcar/internal/content"
	"boxcar/internal/preview"
	"boxcar/internal/tree"
)

// handler answers a call, or says why not.
type handler func(*call) error

type route struct {
	method  string
	pattern []string // segments; those that begin with ":" are parameters
	name    string   // for the log
	open    bool     // needs no token
	handle  handler
}

// table is every route, below /2.0 unless the pattern says otherwise. Of two
// patterns that match, the first counts, so literals stand before parameters.
func (s *Server) table() []route {
	var t []route
	add := func(method, pattern string, h handler) {
		t = append(t, route{method: method, pattern: strings.Split("2.0"+pattern, "/"), name: pattern, handle: h})
	}
	open := func(method, pattern string, h handler) {
		t = append(t, route{method: method, pattern: strings.Split(pattern[1:], "/"), name: pattern, open: true, handle: h})
	}

	add("POST", "/files/upload_sessions", s.createSession)
	add("GET", "/files/upload_sessions/:session", s.getSession)
	add("PUT", "/files/upload_sessions/:session", s.putPart)
	add("DELETE", "/files/upload_sessions/:session", s.abortSession)
	add("GET", "/files/upload_sessions/:session/parts", s.listParts)
	add("POST", "/files/upload_sessions/:session/commit", s.commitSession)
	add("POST", "/files/upload_sessions/:session/log", s.logEvent)
	add("GET", "/files/upload_sessions/:session/log", s.sessionLog)
	add("POST", "/files/upload_sessions/:session/plan", s.planSession)
	add("POST", "/files/:file/upload_sessions", s.createSession)
	add("OPTIONS", "/files/content", s.preflight)
	add("OPTIONS", "/files/:file/content", s.preflight)
	add("POST", "/files/content", s.simpleUpload)
	add("POST", "/files/:file/content", s.simpleUpload)

	add("GET", "/files/:file", s.itemOf("file", tree.File))
	add("PUT", "/files/:file", s.updateFile)
	add("DELETE", "/files/:file", s.deleteOf("file", tree.File))
	get, purge, restore := s.trashOf("file", tree.File)
	add("POST", "/files/:file", restore)
	add("GET", "/files/:file/trash", get)
	add("DELETE", "/files/:file/trash", purge)
	add("POST", "/files/:file/copy", s.copyFile)
	add("GET", "/files/:file/content", s.download)
	add("GET", "/files/:file/thumbnail.png", s.thumbnail(preview.PNG))
	add("GET", "/files/:file/thumbnail.jpg", s.thumbnail(preview.JPEG))
	add("GET", "/files/:file/versions", s.listVersions)
	add("POST", "/files/:file/versions/current", s.promoteVersion)
	add("GET", "/files/:file/versions/:version", s.getVersion)
	add("PUT", "/files/:file/versions/:version", s.restoreVersion)
	add("DELETE", "/files/:file/versions/:version", s.deleteVersion)
	add("POST", "/folders", s.createFolder)
	add("GET", "/folders/trash/items", s.listTrash)
	add("GET", "/folders/:folder", s.getFolder)
	add("PUT", "/folders/:folder", s.updateFolder)
	add("DELETE", "/folders/:folder", s.deleteFolder)
	get, purge, restore = s.trashOf("folder", tree.Folder)
	add("POST", "/folders/:folder", restore)
	add("GET", "/folders/:folder/trash", get)
	add("DELETE", "/folders/:folder/trash", purge)
	add("POST", "/folders/:folder/copy", s.copyFolder)
	add("GET", "/folders/:folder/items", s.listItems)
	add("GET", representationPath, s.representation)
	add("GET", representationPath+"/content", s.representationContent)
	add("GET", representationPath+"/content/:asset", s.representationContent)
	add("GET", "/events", s.listEvents)
	add("OPTIONS", "/events", s.realtime)
	add("GET", "/recent_items", s.listRecents)
	add("POST", "/web_links", s.createWebLink)
	add("GET", "/web_links/:web_link", s.itemOf("web_link", tree.WebLink))
	add("PUT", "/web_links/:web_link", s.updateWebLink)
	add("DELETE", "/web_links/:web_link", s.deleteOf("web_link", tree.WebLink))
	get, purge, restore = s.trashOf("web_link", tree.WebLink)
	add("POST", "/web_links/:web_link", restore)
	add("GET", "/web_links/:web_link/trash", get)
	add("DELETE", "/web_links/:web_link/trash", purge)
	add("GET", "/collections", s.listCollections)
	add("GET", "/collections/:collection", s.getCollection)
	add("GET", "/collections/:collection/items", s.listCollection)
	add("GET", "/search", s.search)
	add("GET", "/users/me", s.getMe)
	add("GET", "/users/:user", s.getUser)
	add("PUT", "/users/:user", s.changeUser)
	add("DELETE", "/users/:user", s.deleteUser)
	add("GET", "/users", s.listUsers)
	add("POST", "/users", s.createUser)

	add("GET", "/shared_items", s.sharedItem)
	for _, below := range []string{"", "/folder/:folder", "/file/:file"} {
		open("GET", linkPath+":token"+below, s.paged(s.linkPages))
		open("POST", linkPath+":token"+below, s.paged(s.linkForm))
	}
	open("GET", linkPath+":token/download", s.paged(s.linkDownload))
	open("GET", linkPath+":token/file/:file/download", s.paged(s.linkDownload))
	open("GET", linkPath+":token/preview", s.paged(s.linkPreview))
	open("GET", linkPath+":token/file/:file/preview", s.paged(s.linkPreview))
	open("GET", vanityPath+":vanity", s.paged(s.vanityLink))
	open("GET", staticPath+":name", s.paged(s.staticDownload))
	open("GET", embedPath+":grant", s.paged(s.embed))

	open("GET", "/2.0"+followPath+":grant", s.follow)
	open("GET", contentPath+":grant", s.content)
	open("HEAD", contentPath+":grant", s.content)
	open("GET", contentPath+":grant/:name", s.content)
	open("GET", placeholderPath+":image", s.placeholder)
	open("GET", handoutPath+":token", s.handout)
	open("GET", "/healthz", s.healthy)
	open("GET", "/readyz", s.ready)
	open("POST", "/html5", s.reachable)
	open("POST", "/oauth2/token", s.oauthToken)
	open("POST", "/oauth2/revoke", s.oauthRevoke)
	open("GET", "/oauth2/authorize", s.authorize)
	open("POST", "/oauth2/authorize", s.authorizeForm)
	return t
}

// find gets the route for a path and method. A path belongs to the first
// pattern that it matches; if that has no such method, allowed are the ones it has.
func (s *Server) find(method, urlPath string) (r *route, params map[string]string, allowed []string) {
	segments := strings.Split(clean(urlPath), "/")
	pattern := ""
	for i := range s.routes {
		r := &s.routes[i]
		params, ok := match(r.pattern, segments)
		if !ok || pattern != "" && r.name != pattern {
			continue
		}
		pattern = r.name
		if r.method == method || r.method == "GET" && method == "HEAD" {
			return r, params, nil
		}
		allowed = append(allowed, r.method)
	}
	return nil, nil, allowed
}

// clean brings a path to one form: what is below /2.0 and /oauth2 is also there
// below /api, and a slash at the end does not matter. Nothing is ever redirected.
func clean(p string) string {
	p = strings.TrimPrefix(path.Clean("/"+p), "/")
	if rest, ok := strings.CutPrefix(p, "api/"); ok && (strings.HasPrefix(rest, "2.0/") || strings.HasPrefix(rest, "oauth2/")) {
		p = rest
	}
	return p
}

func match(pattern, segments []string) (params map[string]string, ok bool) {
	if len(pattern) != len(segments) {
		return nil, false
	}
	for i, p := range pattern {
		switch {
		case strings.HasPrefix(p, ":"):
			if params == nil {
				params = map[string]string{}
			}
			params[p[1:]] = segments[i]
		case p != segments[i]:
			return nil, false
		}
	}
	return params, true
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	c := s.begin(rw, r)
	defer s.end(c)

	s.allowOrigin(c)
	if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
		c.w.route = "CORS preflight"
		s.finish(c, s.corsPreflight(c))
		return
	}
	found, params, allowed := s.find(r.Method, r.URL.Path)
	if found == nil {
		c.w.route = "none"
		if len(allowed) > 0 {
			c.w.Header().Set("Allow", strings.Join(allowed, ", "))
			s.finish(c, content.Errorf(content.MethodNotAllowed, "%s is not a method of this resource", r.Method))
			return
		}
		s.finish(c, content.Errorf(content.NotFound, "there is nothing at this path"))
		return
	}
	c.w.route, c.params = found.name, params
	if found.open {
		c.body.most = s.Limits.OpenBody
	} else {
		if err := s.authenticate(c, found); err != nil {
			s.finish(c, err)
			return
		}
	}
	s.finish(c, found.handle(c))
}

// authenticate finds out who is asking.
func (s *Server) authenticate(c *call, found *route) error {
	scheme, token, _ := strings.Cut(c.Header.Get("Authorization"), " ")
	token = strings.TrimSpace(token)
	if !strings.EqualFold(scheme, "Bearer") {
		token = ""
	}
	if token == "" && found.method == "GET" && loaded(found.name) {
		token = c.query("access_token")
	}
	if token == "" {
		return errNoToken
	}
	who, err := s.Auth.Authenticate(c.Context(), token, strings.TrimSpace(c.Header.Get("As-User")))
	c.who = who
	if err != nil {
		return err
	}
	if c.leave, err = s.shares.enter(who.User, s.Now()); err != nil {
		return err
	}
	return s.bringLinks(c, found)
}

// loaded says whether browsers load what is at a route by its address alone,
// as files and pictures, so that the token may be in it.
func loaded(route string) bool {
	return strings.HasSuffix(route, "/content") || strings.HasSuffix(route, "/content/:asset") || strings.Contains(route, "/thumbnail.")
}

var errNoToken = content.Errorf(content.Unauthorized, "there is no bearer token")
