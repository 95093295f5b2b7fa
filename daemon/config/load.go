package config

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/gohcl"
	"github.com/hashicorp/hcl/v2/hclparse"
)

// Options say how Load looks at the files that a configuration names. The
// zero value is right for the start of the daemon.
type Options struct {
	// Strict turns files that cannot be read now, and folders that are not
	// there, from warnings into faults. It is meant for validation and for a
	// reload, which may refuse; a start must go on with what it has.
	Strict bool
}

// Load reads a file and what it names on disk. The error is a *Faults unless
// the file itself could not be read.
func Load(path string, opt Options) (*Config, error) {
	src, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read config: %w", err)
	}
	full, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("locate config: %w", err)
	}
	return parse(src, path, full, &disk{strict: opt.Strict})
}

// Parse reads a configuration from memory and looks at nothing else. The error
// is a *Faults.
func Parse(src []byte, filename string) (*Config, error) {
	return parse(src, filename, filename, nil)
}

// parse stops at faults of syntax: what stands behind one cannot be judged.
// All others are collected. Faults name the file as the caller did; path is
// where it is.
func parse(src []byte, filename, path string, d *disk) (*Config, error) {
	file, diags := hclparse.NewParser().ParseHCL(src, filename)
	if diags.HasErrors() {
		return nil, newFaults(diags, filename, src, file)
	}
	var doc document
	r := &reader{diags: gohcl.DecodeBody(file.Body, nil, &doc), src: src, disk: d}
	c := r.config(&doc, path)
	r.checkClosed(hcl.Range{Filename: filename, Start: hcl.InitialPos, End: hcl.InitialPos}, "configuration", filename)

	var faults, warnings hcl.Diagnostics
	for _, d := range inOrder(r.diags) {
		if d.Severity == hcl.DiagError {
			faults = append(faults, d)
		} else {
			warnings = append(warnings, d)
		}
	}
	if len(faults) > 0 {
		return nil, newFaults(faults, filename, src, file)
	}
	c.Warnings = lines(warnings)
	return c, nil
}

// config resolves the document block by block; faults are collected in r.
func (r *reader) config(doc *document, path string) *Config {
	c := &Config{
		Path:       path,
		StateDir:   r.path(doc.StateDir, DefaultStateDir),
		RuntimeDir: r.path(doc.RuntimeDir, DefaultRuntimeDir),
		LogLevel:   r.choice(doc.LogLevel, "info", logLevels()...),
		LogLevels:  r.levels(doc.LogLevels),
		LogFormat:  r.choice(doc.LogFormat, "text", "text", "json"),
	}
	r.folderOrAbsent(doc.StateDir, c.StateDir)
	r.folderOrAbsent(doc.RuntimeDir, c.RuntimeDir)
	if a := cmp.Or(doc.RuntimeDir, doc.StateDir); a != nil && Within(c.RuntimeDir, c.StateDir) {
		r.fault(a.Expr.Range(), "runtime_dir lies in state_dir", "That folder is closed to all others, so that nobody could reach socket and token files. Choose another one.")
	}
	c.API = r.api(doc.API, c.RuntimeDir, doc.RuntimeDir)
	c.HTTP = r.http(doc.HTTP)
	c.Seal = r.seal(doc.Seal)
	c.Integrations = r.integrations(doc.Integration)
	r.redirects(doc.Integration, c)
	c.Grants = r.grants(doc.Grant, doc.Integration)
	r.managers(doc.Integration, c)
	r.xmlFiles(doc.Grant, c)
	c.Allow = r.allows(doc.Allow)
	c.Alert = r.alert(doc.Alert)
	c.Maintenance = r.maintenance(doc.Maintenance)
	r.collisions(doc, c)
	return c
}
