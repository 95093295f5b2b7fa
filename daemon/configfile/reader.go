package configfile

import (
	"github.com/hashicorp/hcl/v2"

	"webex-tokend/daemon/attribute"
	"webex-tokend/daemon/config"
	files "webex-tokend/daemon/disk"
)

// A reader reads blocks: attributes, and the files that they name.
type reader struct {
	*attribute.Reader
	disk *disk
	src  []byte // of the configuration
}

// calls bounds what is read of the files that are named; nil without a disk.
func (r *reader) calls() *files.Calls {
	if r.disk == nil {
		return nil
	}
	return r.disk.calls
}

// secretFile is the zero value without its attribute.
func (r *reader) secretFile(a *hcl.Attribute) (s config.SecretFile) {
	if s.Path = r.Path(a, ""); s.Path != "" {
		s.Disk = r.calls()
	}
	return s
}

// account is the name or number of a user or group.
func (r *reader) account(a *hcl.Attribute, users bool) string {
	s := r.Text(a, "")
	if s != "" {
		r.disk.account(s, a.Expr.Range(), users)
	}
	return s
}
