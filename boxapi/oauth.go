package boxapi

// TokenReply is what the token endpoint grants.
type TokenReply struct {
	AccessToken     string            `json:"access_token"`
	ExpiresIn       int64             `json:"expires_in"` // seconds
	RestrictedTo    List[Restriction] `json:"restricted_to"`
	RefreshToken    string            `json:"refresh_token,omitzero"`
	TokenType       string            `json:"token_type"`                 // "bearer"
	IssuedTokenType string            `json:"issued_token_type,omitzero"` // of an exchange: AccessTokenType
}

// AccessTokenType is what a token exchange makes, and takes.
const AccessTokenType = "urn:ietf:params:oauth:token-type:access_token"

// Restriction is one of the things that a token may do: a scope, on an item
// and all below it.
type Restriction struct {
	Scope  string `json:"scope"`
	Object any    `json:"object,omitzero"` // a FileMini or FolderMini; absent for all items
}

// TokenError is why the token endpoint grants nothing, or a redirect back to an
// application brings no code (RFC 6749, 5.2).
type TokenError struct {
	Code        string `json:"error"`
	Description string `json:"error_description"`
}

// AppConfig is the file that SDKs read to log in as an application with JWT
// assertions.
type AppConfig struct {
	BoxAppSettings BoxAppSettings `json:"boxAppSettings"`
	EnterpriseID   ID             `json:"enterpriseID"`
}

// BoxAppSettings is the application of an AppConfig.
type BoxAppSettings struct {
	ClientID     string  `json:"clientID"`
	ClientSecret string  `json:"clientSecret"`
	AppAuth      AppAuth `json:"appAuth"`
}

// AppAuth is the key of an AppConfig.
type AppAuth struct {
	PublicKeyID string `json:"publicKeyID"`
	PrivateKey  string `json:"privateKey"` // PKCS#8 in PEM, encrypted
	Passphrase  string `json:"passphrase"`
}
