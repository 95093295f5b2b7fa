package config

import (
	"time"

	"github.com/robfig/cron/v3"
)

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
	// Shut says why an output is not written, by its path with the name filled in.
	Shut map[string]string
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
	// TemplateFile is the file of Template; empty: the configuration itself.
	TemplateFile string
	Mode         uint32 // permission bits
	Owner        string // name or number; empty: the daemon's
	Group        string
	// Shut says why nothing is written there; empty: it is. FilesFor fills it in.
	Shut string
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
