package httpapi

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"boxcar/boxapi"
	"boxcar/internal/auth"
	"boxcar/internal/content"
)

// formLimit is how much a form may have, in bytes.
const formLimit = 64 << 10

// form reads a form from the body, whatever its Content-Type says.
func (c *call) form() (url.Values, error) {
	b, err := c.read(formLimit)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(b))
	if err != nil {
		return nil, content.Errorf(content.BadRequest, "the body is not a form")
	}
	return form, nil
}

// tokenRequest reads a request of the token endpoint.
func (s *Server) tokenRequest(c *call) (auth.TokenRequest, url.Values, error) {
	form, err := c.form()
	if err != nil {
		return auth.TokenRequest{}, nil, err
	}
	base := s.origins(c.Request).base
	req := auth.TokenRequest{
		GrantType: form.Get("grant_type"),
		ClientID:  form.Get("client_id"), ClientSecret: form.Get("client_secret"), HasClient: form.Get("client_id") != "",
		Code: form.Get("code"), RedirectURI: form.Get("redirect_uri"), Verifier: form.Get("code_verifier"),
		RefreshToken: form.Get("refresh_token"),
		SubjectType:  form.Get("box_subject_type"), SubjectID: form.Get("box_subject_id"),
		Assertion:    form.Get("assertion"),
		SubjectToken: form.Get("subject_token"), SubjectTokenType: form.Get("subject_token_type"),
		ActorToken: form.Get("actor_token"), ActorTokenType: form.Get("actor_token_type"),
		Scope: form.Get("scope"), Resource: form.Get("resource"),
		SharedLink: form.Get("box_shared_link"), SharedLinkPassword: form.Get("box_shared_link_password"),
		TokenURLs: []string{base + "/oauth2/token", base + "/api/oauth2/token"},
		Origins:   []string{base}, Address: s.peer(c.Request),
	}
	if id, secret, ok := c.BasicAuth(); ok {
		req.ClientID, req.ClientSecret, req.HasClient = unescape(id), unescape(secret), true
	}
	return req, form, nil
}

// unescape undoes what RFC 6749, 2.3.1, asks of clients and not all do.
func unescape(s string) string {
	if plain, err := url.QueryUnescape(s); err == nil {
		return plain
	}
	return s
}

// oauthToken handles POST /oauth2/token.
func (s *Server) oauthToken(c *call) error {
	req, _, err := s.tokenRequest(c)
	if err != nil {
		return s.refuseToken(c, err)
	}
	c.note(slog.String("grant", grantName(req.GrantType)))
	t, err := s.Auth.Token(c.Context(), req)
	if err != nil {
		return s.refuseToken(c, err)
	}
	c.note(slog.String("user", t.User.String()))
	reply := boxapi.TokenReply{
		AccessToken: t.Access, ExpiresIn: int64(t.Life / time.Second), RefreshToken: t.Refresh, TokenType: "bearer",
	}
	if t.Exchanged {
		reply.IssuedTokenType = boxapi.AccessTokenType
	}
	for _, r := range t.RestrictedTo {
		reply.RestrictedTo = append(reply.RestrictedTo, boxapi.Restriction{Scope: string(r.Scope), Object: restrictedObject(r.Item)})
	}
	return s.write(c, http.StatusOK, reply)
}

func restrictedObject(item *auth.RestrictedItem) any {
	if item == nil {
		return nil
	}
	if item.Root {
		return boxapi.Root()
	}
	sequence := boxapi.NullString(strconv.FormatInt(item.Sequence, 10))
	mini := boxapi.FolderMini{Type: boxapi.TypeFile, ID: wireID(item.ID), Name: item.Name, SequenceID: sequence, Etag: sequence}
	if item.Folder {
		mini.Type = boxapi.TypeFolder
	}
	return mini
}

// grantName keeps what anybody may send out of the log.
func grantName(grantType string) string {
	switch grantType {
	case "authorization_code", "refresh_token", "client_credentials",
		"urn:ietf:params:oauth:grant-type:jwt-bearer", "urn:ietf:params:oauth:grant-type:token-exchange":
		return grantType
	}
	return "other"
}

// refuseToken writes an error of the token endpoint in the form of RFC 6749,
// 5.2. What is no refusal goes the way of all errors.
func (s *Server) refuseToken(c *call, err error) error {
	var r *auth.Refusal
	if !errors.As(err, &r) {
		if content.Is(err, content.BadRequest, content.BodyTooLarge) {
			r = &auth.Refusal{Code: auth.InvalidRequest, Text: message(err)}
		} else {
			return err
		}
	}
	status := http.StatusBadRequest
	if r.Code == auth.InvalidClient {
		status = http.StatusUnauthorized
		if _, _, basic := c.BasicAuth(); basic {
			c.w.Header().Set("WWW-Authenticate", `Basic realm="Service"`)
		}
	}
	c.w.code, c.w.cause = string(r.Code), r
	return s.write(c, status, boxapi.TokenError{Code: string(r.Code), Description: r.Text})
}

// oauthRevoke handles POST /oauth2/revoke.
func (s *Server) oauthRevoke(c *call) error {
	req, form, err := s.tokenRequest(c)
	if err == nil {
		err = s.Auth.Revoke(c.Context(), req, form.Get("token"))
	}
	if err != nil {
		return s.refuseToken(c, err)
	}
	c.w.Header().Set("Content-Length", "0")
	c.w.WriteHeader(http.StatusOK)
	return nil
}
