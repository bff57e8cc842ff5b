package auth

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"regexp"
	"slices"
	"strings"
	"time"

	"boxcar/internal/content"
	"boxcar/internal/meta"
)

// AuthorizeRequest is what an application sends a person's browser with.
type AuthorizeRequest struct {
	ResponseType, ClientID, RedirectURI, State, Scope string
	Challenge, ChallengeMethod                        string
}

// Consent is what a person is asked for.
type Consent struct {
	App         string // its name
	RedirectURI string // where the answer goes
	Scopes      []content.Scope
}

// challengeForm is what S256 makes: 43 letters of base64url.
var challengeForm = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

// Authorize checks a request. If the error is a *Refusal and there is a
// RedirectURI, that is where it is to be told; without one the person has to be told, since the request may
// come from anybody.
func (s *Service) Authorize(ctx context.Context, req AuthorizeRequest) (c Consent, err error) {
	var app meta.App
	err = s.Meta.View(ctx, func(tx meta.Tx) error {
		app, err = tx.App(req.ClientID)
		return err
	})
	if content.Is(err, content.NotFound) {
		return c, refuse(InvalidClient, "There is no application with this client_id.")
	}
	if err != nil {
		return c, err
	}
	c.App = app.Name
	to := req.RedirectURI
	if to == "" {
		if len(app.RedirectURIs) != 1 {
			return c, refuse(InvalidRequest, "redirect_uri is missing.")
		}
		to = app.RedirectURIs[0]
	} else if !slices.ContainsFunc(app.RedirectURIs, func(r string) bool { return matchesURI(r, to) }) {
		return c, refuse(InvalidRequest, "The redirect_uri is not one that the application has registered.")
	}
	c.RedirectURI = to

	switch {
	case !slices.Contains(app.Grants, GrantCode):
		return c, refuse(UnauthorizedClient, "This application may not ask people to log in")
	case req.ResponseType != "code":
		return c, refuse(UnsupportedResponseType, "response_type must be code")
	case req.Challenge == "" && req.ChallengeMethod != "":
		return c, refuse(InvalidRequest, "code_challenge is missing")
	case req.Challenge != "" && (req.ChallengeMethod != "S256" || !challengeForm.MatchString(req.Challenge)):
		return c, refuse(InvalidRequest, "code_challenge must be one of the code_challenge_method S256")
	}
	c.Scopes, err = parseScopes(req.Scope)
	return c, err
}

// Code makes a code of a request that Authorize let pass, for a person who
// said yes.
func (s *Service) Code(ctx context.Context, user content.ID, req AuthorizeRequest) (code string, err error) {
	c, err := s.Authorize(ctx, req)
	if err != nil {
		return "", err
	}
	d := detail{RedirectURI: c.RedirectURI, Challenge: req.Challenge, Scoped: len(c.Scopes) > 0}
	for _, scope := range c.Scopes {
		d.Restrictions = append(d.Restrictions, content.Restriction{Scope: scope})
	}
	code, grant := s.text(16), s.text(16)
	now := s.Now()
	return code, s.Meta.Update(ctx, func(tx meta.Tx) error {
		u, err := tx.User(user)
		if err != nil {
			return err
		}
		if !u.Live() {
			return refuse(ClientDenied, "The user is inactive or was deleted")
		}
		return tx.InsertToken(meta.Token{
			Hash: hash(code), Kind: meta.Code, User: user, App: req.ClientID, Grant: grant, Detail: d.String(),
			CreatedAt: now, ExpiresAt: now.Add(codeLife),
		})
	})
}

// ticketLife is how long a person may think after logging in.
const ticketLife = 10 * time.Minute

// seal signs a page's own words. label keeps those of different pages apart,
// and from content URLs.
func (s *Service) seal(label string, words ...string) []byte {
	key := hmac.New(sha256.New, s.key[:])
	key.Write([]byte("boxcar " + label))
	h := hmac.New(sha256.New, key.Sum(nil))
	for _, w := range words {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(w))))
		h.Write([]byte(w))
	}
	return h.Sum(nil)
}

// FormToken is what proves that a form came from a page shown to the same
// browser for the same request.
func (s *Service) FormToken(browser, request string) string {
	return base64.RawURLEncoding.EncodeToString(s.seal("form", browser, request))
}

// IsFormToken compares in constant time.
func (s *Service) IsFormToken(token, browser, request string) bool {
	return browser != "" && hmac.Equal([]byte(token), []byte(s.FormToken(browser, request)))
}

// Ticket remembers, in the page, who has logged in, for the same browser and request.
func (s *Service) Ticket(user content.ID, browser, request string) string {
	until := s.Now().Add(ticketLife).Unix()
	b := binary.BigEndian.AppendUint64(nil, uint64(user))
	b = binary.BigEndian.AppendUint64(b, uint64(until))
	return base64.RawURLEncoding.EncodeToString(append(b, s.seal("ticket", string(b), browser, request)...))
}

// TicketUser is whom a ticket was made for. What is no ticket, or one of
// another browser or request, or too old, is a content.Unauthorized error.
func (s *Service) TicketUser(ctx context.Context, ticket, browser, request string) (user content.User, err error) {
	const head = 16
	b, err := base64.RawURLEncoding.DecodeString(strings.TrimSpace(ticket))
	if err != nil || browser == "" || len(b) != head+sha256.Size || !hmac.Equal(b[head:], s.seal("ticket", string(b[:head]), browser, request)) ||
		s.Now().Unix() >= int64(binary.BigEndian.Uint64(b[8:head])) {
		return user, content.Errorf(content.Unauthorized, "this page is too old")
	}
	err = s.Meta.View(ctx, func(tx meta.Tx) error {
		user, err = tx.User(content.ID(binary.BigEndian.Uint64(b[:8])))
		return err
	})
	if err == nil && !user.Live() {
		err = content.Errorf(content.Unauthorized, "the user is inactive or was deleted")
	}
	return user, err
}

// NewBrowser names a browser that has no name yet.
func (s *Service) NewBrowser() string { return s.text(16) }
