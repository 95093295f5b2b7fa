package config

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"webex-tokend/daemon/grantname"
)

// A disk is how sternly the files that a configuration names are looked at.
type disk struct{ strict bool }

// doubt is a fault for those who may refuse and a warning for a start, which
// must not fail over what harms nobody or one grant alone.
func (r *reader) doubt(at hcl.Range, summary, detail string) {
	if r.disk == nil || r.disk.strict {
		r.fault(at, summary, detail)
	} else {
		r.warn(at, summary, detail)
	}
}

// checkSecret says of a secret that cannot be read what comes of that.
func (r *reader) checkSecret(s SecretFile, at hcl.Range, what, consequence string) {
	if r.disk == nil {
		return
	}
	_, err := s.read()
	switch {
	case errors.Is(err, errWorldWritable):
		r.worldWritable(at, s.Path)
		return
	case errors.Is(err, errNoCredentials):
		r.warn(at, "the credential cannot be checked here", "systemd passes it to the service alone.")
		return
	case err != nil:
		r.doubt(at, "Cannot read the "+what, sentence(err)+" Until it can be read, "+consequence+".")
		return
	}
	if path, err := s.location(); err == nil {
		r.warnReadable(at, path)
	}
}

// checkSeed does not ask for the file: a seed may come later.
func (r *reader) checkSeed(a *hcl.Attribute, path string) {
	if r.disk == nil || path == "" {
		return
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
	case info.Mode().Perm()&0o002 != 0:
		r.worldWritable(a.Expr.Range(), path)
	default:
		r.warnReadable(a.Expr.Range(), path)
	}
}

func (r *reader) worldWritable(at hcl.Range, path string) {
	r.fault(at, "Everyone may write to a secret file", fmt.Sprintf("Run: chmod 0600 %s, and check what stands in it.", path))
}

// checkClosed looks at a file that the daemon obeys: whoever may write to it has
// the daemon's rights.
func (r *reader) checkClosed(at hcl.Range, what, path string) {
	if r.disk == nil {
		return
	}
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o002 != 0 {
		r.doubt(at, "Everyone may write to the "+what, fmt.Sprintf("Run: chmod o-w %s, and check what stands in it.", path))
	}
}

func (r *reader) warnReadable(at hcl.Range, path string) {
	info, err := os.Stat(path)
	if err == nil && info.Mode().Perm()&0o004 != 0 {
		r.warn(at, "every local user can read "+path, fmt.Sprintf("Run: chmod o= %s.", path))
	}
}

func (r *reader) checkCertificates(a *hcl.Attribute, path string) {
	if r.disk == nil || path == "" {
		return
	}
	pem, err := os.ReadFile(path)
	switch {
	case err != nil:
		r.doubt(a.Expr.Range(), "Cannot read ca_file", sentence(err))
	case !x509.NewCertPool().AppendCertsFromPEM(pem):
		r.doubt(a.Expr.Range(), "No certificate in ca_file", fmt.Sprintf("%s holds no certificate in PEM form.", path))
	}
}

// checkAccount only warns: accounts may be made after the config, and a
// config may be validated elsewhere.
func (r *reader) checkAccount(name string, at hcl.Range, users bool) {
	if r.disk == nil {
		return
	}
	if _, err := strconv.ParseUint(name, 10, 32); err == nil {
		return
	}
	kind, err := "group", error(nil)
	if users {
		kind = "user"
		_, err = user.Lookup(name)
	} else {
		_, err = user.LookupGroup(name)
	}
	if err != nil {
		r.warn(at, fmt.Sprintf("there is no %s %q on this host", kind, name), "")
	}
}

// checkProgram only warns of one that is not there, for the same reason.
func (r *reader) checkProgram(at hcl.Range, path string) {
	if r.disk == nil {
		return
	}
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() || info.Mode().Perm()&0o111 == 0 {
		r.warn(at, fmt.Sprintf("there is no program %s on this host", path), "")
	}
	r.checkClosed(at, "program", path)
}

// folderOrAbsent checks a folder that the daemon makes when it is absent.
func (r *reader) folderOrAbsent(a *hcl.Attribute, path string) {
	if r.disk == nil || a == nil {
		return
	}
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		r.fault(a.Expr.Range(), a.Name+" is not a folder", fmt.Sprintf("%s is something else. Move it away or choose another path.", path))
	}
}

// checkOutput looks at the folder of a path as far as it does not depend on
// the grant's name. Folders below the runtime folder are the daemon's to make.
func (r *reader) checkOutput(at hcl.Range, path, runtimeDir string) {
	if r.disk == nil {
		return
	}
	if !strings.Contains(path, grantname.Variable) {
		if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
			r.doubt(at, "The output is not a regular file", fmt.Sprintf("%s is %s. Move it away or choose another path.", path, kindOf(info.Mode())))
		}
	}
	if Within(path, runtimeDir) {
		return
	}
	fixed, _, _ := strings.Cut(path, grantname.Variable)
	folder := filepath.Dir(fixed + "x")
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		r.doubt(at, "The folder of the output does not exist", fmt.Sprintf("Make %s, or write to a path below %s.", folder, runtimeDir))
	}
}

func kindOf(m fs.FileMode) string {
	switch {
	case m.IsDir():
		return "a folder"
	case m&fs.ModeSymlink != 0:
		return "a symbolic link"
	}
	return "a special file"
}

// Within reports whether path is folder or lies below it. Both are clean.
func Within(path, folder string) bool {
	return path == folder || folder == "/" || strings.HasPrefix(path, folder+"/")
}
