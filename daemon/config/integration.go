package config

import (
	"time"

	"webex-tokend/daemon/disk"
)

// A Kind says which dialect of OAuth an integration speaks.
type Kind string

const (
	REST     Kind = "rest"
	Meetings Kind = "meetings"
	// ServiceApp refreshes as REST does; a manager's grant mints its tokens.
	ServiceApp Kind = "service-app"
	Generic    Kind = "generic"
	Static     Kind = "static"
)

// An Integration is an OAuth client registered with Webex.
type Integration struct {
	Name     string
	Kind     Kind
	Cloud    string // commercial or fedramp
	ClientID string
	// Secrets are tried in this order; none makes a public client.
	Secrets []SecretFile
	Scopes  []string

	AuthorizeURL       string
	TokenURL           string
	DeviceAuthorizeURL string
	DeviceTokenURL     string
	RevokeURL          string
	APIURL             string
	RedirectURL        string

	// Of service apps: the application to mint for, the organisation that
	// authorized it, and the grant whose token mints.
	ApplicationID string
	TargetOrgID   string
	Manager       string

	AuthStyle AuthStyle
	Site      string // the first part of its host name, for format xml and templates
	// PrefixSite sends the refresh token as SITE_TOKEN where it does not begin
	// so; Meetings alone.
	PrefixSite bool
	PKCE       string // S256 plain none
	// Issuer is the iss parameter of redirects, RFC 9207; empty: it
	// is not compared.
	Issuer string
	// AuthorizeParams go beside the parameters of RFC 6749 to the authorization
	// page.
	AuthorizeParams map[string]string
	// Rotates: a refresh token must be taken for used up once it was sent.
	Rotates bool

	// AccessLife and RefreshLife serve where an answer has no number of its
	// own. RefreshLife 0: the window is not known to end.
	AccessLife  time.Duration
	RefreshLife time.Duration

	Concurrency int     // requests in flight at the token endpoint, at least 1
	Rate        float64 // requests per second at the token endpoint; 0: unbounded
	MinInterval time.Duration

	ProxyURL string // empty: the usual environment
	// ProxyCredentials is USER:PASSWORD for whatever proxy is used; zero: none.
	ProxyCredentials SecretFile
	CAFile           string // empty: the system's
}

// AuthStyle selects the client authentication at the token endpoint.
type AuthStyle string

const (
	InBody AuthStyle = "body"
	Basic  AuthStyle = "basic"
)

// A SecretFile is read again before each use, so that rotating a secret needs
// no reload. See Read in secret.go.
type SecretFile struct {
	Path       string
	Credential string // systemd credential instead of Path
	// Disk bounds the reading of a file system that does not answer; nil: nothing
	// does.
	Disk *disk.Calls
}

// Authorizes reports whether a person can consent in a browser.
func (i *Integration) Authorizes() bool { return i.AuthorizeURL != "" && i.RedirectURL != "" }
