package httpapi

import "net/http"

// oauthToken handles POST /oauth2/token. Clients come here when a token has
// been refused. Tokens are made on this server's command line so far, and no
// grant leads to one, which is what it says in the form of RFC 6749, 5.2.
func (s *Server) oauthToken(c *call) error {
	return s.write(c, http.StatusBadRequest, struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}{"unsupported_grant_type", "This server does not grant tokens over HTTP: boxcar token makes one."})
}
