package configfile

import (
	"fmt"
	"net/url"
	"slices"

	"webex-tokend/daemon/config"
)

// checkMixUps warns of two integrations of different servers whose answers could
// not be told apart: they arrive at one redirect_url and neither server says who
// it is. One of them, in hostile hands, would be handed the codes of the other,
// RFC 9700 section 4.4. It is no fault, since whoever trusts both servers may keep
// it, and a daemon that refused it would keep no grant alive.
func checkMixUps(blocks []*integrationBlock, c *config.Config, r *reader) {
	unnamed := make(map[string][]*config.Integration) // by redirect_url, one for each server
	for _, b := range blocks {
		in := c.Integrations[b.Name]
		if in == nil || b.RedirectURL == nil || in.Issuer != "" || !in.Authorizes() {
			continue
		}
		others := unnamed[in.RedirectURL]
		if slices.ContainsFunc(others, func(other *config.Integration) bool { return oneServer(in, other) }) {
			continue
		}
		if len(others) > 0 {
			r.Warn(b.RedirectURL.Expr.Range(), fmt.Sprintf("redirect_url is also that of integration %q, at another server", others[0].Name),
				"Nobody can tell answers of the two apart, and one server could get a code of the other. "+
					"Register another path for one of them, such as "+in.RedirectURL+"/"+in.Name+", or set its issuer, where its server sends iss.")
		}
		unnamed[in.RedirectURL] = append(others, in)
	}
}

// oneServer reports whether consent to both is asked for by the same server, or
// by servers of Webex.
func oneServer(a, b *config.Integration) bool {
	ofWebex := func(in *config.Integration) bool { return in.AuthorizeURL == presets(in.Kind, in.Cloud).authorize }
	first, err := url.Parse(a.AuthorizeURL)
	second, err2 := url.Parse(b.AuthorizeURL)
	if err != nil || err2 != nil {
		return true // a fault of its own
	}
	return first.Scheme == second.Scheme && first.Host == second.Host || ofWebex(a) && ofWebex(b)
}
