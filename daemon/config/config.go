// Package config turns the HCL file of an operator into plain values, or into
// every fault it has at once. It promises that a Config it returns is complete:
// every default is filled in, every path is clean, every name resolves, every
// cron spec fires.
package config

import (
	"sync"
	"time"

	"github.com/robfig/cron/v3"
)

// Folders of the shipped unit, and the key that it makes.
const (
	DefaultStateDir   = "/var/lib/webex-tokend"
	DefaultRuntimeDir = "/run/webex-tokend"
	DefaultKeyFile    = "/etc/webex-tokend/store.key"
)

const day = 24 * time.Hour

// A Config is one accepted configuration. It is never changed; a reload makes
// a new one.
type Config struct {
	Path       string // the file it came from
	StateDir   string
	RuntimeDir string
	LogLevel   string // trace debug info warn error
	// LogLevels are those of single LogAreas, instead of LogLevel.
	LogLevels map[string]string
	LogFormat string // text json

	API         API
	HTTP        *HTTP // nil: no web pages
	Seal        Seal
	Alert       Alert
	Maintenance Maintenance

	Integrations map[string]*Integration
	Grants       []*Grant // exact names and patterns, in the order of the file
	Allow        []Allow

	// Warnings are what the operator should know although it is no fault, one
	// line each with file and line number.
	Warnings []string

	once  sync.Once
	index index // of Grants, built at the first look-up
}

// API is where the daemon listens for local programs.
type API struct {
	Socket string
	Mode   uint32 // permission bits, 0666 by default
	Group  string // name or number; empty: the daemon's own
	// CredentialSocket is where systemd asks for the credentials of units.
	CredentialSocket string
}

// Seal names the wrapping key of the store.
type Seal struct {
	// KeyFile is read unless systemd passed a credential store.key.
	KeyFile string
}

// Maintenance holds the specs of the jobs that robfig/cron runs.
type Maintenance struct {
	Sweep string // "@every 1s" by default
	// Backup is when the store is copied into state_dir/backups; empty: never.
	Backup string
	Keep   int // that many of these backups, 7 by default
	// Textfile receives the metrics for node_exporter; empty: none.
	Textfile string
}

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
	// Issuer is what the server calls itself in redirects, RFC 9207; empty: it
	// is not compared.
	Issuer string
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
	CAFile   string // empty: the system's
}

// AuthStyle is how the client proves itself at the token endpoint.
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
}

// A Grant block speaks for one name, or, as a pattern, for every registered
// grant whose name it matches.
type Grant struct {
	Name        string // "ops" or "tenant-*"
	Integration string
	Labels      map[string]string
	Seed        *Seed
	Refresh     Refresh
	Files       []File
	Hooks       []Hook
}

// A Seed registers its grant from a mounted file.
type Seed struct {
	File   string
	Format string // as for import; "auto" by default
}

// Refresh says when an access token is renewed.
type Refresh struct {
	// Fraction of the token's life after which it is due; 0 when Before is set
	// or when the default by life holds.
	Fraction float64
	// Before the expiry, as an alternative.
	Before time.Duration
	// Calendar restricts refreshes to certain instants; nil: none.
	Calendar cron.Schedule
	// CalendarSpec is its text.
	CalendarSpec string
}

// A File receives the current access token.
type File struct {
	Path     string // may hold {{ .Grant }}
	Format   string // raw json env header wxc-sdk xml template, and meta for what Meta adds
	Variable string // for env, WEBEX_ACCESS_TOKEN by default
	Template string // for template; see Fill. Empty: its file could not be read
	// TemplateFile is where Template was read from; empty: the configuration.
	TemplateFile string
	Mode         uint32 // permission bits
	Owner        string // name or number; empty: the daemon's
	Group        string
	// Meta adds a file PATH.meta.json, without the token, under the same owner
	// and mode.
	Meta bool
}

// A Hook tells a program that a new access token is in place: by a command, or
// by a signal to the process whose number stands in a file.
type Hook struct {
	Command []string      // program and arguments, which may hold {{ .Grant }}
	Timeout time.Duration // after which the command is killed, 30 s by default
	Stdin   bool          // the command gets the token on its standard input

	PIDFile string // instead of Command; may hold {{ .Grant }}
	Signal  string // HUP by default
}

// An Allow block lets peers do actions on grants. Blocks add up.
type Allow struct {
	Users   []string // names or numbers
	Groups  []string
	Units   []string // of systemd, full names; "worker@.service" means every instance
	Actions []string // status token refresh admin
	Grants  []string // names and patterns
}
