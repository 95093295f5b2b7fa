package configfile

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/hashicorp/hcl/v2"

	"webex-tokend/daemon/accounts"
	"webex-tokend/daemon/attribute"
	"webex-tokend/daemon/config"
	"webex-tokend/daemon/custody"
	files "webex-tokend/daemon/disk"
	"webex-tokend/daemon/grantname"
)

// A disk looks at the files that a configuration names and reports what is wrong
// with them. A nil disk looks at nothing.
type disk struct {
	to    *attribute.Reader
	calls *files.Calls
	// keepers are those who may change what the daemon obeys beside root and the
	// user of this process: the owner of the state folder, who is the daemon's user.
	keepers custody.Keepers
	known   map[string]error // what custody says, by path
}

func (d *disk) stat(path string) (fs.FileInfo, error)  { return look(d, path, os.Stat) }
func (d *disk) lstat(path string) (fs.FileInfo, error) { return look(d, path, os.Lstat) }
func (d *disk) read(path string) ([]byte, error)       { return look(d, path, os.ReadFile) }

// target follows the links of a path.
func (d *disk) target(path string) (string, error) { return look(d, path, filepath.EvalSymlinks) }

// look gives up on a file whose file system does not answer.
func look[T any](d *disk, path string, how func(string) (T, error)) (T, error) {
	return lookIn(d, filepath.Dir(path), path, how)
}

// lookIn says which folder a call is about: a folder is asked for itself, since
// it may be the one that hangs, and not the one that it lies in.
func lookIn[T any](d *disk, folder, path string, how func(string) (T, error)) (T, error) {
	found, err := files.Do(d.calls, folder, func() (T, error) { return how(path) })
	if errors.Is(err, files.ErrSilent) {
		err = fmt.Errorf("%s: %w", path, err)
	}
	return found, err
}

// doubt reports what cannot be read. Where the file system does not answer, that
// is a warning always: it is trouble of what needs the path alone, and no reason
// to refuse all else.
func (d *disk) doubt(at hcl.Range, summary string, err error, consequence string) {
	if errors.Is(err, files.ErrSilent) {
		d.to.Warn(at, summary+": "+err.Error(), consequence)
		return
	}
	d.to.Doubt(at, summary, strings.TrimSpace(attribute.Sentence(err)+" "+consequence))
}

// secret says of a secret that cannot be read what comes of that.
func (d *disk) secret(s config.SecretFile, at hcl.Range, what, consequence string) {
	if d == nil {
		return
	}
	err := s.Check()
	switch {
	case errors.Is(err, config.ErrWorldWritable):
		d.worldWritable(at, s.Path)
		return
	case errors.Is(err, config.ErrNoCredentials):
		d.to.Warn(at, "the credential cannot be checked here", "systemd passes it to the service alone.")
		return
	case err != nil:
		d.doubt(at, "Cannot read the "+what, err, "Until it can be read, "+consequence+".")
		return
	}
	if path, err := s.Location(); err == nil {
		d.warnReadable(at, path)
		if s.Credential == "" {
			d.entrusted(at, what, path)
		}
	}
}

// seed does not ask for the file: a seed may come later.
func (d *disk) seed(a *hcl.Attribute, path string) {
	if d == nil || path == "" {
		return
	}
	info, err := d.stat(path)
	switch {
	case err != nil:
	case info.Mode().Perm()&0o002 != 0:
		d.worldWritable(a.Expr.Range(), path)
	default:
		d.warnReadable(a.Expr.Range(), path)
		d.entrusted(a.Expr.Range(), "seed", path)
	}
}

func (d *disk) worldWritable(at hcl.Range, path string) {
	d.to.Fault(at, "Everyone may write to a secret file", fmt.Sprintf("Run: chmod 0600 %s, and check what stands in it.", path))
}

// closed looks at a file that the daemon obeys: whoever may change it, or a folder
// or link that leads to it, has the daemon's rights. That is a fault at a start,
// too: nothing such is in force yet, and a reload keeps what is.
func (d *disk) closed(at hcl.Range, what, path string) { d.kept(at, what, path, d.fault) }

// entrusted is closed for a file that only one integration or grant goes by: a start
// goes on with the others.
func (d *disk) entrusted(at hcl.Range, what, path string) { d.kept(at, what, path, d.suspect) }

func (d *disk) fault(at hcl.Range, summary, detail string) { d.to.Fault(at, summary, detail) }

func (d *disk) suspect(at hcl.Range, summary, detail string) { d.to.Doubt(at, summary, detail) }

// kept reports by tell that somebody else may change a file.
func (d *disk) kept(at hcl.Range, what, path string, tell func(at hcl.Range, summary, detail string)) {
	if d == nil || path == "" || strings.Contains(path, grantname.Variable) {
		return
	}
	err, known := d.known[path]
	if !known {
		_, err = look(d, path, func(path string) (struct{}, error) { return struct{}{}, d.keepers.File(path) })
		if d.known == nil {
			d.known = make(map[string]error)
		}
		d.known[path] = err
	}
	if loose, ok := errors.AsType[*custody.Error](err); ok {
		tell(at, "Others may change the "+what, fmt.Sprintf("%s: %v. Run: %s, and check what stands in it.", path, loose, loose.Cure))
	}
}

// keeper takes the owner of the state folder for the daemon's user, so that root
// may look at the configuration of a daemon that runs as another one. A daemon that
// runs as root does not start with a state folder of somebody else.
func (d *disk) keeper(stateDir string) {
	if d == nil {
		return
	}
	if info, err := lookIn(d, stateDir, stateDir, os.Stat); err == nil {
		d.keepers = custody.Keepers{info.Sys().(*syscall.Stat_t).Uid}
	}
}

func (d *disk) warnReadable(at hcl.Range, path string) {
	info, err := d.stat(path)
	if err == nil && info.Mode().Perm()&0o004 != 0 {
		d.to.Warn(at, "every local user can read "+path, fmt.Sprintf("Run: chmod o= %s.", path))
	}
}

func (d *disk) certificates(a *hcl.Attribute, path string) {
	if d == nil || path == "" {
		return
	}
	pem, err := d.read(path)
	switch {
	case err != nil:
		d.doubt(a.Expr.Range(), "Cannot read ca_file", err, "")
	case !x509.NewCertPool().AppendCertsFromPEM(pem):
		d.to.Doubt(a.Expr.Range(), "No certificate in ca_file", fmt.Sprintf("%s holds no certificate in PEM form.", path))
	}
	d.closed(a.Expr.Range(), "ca_file", path)
}

// account only warns: accounts may be made after the config, and a
// config may be validated elsewhere.
func (d *disk) account(name string, at hcl.Range, users bool) {
	if d == nil {
		return
	}
	kind, number := "group", accounts.GroupID
	if users {
		kind, number = "user", accounts.UserID
	}
	if _, err := number(name); err != nil {
		d.to.Warn(at, fmt.Sprintf("there is no %s %q on this host", kind, name), "")
	}
}

// program only warns of one that is not there, for the same reason.
func (d *disk) program(at hcl.Range, path string) {
	if d == nil {
		return
	}
	if info, err := d.stat(path); err != nil || !info.Mode().IsRegular() || info.Mode().Perm()&0o111 == 0 {
		d.to.Warn(at, fmt.Sprintf("there is no program %s on this host", path), "")
	}
	d.closed(at, "program", path)
}

// folder checks a folder that the daemon makes when it is absent.
func (d *disk) folder(a *hcl.Attribute, path string) {
	if d == nil || a == nil {
		return
	}
	if info, err := lookIn(d, path, path, os.Stat); err == nil && !info.IsDir() {
		d.to.Fault(a.Expr.Range(), a.Name+" is not a folder", fmt.Sprintf("%s is something else. Move it away or choose another path.", path))
	}
}

// output looks at the folder of a path as far as it does not depend on
// the grant's name. Folders below the runtime folder are the daemon's to make.
func (d *disk) output(at hcl.Range, path, runtimeDir string) {
	if d == nil {
		return
	}
	if !strings.Contains(path, grantname.Variable) {
		if info, err := d.lstat(path); err == nil && !info.Mode().IsRegular() {
			d.to.Doubt(at, "The output is not a regular file", fmt.Sprintf("%s is %s. Move it away or choose another path.", path, kindOf(info.Mode())))
		}
	}
	if config.Within(path, runtimeDir) {
		return
	}
	fixed, _, _ := strings.Cut(path, grantname.Variable)
	folder := filepath.Dir(fixed + "x")
	info, err := lookIn(d, folder, folder, os.Stat)
	if errors.Is(err, files.ErrSilent) {
		d.doubt(at, "Cannot look at the folder of the output", err, "Until it answers, the output is not written.")
		return
	}
	if err != nil || !info.IsDir() {
		d.to.Doubt(at, "The folder of the output does not exist", fmt.Sprintf("Make %s, or write to a path below %s.", folder, runtimeDir))
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

func (d *disk) readable(a *hcl.Attribute, path string) {
	if d == nil {
		return
	}
	if _, err := d.read(path); err != nil {
		d.doubt(a.Expr.Range(), "Cannot read "+a.Name, err, "")
	}
	d.closed(a.Expr.Range(), a.Name, path)
}
