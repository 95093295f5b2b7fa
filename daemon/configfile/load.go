// Package configfile reads the HCL file of an operator into a config.Config, or
// into every fault that the file has at once.
package configfile

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/gohcl"
	"github.com/hashicorp/hcl/v2/hclparse"

	"webex-tokend/daemon/attribute"
	"webex-tokend/daemon/config"
	files "webex-tokend/daemon/disk"
)

// Options say how Load looks at the files that a configuration names. The
// zero value is right for the start of the daemon.
type Options struct {
	// Strict turns files that cannot be read now, and folders that are not
	// there, from warnings into faults. It is meant for validation and for a
	// reload, which may refuse; a start must go on with what it has.
	Strict bool
	// Disk bounds the looks at paths that do not answer, and goes into the
	// Config; nil means a new one.
	Disk *files.Calls
	// Alone looks at nothing but the file itself.
	Alone bool
}

// Load reads a file and what it names on disk. The error is a *Faults unless
// the file itself could not be read.
func Load(path string, opt Options) (*config.Config, error) {
	if opt.Disk == nil {
		opt.Disk = new(files.Calls)
	}
	src, err := files.Do(opt.Disk, filepath.Dir(path), func() ([]byte, error) { return os.ReadFile(path) })
	if err != nil {
		return nil, fmt.Errorf("read config: %w", err)
	}
	full, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("locate config: %w", err)
	}
	if opt.Alone {
		return Parse(src, path)
	}
	c, err := parse(src, path, full, opt.Disk, !opt.Strict)
	if err == nil {
		c.Disk = opt.Disk
	}
	return c, err
}

// Parse reads a configuration from memory and looks at nothing else. The error
// is a *Faults.
func Parse(src []byte, filename string) (*config.Config, error) {
	return parse(src, filename, filename, nil, false)
}

// parse stops at faults of syntax: what stands behind one cannot be judged.
// All others are collected. Faults name the file as the caller did; path is
// where it is. With look, what it names on disk is looked at too.
func parse(src []byte, filename, path string, look *files.Calls, lenient bool) (*config.Config, error) {
	file, diags := hclparse.NewParser().ParseHCL(src, filename)
	if diags.HasErrors() {
		return nil, newFaults(diags, filename, src, file)
	}
	var doc document
	r := &reader{Reader: &attribute.Reader{Found: gohcl.DecodeBody(file.Body, nil, &doc), Lenient: lenient}, src: src}
	if look != nil {
		r.disk = &disk{to: r.Reader, calls: look}
	}
	c := doc.read(r, path)
	r.disk.closed(hcl.Range{Filename: filename, Start: hcl.InitialPos, End: hcl.InitialPos}, "configuration", path)

	found := inOrder(r.Found)
	if found.HasErrors() {
		return nil, newFaults(found, filename, src, file)
	}
	c.Warnings = lines(found, hcl.DiagWarning)
	return c, nil
}

// read resolves the document block by block; faults are collected in r.
func (doc *document) read(r *reader, path string) *config.Config {
	c := &config.Config{
		Path:       path,
		StateDir:   r.Path(doc.StateDir, config.DefaultStateDir),
		RuntimeDir: r.Path(doc.RuntimeDir, config.DefaultRuntimeDir),
		Log: config.Log{
			Level:  r.Choice(doc.LogLevel, "info", logLevels()...),
			Levels: levels(doc.LogLevels, r),
			Format: r.Choice(doc.LogFormat, "text", "text", "json"),
		},
	}
	r.disk.keeper(c.StateDir)
	r.disk.folder(doc.StateDir, c.StateDir)
	r.disk.folder(doc.RuntimeDir, c.RuntimeDir)
	if a := cmp.Or(doc.RuntimeDir, doc.StateDir); a != nil && config.Within(c.RuntimeDir, c.StateDir) {
		r.Fault(a.Expr.Range(), "runtime_dir lies in state_dir", "That folder is closed to all others, so that nobody could reach socket and token files. Choose another one.")
	}
	c.API = doc.API.read(r, c.RuntimeDir, doc.RuntimeDir)
	c.HTTP = doc.HTTP.read(r)
	c.Seal = doc.Seal.read(r)
	c.Seal.Shared = doc.Store.read(r)
	c.Integrations = readIntegrations(doc.Integration, r)
	checkRedirects(doc.Integration, c, r)
	checkMixUps(doc.Integration, c, r)
	c.Grants = readGrants(doc.Grant, doc.Integration, r)
	checkManagers(doc.Integration, c, r)
	checkXML(doc.Grant, c, r)
	c.Allow = readAllows(doc.Allow, c.HTTP, r)
	c.Alert = doc.Alert.read(r)
	c.Maintenance = doc.Maintenance.read(r)
	checkCollisions(doc, c, r)
	return c
}
