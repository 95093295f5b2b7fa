// Package config holds what the operator configured, as plain values, and finds
// the block that speaks for a grant. Package configfile reads it; it promises
// that a Config is complete: every default is filled in, every path is clean,
// every name resolves, every cron spec fires.
package config

import (
	"sync/atomic"
	"time"

	"webex-tokend/daemon/disk"
)

// Folders of the shipped unit, and the key that it makes.
const (
	DefaultStateDir   = "/var/lib/webex-tokend"
	DefaultRuntimeDir = "/run/webex-tokend"
	DefaultKeyFile    = "/etc/webex-tokend/store.key"
)

// A Config is one accepted configuration. It is never changed; a reload makes
// a new one.
type Config struct {
	Path       string // the file it came from
	StateDir   string
	RuntimeDir string
	// Disk bounds what is read of the files that the configuration names.
	Disk *disk.Calls

	Log         Log
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

	index atomic.Pointer[index] // of Grants, built at the first look-up
}

// API holds the sockets for local programs.
type API struct {
	Socket string
	Mode   uint32 // permission bits, 0666 by default
	Group  string // name or number; empty: the daemon's own
	// On CredentialSocket systemd asks for the credentials of units.
	CredentialSocket string
}

// Shared says where the store is that several hosts share.
type Shared struct {
	Host      string // name of this host, unique among them
	Endpoints []string
	Prefix    string // of the keys in etcd; ends with a slash
	CAFile    string
	CertFile  string
	KeyFile   string
	Username  string
	// PasswordFile is read again when etcd refuses what it held.
	PasswordFile string
}

// Seal names the store and its wrapping key.
type Seal struct {
	Shared *Shared // nil: the store is a file of this host
	// KeyFile is read unless systemd passed a credential store.key.
	KeyFile string
}

// Maintenance holds the specs of the jobs that robfig/cron runs.
type Maintenance struct {
	Sweep string // "@every 1s" by default
	// Backup is the schedule of copies into state_dir/backups; empty: never.
	Backup string
	Keep   int // that many of these backups, 7 by default
	// Textfile receives the metrics for node_exporter; empty: none.
	Textfile string
}

// An Allow block lets peers do actions on grants. Blocks add up.
type Allow struct {
	Users  []string // names or numbers
	Groups []string
	Units  []string // of systemd, full names; "worker@.service" means every instance
	// WebUsers are of web_config_file, ClientNames the common names of client
	// certificates.
	WebUsers, ClientNames []string

	Actions []string // metrics status token refresh admin
	Grants  []string // names and patterns
}

// Alert says when people are told that a grant needs them, and how. The log
// tells in any case.
type Alert struct {
	// Before lists how long before the end of a refresh window, or of a token
	// that nobody can refresh, it is told; the longest first, at least one.
	Before []time.Duration
	// Command is a program with its arguments; empty: none.
	Command []string
	// WebhookURL receives alerts by POST; empty: none. The path may be a secret
	// in itself: it belongs in no log.
	WebhookURL string
	// WebhookSecret signs what is posted; nil: nothing does.
	WebhookSecret *SecretFile
}
