package httpapi

import (
	"net/http"
	"slices"

	"boxcar/internal/content"
)

// fieldOrigin marks the error about an origin that is not allowed.
const fieldOrigin = "origin"

// allowOrigin lets pages of an allowed origin read the reply, errors too.
func (s *Server) allowOrigin(c *call) {
	origin := c.Header.Get("Origin")
	if origin == "" || !s.allows(origin) {
		return
	}
	h := c.w.Header()
	h.Set("Access-Control-Allow-Origin", origin)
	if slices.Contains(s.AllowOrigins, "*") {
		h.Set("Access-Control-Allow-Origin", "*")
	}
	h.Set("Access-Control-Expose-Headers", "Location, Retry-After, ETag, Content-Range, Content-Disposition, BOX-REQUEST-ID, WWW-Authenticate")
}

func (s *Server) allows(origin string) bool {
	return slices.Contains(s.AllowOrigins, "*") || slices.Contains(s.AllowOrigins, origin)
}

// corsPreflight answers a browser that asks whether it may send a request. It
// is told from Box's own OPTIONS by Access-Control-Request-Method, carries no
// token and no body.
func (s *Server) corsPreflight(c *call) error {
	if origin := c.Header.Get("Origin"); !s.allows(origin) {
		return &content.Error{Kind: content.OriginRefused, Field: fieldOrigin, Value: origin,
			Message: "This origin may not use the API from a browser: the server's operator allows origins"}
	}
	h := c.w.Header()
	h.Set("Access-Control-Allow-Methods", "GET, POST, PUT, DELETE, OPTIONS, HEAD")
	if asked := c.Header.Get("Access-Control-Request-Headers"); asked != "" {
		h.Set("Access-Control-Allow-Headers", asked)
	}
	h.Set("Access-Control-Max-Age", "600")
	h["Vary"] = []string{"Origin, Access-Control-Request-Method, Access-Control-Request-Headers"}
	c.w.WriteHeader(http.StatusOK)
	return nil
}
