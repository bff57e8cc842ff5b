package httpapi

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"errors"
	"html/template"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"boxcar/internal/auth"
	"boxcar/internal/content"
)

// The pages on which a person logs in and lets an application in. They need no
// script, and no cookie but one that says it is the same browser.

//go:embed login.css
var loginCSS string

//go:embed login.html
var loginHTML string

var loginPage = template.Must(template.New("login").Parse(strings.Replace(loginHTML, "@CSS@", loginCSS, 1)))

// styleHash lets the pages' own style in, and nothing else.
var styleHash = func() string {
	sum := sha256.Sum256([]byte(loginCSS))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}()

// page is what a login page shows.
type page struct {
	Step    string // "login", "consent" or "error"
	Title   string
	App     string
	Problem string // what went wrong, or ""

	Request, Form, Ticket string // hidden fields
	Login                 string
	Name                  string
	Host                  string // where the answer goes
	Scopes                []string
}

const browserCookie = "boxcar-browser"

// authorizeParams are what an authorize request has. The rest of its query is
// not looked at.
var authorizeParams = []string{"response_type", "client_id", "redirect_uri", "state", "scope", "code_challenge", "code_challenge_method"}

// authorizeRequest is the request, and its one form that goes round in the pages.
func authorizeRequest(query url.Values) (auth.AuthorizeRequest, string) {
	kept := url.Values{}
	for _, name := range authorizeParams {
		if v := query.Get(name); v != "" {
			kept.Set(name, v)
		}
	}
	return auth.AuthorizeRequest{
		ResponseType: kept.Get("response_type"), ClientID: kept.Get("client_id"), RedirectURI: kept.Get("redirect_uri"),
		State: kept.Get("state"), Scope: kept.Get("scope"),
		Challenge: kept.Get("code_challenge"), ChallengeMethod: kept.Get("code_challenge_method"),
	}, kept.Encode()
}

// authorize handles GET /oauth2/authorize: the page to log in on.
func (s *Server) authorize(c *call) error {
	query := c.URL.Query()
	req, text := authorizeRequest(query)
	consent, err := s.Auth.Authorize(c.Context(), req)
	if err != nil {
		return s.refuseAuthorize(c, err, consent.RedirectURI, req.State)
	}
	browser := c.browser()
	if browser == "" {
		browser = s.Auth.NewBrowser()
		http.SetCookie(c.w, &http.Cookie{
			Name: browserCookie, Value: browser, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
			Secure: strings.HasPrefix(s.origins(c.Request).base, "https:"),
		})
	}
	return s.showLogin(c, http.StatusOK, consent, browser, text, query.Get("box_login"), "")
}

// browser is the name that the browser was given, or "".
func (c *call) browser() string {
	cookie, err := c.Cookie(browserCookie)
	if err != nil || len(cookie.Value) != 32 {
		return ""
	}
	return cookie.Value
}

func (s *Server) showLogin(c *call, status int, consent auth.Consent, browser, request, login, problem string) error {
	return s.showPage(c, status, consent.RedirectURI, page{
		Step: "login", Title: "Log in", App: consent.App, Problem: problem, Login: login,
		Request: request, Form: s.Auth.FormToken(browser, request),
	})
}

// authorizeForm handles POST /oauth2/authorize: a login, or the answer of who
// has logged in.
func (s *Server) authorizeForm(c *call) error {
	form, err := c.form()
	if err != nil {
		return s.showProblem(c, http.StatusBadRequest, "This form could not be read.")
	}
	query, err := url.ParseQuery(form.Get("request"))
	if err != nil {
		return s.showProblem(c, http.StatusBadRequest, "This form could not be read.")
	}
	req, text := authorizeRequest(query)
	consent, err := s.Auth.Authorize(c.Context(), req)
	if err != nil {
		return s.refuseAuthorize(c, err, consent.RedirectURI, req.State)
	}
	browser := c.browser()
	if !s.Auth.IsFormToken(form.Get("form"), browser, text) {
		return s.showProblem(c, http.StatusForbidden, "This page did not come from here, or your browser keeps no cookies. Go back to the application and start again.")
	}
	switch form.Get("answer") {
	case "":
		return s.login(c, form, consent, browser, text)
	case "allow":
	default:
		return s.redirect(c, consent.RedirectURI, req.State, "error", string(auth.ClientDenied), "error_description", "The person said no")
	}

	user, err := s.Auth.TicketUser(c.Context(), form.Get("ticket"), browser, text)
	if content.Is(err, content.Unauthorized) {
		return s.showLogin(c, http.StatusForbidden, consent, browser, text, "", "That took too long. Please log in again.")
	}
	if err != nil {
		return err
	}
	c.note(slog.String("user", user.ID.String()))
	code, err := s.Auth.Code(c.Context(), user.ID, req)
	if err != nil {
		return s.refuseAuthorize(c, err, consent.RedirectURI, req.State)
	}
	return s.redirect(c, consent.RedirectURI, req.State, "code", code)
}

// login checks a login, and asks whoever it is for consent.
func (s *Server) login(c *call, form url.Values, consent auth.Consent, browser, request string) error {
	login := strings.TrimSpace(form.Get("login"))
	user, err := s.Auth.SignIn(c.Context(), login, form.Get("password"), s.peer(c.Request))
	switch {
	case content.Is(err, content.Unauthorized):
		c.w.cause = err
		return s.showLogin(c, http.StatusForbidden, consent, browser, request, login, "The e-mail address or the password is wrong.")
	case content.Is(err, content.RateLimited, content.Unavailable):
		c.w.cause = err
		status, text := http.StatusTooManyRequests, "Too many attempts. Please wait a while and try again."
		if content.Is(err, content.Unavailable) {
			status, text = http.StatusServiceUnavailable, "The server is busy. Please try again."
		}
		var e *content.Error
		if errors.As(err, &e) {
			c.w.Header().Set("Retry-After", strconv.Itoa(int((e.RetryAfter+time.Second-1)/time.Second)))
		}
		return s.showLogin(c, status, consent, browser, request, login, text)
	case err != nil:
		return err
	}
	c.note(slog.String("user", user.ID.String()))
	return s.showPage(c, http.StatusOK, consent.RedirectURI, page{
		Step: "consent", Title: "Allow access", App: consent.App, Name: user.Name, Login: user.Login,
		Request: request, Form: s.Auth.FormToken(browser, request), Ticket: s.Auth.Ticket(user.ID, browser, request),
		Host: hostOf(consent.RedirectURI), Scopes: scopeTexts(consent.Scopes),
	})
}

// peer is where a request comes from: the address that the nearest of our
// proxies saw. Of an IPv6 address it is the network, of which one person has all.
func (s *Server) peer(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	if s.trusted(r) {
		all := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
		if last := strings.TrimSpace(all[len(all)-1]); last != "" {
			host = last
		}
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.Is6() && !ip.Is4In6() {
		if network, err := ip.WithZone("").Prefix(64); err == nil {
			return network.String()
		}
	}
	return host
}

// hostOf is what a person is told of a redirect URI.
func hostOf(uri string) string {
	u, err := url.Parse(uri)
	switch {
	case err != nil:
		return ""
	case u.Host == "":
		return u.Scheme
	}
	switch u.Hostname() {
	case "localhost", "127.0.0.1", "::1":
		return "a program on this computer"
	}
	return u.Host
}

// scopeTexts say what a token will be good for.
func scopeTexts(scopes []content.Scope) (texts []string) {
	if len(scopes) == 0 {
		return []string{"see, download and change all your files and folders", "do everything else that your account may do"}
	}
	for _, scope := range scopes {
		switch scope {
		case content.ScopeRootReadOnly:
			texts = append(texts, "see and download all your files and folders")
		case content.ScopeRootReadWrite:
			texts = append(texts, "see, download and change all your files and folders")
		case content.ScopeManageUsers, content.ScopeManageAppUsers:
			texts = append(texts, "manage users, if your account may")
		default:
			texts = append(texts, strings.ReplaceAll(string(scope), "_", " "))
		}
	}
	return texts
}

// refuseAuthorize tells the application, if it is known where that is, and else
// the person.
func (s *Server) refuseAuthorize(c *call, err error, redirectURI, state string) error {
	var r *auth.Refusal
	if !errors.As(err, &r) {
		return err
	}
	c.w.cause = r
	if redirectURI == "" {
		return s.showProblem(c, http.StatusBadRequest, r.Text)
	}
	return s.redirect(c, redirectURI, state, "error", string(r.Code), "error_description", r.Text)
}

func (s *Server) showProblem(c *call, status int, text string) error {
	return s.showPage(c, status, "", page{Step: "error", Title: "This did not work", Problem: text})
}

// redirect sends the browser back to the application. No log has the URL.
func (s *Server) redirect(c *call, uri, state string, params ...string) error {
	u, err := url.Parse(uri)
	if err != nil {
		return err
	}
	add := url.Values{}
	for i := 0; i < len(params); i += 2 {
		add.Set(params[i], params[i+1])
	}
	if state != "" {
		add.Set("state", state)
	}
	if u.RawQuery != "" {
		u.RawQuery += "&"
	}
	u.RawQuery += add.Encode()
	pageHeaders(c, uri)
	c.w.Header().Set("Location", u.String())
	c.w.Header().Set("Content-Length", "0")
	status := http.StatusFound
	if c.Method == http.MethodPost {
		status = http.StatusSeeOther
	}
	c.w.WriteHeader(status)
	return nil
}

// pageHeaders keep a page to itself: no script, nothing from elsewhere, in
// nobody's frame. Browsers hold a form to its policy through redirects, so
// that where the answer goes is named.
func pageHeaders(c *call, redirectURI string) {
	h := c.w.Header()
	action := "'self'"
	if u, err := url.Parse(redirectURI); err == nil && u.Scheme != "" {
		to := u.Scheme + ":"
		if (u.Scheme == "http" || u.Scheme == "https") && !strings.HasPrefix(u.Host, "[") { // a policy can't name IPv6 addresses
			to += "//" + u.Host
		}
		if !strings.ContainsAny(to, " ;,'\"") {
			action += " " + to
		}
	}
	h.Set("Content-Security-Policy", "default-src 'none'; style-src "+styleHash+"; form-action "+action+"; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
}

func (s *Server) showPage(c *call, status int, redirectURI string, p page) error {
	var b bytes.Buffer
	if err := loginPage.Execute(&b, p); err != nil {
		return err
	}
	pageHeaders(c, redirectURI)
	h := c.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	c.w.WriteHeader(status)
	c.w.Write(b.Bytes()) // a browser that has gone does not matter
	return nil
}
