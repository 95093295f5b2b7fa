package config

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// HTTP is where people reach the web pages.
type HTTP struct {
	Listen string // host:port
	// PublicURL is the origin under which browsers get there, without a final
	// slash: scheme, host and, unless it is the scheme's own, port.
	PublicURL string
	// WebConfigFile has the form of the Prometheus exporter-toolkit: TLS and
	// users of basic authentication. Empty: neither.
	WebConfigFile string
}

// Loopback reports whether only this host can connect.
func (h *HTTP) Loopback() bool {
	host, _, _ := net.SplitHostPort(h.Listen)
	return loopback(host)
}

const defaultListen = "127.0.0.1:8411"

// http checks what can be told from the text. Whether the file of
// WebConfigFile has what a listener beyond loopback needs is seen by the pages,
// which refuse to start without.
func (r *reader) http(b *httpBlock) *HTTP {
	if b == nil {
		return nil
	}
	h := &HTTP{Listen: r.address(b.Listen, defaultListen), WebConfigFile: r.path(b.WebConfigFile, "")}
	scheme := "http"
	if h.WebConfigFile != "" {
		scheme = "https"
		r.checkReadable(b.WebConfigFile, h.WebConfigFile)
	}
	h.PublicURL = scheme + "://" + h.Listen
	if u := r.url(b.PublicURL, "https", "http"); u != nil {
		if strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
			r.fault(b.PublicURL.Expr.Range(), "public_url has more than an origin",
				fmt.Sprintf("The pages live at the root of a host: %s://%s.", u.Scheme, u.Host))
		}
		h.PublicURL = u.Scheme + "://" + u.Host
	}
	if !h.Loopback() && b.WebConfigFile == nil {
		r.fault(r.placeOf(b.Listen, b.At), "The web pages would stand open to the network",
			"Beyond loopback they take TLS and authentication: name a web_config_file, or listen on 127.0.0.1.")
	}
	return h
}

// address is host:port; an empty host means every interface.
func (r *reader) address(a *hcl.Attribute, def string) string {
	s := r.text(a, def)
	host, port, err := net.SplitHostPort(s)
	n, portErr := strconv.ParseUint(port, 10, 16)
	if err == nil && portErr == nil && n > 0 && (host == "" || host == "localhost" || net.ParseIP(host) != nil) {
		return s
	}
	r.fault(a.Expr.Range(), a.Name+" is no address", "Write an IP address of this host and a port, such as "+defaultListen+".")
	return def
}

func (r *reader) placeOf(a *hcl.Attribute, block hcl.Range) hcl.Range {
	if a == nil {
		return block
	}
	return a.Expr.Range()
}

func (r *reader) checkReadable(a *hcl.Attribute, path string) {
	if r.disk == nil {
		return
	}
	if _, err := os.ReadFile(path); err != nil {
		r.doubt(a.Expr.Range(), "Cannot read "+a.Name, sentence(err))
	}
}

// ownPaths are those of the listener's own pages; what ends with a slash
// stands for everything below.
var ownPaths = []string{"/", "/ui/", "/link/", "/healthz", "/readyz", "/metrics"}

// redirects refuses redirect URLs whose answers would land on a page.
func (r *reader) redirects(blocks []*integrationBlock, c *Config) {
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
				r.fault(b.RedirectURL.Expr.Range(), "redirect_url leads to a page of the daemon",
					fmt.Sprintf("Choose a path of its own, such as %s/oauth.", c.HTTP.PublicURL))
				break
			}
		}
	}
}
