package meta

import (
	"time"

	"boxcar/internal/content"
)

// Accounts are enterprises, users, applications and tokens.
type Accounts interface {
	// Setting returns a named value of the whole server.
	Setting(name string) ([]byte, error)
	// PutSetting sets it.
	PutSetting(name string, value []byte) error

	InsertEnterprise(content.Enterprise) error

	// InsertUser adds a user. A content.LoginTaken error says that
	// somebody has the login, whatever its case.
	InsertUser(content.User) error
	// User gets one who was deleted, too.
	User(id content.ID) (content.User, error)
	// UserByLogin ignores case, and finds nobody who was deleted.
	UserByLogin(login string) (content.User, error)
	// Users are in order of id, those after the id given, deleted ones too.
	Users(after content.ID, limit int) ([]content.User, error)
	// FindUsers are in order of id, deleted ones left out.
	FindUsers(UserQuery) ([]content.User, error)
	// CountUsers is how many there are, whatever the page.
	CountUsers(UserQuery) (int64, error)
	// UpdateUser replaces name, login, admin, modified_at, quota, status,
	// external id and profile. Errors as InsertUser.
	UpdateUser(content.User) error
	// DeleteUser marks a user as deleted and removes the user's tokens, password
	// and favourites. The login is free again.
	DeleteUser(id content.ID, at time.Time) error
	// DeletedUsers are those who were deleted and whose items have not all gone, in the order in which they were deleted.
	DeletedUsers(limit int) ([]content.User, error)
	// Purged says that all that a deleted user owned has gone.
	Purged(id content.ID) error
	// AddUsage adds to what the user has used and reserved, in bytes; either
	// may be negative.
	AddUsage(user content.ID, used, reserved int64) error
	// SetQuota sets how many bytes the user may have; 0 is no limit.
	SetQuota(user content.ID, quota int64) error
	// Password is the hash that SetPassword set; "" for none.
	Password(user content.ID) (string, error)
	SetPassword(user content.ID, hash string) error
	// OpenSessions are some of a user's upload sessions that are open or committing.
	OpenSessions(owner content.ID, limit int) ([]Session, error)

	// InsertApp adds an application. A content.NameTaken error, without details,
	// says that there is one with its ID.
	InsertApp(App) error
	App(id string) (App, error)
	// Apps are in order of id, those after the id given.
	Apps(after string, limit int) ([]App, error)
	// UpdateApp replaces all but ID and CreatedAt.
	UpdateApp(App) error
	// DeleteApp removes an application with its keys and tokens.
	DeleteApp(id string) error
	// InsertKey adds a public key. A content.NameTaken error, without
	// details, says that the application has one with its ID.
	InsertKey(AppKey) error
	// Keys are an application's, in order of id.
	Keys(app string) ([]AppKey, error)
	DeleteKey(app, id string) error

	InsertToken(Token) error
	// Token finds a token by the SHA-256 of its text.
	Token(hash [32]byte) (Token, error)
	// TakeToken removes a token and returns it: of several who try, one gets it.
	TakeToken(hash [32]byte) (Token, error)
	// DeleteTokens removes a user's tokens of one kind. With a token
	// go those that it was exchanged for.
	DeleteTokens(user content.ID, kind TokenKind) error
	// DeleteGrant removes all tokens that were granted together; grant is not empty.
	DeleteGrant(grant string) error
	// UseAssertion remembers an assertion until a time. It returns false if it was known.
	UseAssertion(hash [32]byte, until time.Time) (bool, error)
	// SweepTokens removes up to limit tokens that expired at or before the
	// first time, and up to limit assertions at or before the second.
	SweepTokens(tokens, assertions time.Time, limit int) (removed int64, err error)
}

// UserQuery chooses users, by what is not zero.
type UserQuery struct {
	Prefix     string // of name or login, in any case
	AppUsers   *bool
	ExternalID string
	Only       content.ID // this user

	After  content.ID
	Offset int64
	Limit  int
}

// App is an application that may ask for tokens.
type App struct {
	ID           string // client id
	Name         string
	SecretHash   [32]byte // SHA-256 of the client secret
	RedirectURIs []string
	Grants       []string   // which it may use
	Service      content.ID // its service account; 0 until it is first needed
	CreatedAt    time.Time
}

// AppKey is a public key whose owner may sign assertions for an application.
type AppKey struct {
	App       string
	ID        string // "kid"
	Public    []byte // SubjectPublicKeyInfo, DER
	CreatedAt time.Time
}

// TokenKind says how a token came to be, and what it is good for.
type TokenKind string

const (
	DeveloperToken TokenKind = "developer" // one that the operator handed out
	AccessToken    TokenKind = "access"
	ExchangedToken TokenKind = "exchanged" // good for less than the one it was exchanged for
	RefreshToken   TokenKind = "refresh"
	Code           TokenKind = "code"    // to be turned into tokens
	Handout        TokenKind = "handout" // for a text to be read once
)

// Token is a token or code, known by its hash only.
type Token struct {
	Hash      [32]byte // SHA-256 of its text, which is 128 random bits or more
	Kind      TokenKind
	User      content.ID
	App       string   // "" for none
	Grant     string   // what was granted together has the same; "" for none
	Parent    [32]byte // the hash of the token it was exchanged for; zero for none
	Detail    string   // what it is limited to, as its service writes it
	CreatedAt time.Time
	ExpiresAt time.Time // zero: never
}
