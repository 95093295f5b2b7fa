package attribute

import (
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"webex-tokend/daemon/config"
)

// path is absolute and comes out clean: a daemon's working folder is no place
// to reckon from.
func (r *Reader) Path(a *hcl.Attribute, def string) string {
	s := r.Text(a, "")
	switch {
	case s == "":
		return def
	case strings.ContainsRune(s, 0):
		r.Fault(a.Expr.Range(), a.Name+" holds a NUL", "No path can.")
		return def
	case !filepath.IsAbs(s):
		r.Fault(a.Expr.Range(), a.Name+" is a relative path", "Write it from the root, beginning with a slash.")
		return def
	}
	return filepath.Clean(s)
}

// URL returns nil for an attribute that is absent or faulty. Plain http is for
// loopback hosts only, and no URL carries credentials.
func (r *Reader) URL(a *hcl.Attribute, schemes ...string) *url.URL {
	s := r.Text(a, "")
	if s == "" {
		return nil
	}
	at := a.Expr.Range()
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Scheme == "" || u.Hostname() == "":
		r.Fault(at, a.Name+" is no URL", "Write scheme, host and path, such as https://host.example/path.")
	case u.User != nil:
		r.Fault(at, a.Name+" holds credentials", "Secrets have no place in the config text. Remove the part before the @.")
	case !slices.Contains(schemes, u.Scheme):
		r.Fault(at, a.Name+" has an unknown scheme", "Known: "+strings.Join(schemes, ", ")+".")
	case u.Fragment != "":
		r.Fault(at, a.Name+" has a fragment", "No server gets to see the part after the #. Remove it.")
	case u.Scheme == "http" && a.Name != "proxy_url" && !config.LoopbackHost(u.Hostname()):
		r.Fault(at, a.Name+" is not https", fmt.Sprintf("Secrets would travel in the clear to %s. Plain http is for loopback hosts only.", u.Hostname()))
	default:
		return u
	}
	return nil
}
