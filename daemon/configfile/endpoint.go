package configfile

import (
	"net/url"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"webex-tokend/daemon/config"
)

type endpoints struct {
	authorize, token, deviceAuthorize, deviceToken, revoke, api string
}

// presets are the endpoints that Cisco documents: developer.webex.com for REST
// integrations, the guide to FedRAMP integrations for the government cloud,
// developer.cisco.com/docs/webex-meetings for Meetings. An empty one is not
// known to exist. Tokens are revoked at the identity broker, as Cisco's own
// JavaScript SDK does.
func presets(kind config.Kind, cloud string) endpoints {
	switch {
	case kind == config.Meetings && cloud == commercial:
		return endpoints{
			authorize: "https://api.webex.com/v1/oauth2/authorize",
			token:     "https://api.webex.com/v1/oauth2/token",
			api:       "https://api.webex.com/WBXService/XMLService",
		}
	case kind == config.Static && cloud == commercial:
		return endpoints{api: "https://webexapis.com/v1"}
	case kind == config.Static && cloud == fedramp:
		return endpoints{api: "https://api-usgov.webex.com/v1"}
	case kind == config.REST && cloud == commercial:
		return endpoints{
			authorize:       "https://webexapis.com/v1/authorize",
			token:           "https://webexapis.com/v1/access_token",
			deviceAuthorize: "https://webexapis.com/v1/device/authorize",
			deviceToken:     "https://webexapis.com/v1/device/token",
			revoke:          "https://idbroker.webex.com/idb/oauth2/v1/revoke",
			api:             "https://webexapis.com/v1",
		}
	case kind == config.ServiceApp && cloud == commercial:
		return endpoints{
			token:  "https://webexapis.com/v1/access_token",
			revoke: "https://idbroker.webex.com/idb/oauth2/v1/revoke",
			api:    "https://webexapis.com/v1",
		}
	case kind == config.REST && cloud == fedramp:
		return endpoints{
			authorize: "https://api-usgov.webex.com/v1/authorize",
			token:     "https://api-usgov.webex.com/v1/access_token",
			api:       "https://api-usgov.webex.com/v1",
		}
	}
	return endpoints{}
}

// endpoints fills the URLs of an integration. As soon as the block sets one,
// those that it leaves out take its origin with the preset's path: whoever
// points at a proxy or an emulator wants no secret to go to Webex after all.
// When several are set, the first in the order below gives the origin.
func (b *integrationBlock) endpoints(r *reader, i *config.Integration) {
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
		if u := r.URL(e.attr, "https", "http"); u != nil {
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
