package config

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

type endpoints struct {
	authorize, token, deviceAuthorize, deviceToken, revoke, api string
}

// presets are the endpoints that Cisco documents: developer.webex.com for REST
// integrations, the guide to FedRAMP integrations for the government cloud,
// developer.cisco.com/docs/webex-meetings for Meetings. An empty one is not
// known to exist. Tokens are revoked at the identity broker, as Cisco's own
// JavaScript SDK does.
func presets(kind Kind, cloud string) endpoints {
	switch {
	case kind == Meetings && cloud == commercial:
		return endpoints{
			authorize: "https://api.webex.com/v1/oauth2/authorize",
			token:     "https://api.webex.com/v1/oauth2/token",
			api:       "https://api.webex.com/WBXService/XMLService",
		}
	case kind == Static && cloud == commercial:
		return endpoints{api: "https://webexapis.com/v1"}
	case kind == Static && cloud == fedramp:
		return endpoints{api: "https://api-usgov.webex.com/v1"}
	case kind == REST && cloud == commercial:
		return endpoints{
			authorize:       "https://webexapis.com/v1/authorize",
			token:           "https://webexapis.com/v1/access_token",
			deviceAuthorize: "https://webexapis.com/v1/device/authorize",
			deviceToken:     "https://webexapis.com/v1/device/token",
			revoke:          "https://idbroker.webex.com/idb/oauth2/v1/revoke",
			api:             "https://webexapis.com/v1",
		}
	case kind == ServiceApp && cloud == commercial:
		return endpoints{
			token:  "https://webexapis.com/v1/access_token",
			revoke: "https://idbroker.webex.com/idb/oauth2/v1/revoke",
			api:    "https://webexapis.com/v1",
		}
	case kind == REST && cloud == fedramp:
		return endpoints{
			authorize: "https://api-usgov.webex.com/v1/authorize",
			token:     "https://api-usgov.webex.com/v1/access_token",
			api:       "https://api-usgov.webex.com/v1",
		}
	}
	return endpoints{}
}

// Authorizes reports whether a person can consent in a browser.
func (i *Integration) Authorizes() bool { return i.AuthorizeURL != "" && i.RedirectURL != "" }

// endpoints fills the URLs of an integration. As soon as the block sets one,
// those that it leaves out take its origin with the preset's path: whoever
// points at a proxy or an emulator wants no secret to go to Webex after all.
// When several are set, the first in the order below gives the origin.
func (r *reader) endpoints(b *integrationBlock, i *Integration) {
	p := presets(i.Kind, i.Cloud)
	all := []struct {
		attr   *hcl.Attribute
		preset string
		target *string
	}{
		{b.TokenURL, p.token, &i.TokenURL},
		{b.APIURL, p.api, &i.APIURL},
		{b.AuthorizeURL, p.authorize, &i.AuthorizeURL},
		{b.DeviceAuthorizeURL, p.deviceAuthorize, &i.DeviceAuthorizeURL},
		{b.DeviceTokenURL, p.deviceToken, &i.DeviceTokenURL},
		{b.RevokeURL, p.revoke, &i.RevokeURL},
	}
	var origin string
	for _, e := range all {
		if u := r.url(e.attr, "https", "http"); u != nil {
			*e.target = strings.TrimSuffix(u.String(), "/")
			if origin == "" {
				origin = u.Scheme + "://" + u.Host
			}
		}
	}
	for _, e := range all {
		if *e.target == "" {
			*e.target = rebase(e.preset, origin)
		}
	}
}

// rebase moves a URL to another origin; an empty origin leaves it.
func rebase(preset, origin string) string {
	if preset == "" || origin == "" {
		return preset
	}
	u, err := url.Parse(preset)
	if err != nil {
		return preset
	}
	return origin + u.Path
}

// url returns nil for an attribute that is absent or faulty. Plain http is for
// loopback hosts only, and no URL carries credentials.
func (r *reader) url(a *hcl.Attribute, schemes ...string) *url.URL {
	s := r.text(a, "")
	if s == "" {
		return nil
	}
	at := a.Expr.Range()
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Scheme == "" || u.Hostname() == "":
		r.fault(at, a.Name+" is no URL", "Write scheme, host and path, such as https://host.example/path.")
	case u.User != nil:
		r.fault(at, a.Name+" holds credentials", "Secrets have no place in the config text. Remove the part before the @.")
	case !slices.Contains(schemes, u.Scheme):
		r.fault(at, a.Name+" has an unknown scheme", "Known: "+strings.Join(schemes, ", ")+".")
	case u.Fragment != "":
		r.fault(at, a.Name+" has a fragment", "No server gets to see the part after the #. Remove it.")
	case u.Scheme == "http" && a.Name != "proxy_url" && !loopback(u.Hostname()):
		r.fault(at, a.Name+" is not https", fmt.Sprintf("Secrets would travel in the clear to %s. Plain http is for loopback hosts only.", u.Hostname()))
	default:
		return u
	}
	return nil
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
