package configfile

import (
	"github.com/hashicorp/hcl/v2"

	"webex-tokend/daemon/attribute"
)

// A reader reads blocks: attributes, and the files that they name.
type reader struct {
	*attribute.Reader
	disk *disk
	src  []byte // of the configuration
}

// account is the name or number of a user or group.
func (r *reader) account(a *hcl.Attribute, users bool) string {
	s := r.Text(a, "")
	if s != "" {
		r.disk.account(s, a.Expr.Range(), users)
	}
	return s
}
