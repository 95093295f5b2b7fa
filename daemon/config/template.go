package config

import (
	"bytes"
	"errors"
	"text/template"
	"time"
)

// A Fill holds what the template of an output can name. AccessToken alone is
// secret, so that a file holds a secret only where the operator wrote it.
type Fill struct {
	Grant       string
	AccessToken string
	TokenType   Name
	ExpiresAt   Instant
	Generation  uint64
	Scope       Words
	Labels      map[string]string // a label that the grant has not is an error
	Site        Name              // of Meetings
	User        Name
}

// An Instant prints as RFC 3339 in UTC, and as nothing when it is not known.
// Templates may also call the methods of time.Time on it.
type Instant struct{ time.Time }

func (i Instant) String() string {
	if i.IsZero() {
		return ""
	}
	return i.UTC().Format(time.RFC3339Nano)
}

// errNoTemplate is met when a file was not readable at the start.
var errNoTemplate = errors.New("template_file could not be read when the configuration was; reload once it can")

// Execute fills the template of an output of format template.
func (f File) Execute(fill Fill) ([]byte, error) {
	if f.Template == "" {
		return nil, errNoTemplate
	}
	t, err := template.New("template").Funcs(Quotes()).Option("missingkey=error").Parse(f.Template)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := t.Execute(&out, fill); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
