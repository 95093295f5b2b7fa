package plan

import (
	"cmp"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"

	"webex-tokend/daemon/config"
)

// endpoints says to whom each integration speaks, so that a proxy, an emulator or
// another cloud is seen before a secret goes there.
func endpoints(c *config.Config) (lines []string) {
	for _, name := range slices.Sorted(maps.Keys(c.Integrations)) {
		in := c.Integrations[name]
		lines = append(lines, fmt.Sprintf("integration %s (%s) speaks to", name, in.Kind))
		for _, e := range []struct {
			about string
			urls  []string
		}{
			{"tokens", []string{in.TokenURL}},
			{"consent", []string{in.AuthorizeURL}},
			{"devices", []string{in.DeviceAuthorizeURL, in.DeviceTokenURL}},
			{"API", []string{in.APIURL}},
			{"revoking", []string{in.RevokeURL}},
			{"by proxy", []string{in.ProxyURL}},
		} {
			if e.urls = slices.DeleteFunc(e.urls, func(u string) bool { return u == "" }); len(e.urls) > 0 {
				lines = append(lines, fmt.Sprintf("  %-9s %s", e.about, strings.Join(e.urls, ", ")))
			}
		}
	}
	return lines
}

// Cautions name what is no fault and will surprise: redirect URLs at which nothing
// of ours will answer, one line each.
func Cautions(c *config.Config) (lines []string) {
	for _, name := range slices.Sorted(maps.Keys(c.Integrations)) {
		in := c.Integrations[name]
		if why := unserved(c, in); why != "" {
			lines = append(lines, fmt.Sprintf("integration %s: nothing will answer at redirect_url %s: %s", name, in.RedirectURL, why))
		}
	}
	return lines
}

// unserved says why no page and no command takes the answer of a consent; empty:
// one does. The pages answer under their own origin alone, and the terminal takes
// what comes to plain HTTP on this host, unless the pages have the port.
func unserved(c *config.Config, in *config.Integration) string {
	back, err := url.Parse(in.RedirectURL)
	switch {
	case err != nil || in.RedirectURL == "":
		return ""
	case in.AuthorizeURL == "":
		return "it has no authorize_url, so that nobody is sent there"
	case c.HTTP != nil && back.Scheme+"://"+back.Host == c.HTTP.PublicURL:
		return ""
	}
	here := back.Scheme == "http" && config.LoopbackHost(back.Hostname())
	if c.HTTP == nil {
		if here {
			return ""
		}
		return fmt.Sprintf("pages would, by http { public_url = %q }; without them paste the address there: webex-tokend authorize GRANT --paste", back.Scheme+"://"+back.Host)
	}
	if _, port, err := net.SplitHostPort(c.HTTP.Listen); err == nil && here && port == cmp.Or(back.Port(), "80") {
		return fmt.Sprintf("the pages have its port and answer as %s alone; write redirect_url = %q", c.HTTP.PublicURL, c.HTTP.PublicURL+back.Path)
	}
	if here {
		return ""
	}
	return fmt.Sprintf("the pages are %s; write redirect_url = %q, or set public_url", c.HTTP.PublicURL, c.HTTP.PublicURL+back.Path)
}
