package configfile

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"webex-tokend/daemon/config"
)

const defaultListen = "127.0.0.1:8411"

// read checks what can be told from the text. Whether the file of
// WebConfigFile has what a listener beyond loopback needs is seen by the pages,
// which refuse to start without.
func (b *httpBlock) read(r *reader) *config.HTTP {
	if b == nil {
		return nil
	}
	h := &config.HTTP{Listen: address(b.Listen, r, defaultListen), WebConfigFile: r.Path(b.WebConfigFile, "")}
	scheme := "http"
	if h.WebConfigFile != "" {
		scheme = "https"
		r.disk.readable(b.WebConfigFile, h.WebConfigFile)
		if r.disk != nil {
			for _, path := range certificates(r.disk, h) {
				r.disk.closed(b.WebConfigFile.Expr.Range(), "file of web_config_file", path)
			}
		}
	}
	h.PublicURL = scheme + "://" + h.Listen
	if u := r.URL(b.PublicURL, "https", "http"); u != nil {
		if strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
			r.Fault(b.PublicURL.Expr.Range(), "public_url has more than an origin",
				fmt.Sprintf("The pages live at the root of a host: %s://%s.", u.Scheme, u.Host))
		}
		h.PublicURL = u.Scheme + "://" + u.Host
	}
	if !h.Loopback() && b.WebConfigFile == nil {
		r.Fault(placeOf(b.Listen, b.At), "The web pages would stand open to the network",
			"Beyond loopback they take TLS and authentication: name a web_config_file, or listen on 127.0.0.1.")
	}
	return h
}

// address is host:port; an empty host means every interface.
func address(a *hcl.Attribute, r *reader, def string) string {
	s := r.Text(a, def)
	host, port, err := net.SplitHostPort(s)
	n, portErr := strconv.ParseUint(port, 10, 16)
	if err == nil && portErr == nil && n > 0 && (host == "" || host == "localhost" || net.ParseIP(host) != nil) {
		return s
	}
	r.Fault(a.Expr.Range(), a.Name+" is no address", "Write an IP address of this host and a port, such as "+defaultListen+".")
	return def
}

func placeOf(a *hcl.Attribute, block hcl.Range) hcl.Range {
	if a == nil {
		return block
	}
	return a.Expr.Range()
}

// ownPaths are those of the listener's own pages; what ends with a slash
// stands for everything below.
var ownPaths = []string{"/", "/ui/", "/link/", "/healthz", "/readyz", "/metrics"}

// checkRedirects refuses redirect URLs whose answers would land on a page.
func checkRedirects(blocks []*integrationBlock, c *config.Config, r *reader) {
	if c.HTTP == nil {
		return
	}
	for _, b := range blocks {
		if b.RedirectURL == nil || c.Integrations[b.Name] == nil {
			continue
		}
		u, err := url.Parse(c.Integrations[b.Name].RedirectURL)
		if err != nil || u.Scheme+"://"+u.Host != c.HTTP.PublicURL {
			continue
		}
		for _, own := range ownPaths {
			path := u.Path
			if path == "" {
				path = "/"
			}
			if path == own || own != "/" && strings.HasSuffix(own, "/") && strings.HasPrefix(path+"/", own) {
				r.Fault(b.RedirectURL.Expr.Range(), "redirect_url leads to a page of the daemon",
					fmt.Sprintf("Choose a path of its own, such as %s/oauth.", c.HTTP.PublicURL))
				break
			}
		}
	}
}
