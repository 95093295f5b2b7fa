package provider_test

import (
	"strings"
	"testing"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/provider"
	"webex-tokend/store"
)

func TestARefusedTokenWithoutItsSiteNamesTheSetting(t *testing.T) {
	for name, row := range map[string]struct {
		kind   config.Kind
		site   string
		prefix bool
		token  string
		body   string
		names  bool
	}{
		"without its site":               {config.Meetings, "acme", false, "abc", `{"error":"invalid_grant"}`, true},
		"with it":                        {config.Meetings, "acme", false, "acme_abc", `{"error":"invalid_grant"}`, false},
		"with another one":               {config.Meetings, "acme", false, "other_abc", `{"error":"invalid_grant"}`, true},
		"where the setting is":           {config.Meetings, "acme", true, "abc", `{"error":"invalid_grant"}`, false},
		"where no site is known":         {config.Meetings, "", false, "abc", `{"error":"invalid_grant"}`, false},
		"of another kind":                {config.REST, "acme", false, "abc", `{"error":"invalid_grant"}`, false},
		"where the token is not refused": {config.Meetings, "acme", false, "abc", `{"error":"server_error"}`, false},
	} {
		in := integration(t, "http://127.0.0.1")
		in.Kind, in.Site, in.PrefixSite = row.kind, row.site, row.prefix
		c := client(t, provider.Config{Transport: by(respond(400, nil, row.body))})
		_, err := c.Refresh(t.Context(), in, provider.Request{Token: store.NewSecret(row.token)})
		if f := failure(t, err); strings.Contains(f.Description, "prefix_site = true") != row.names {
			t.Errorf("%s: %q", name, f.Description)
		}
	}
}

func TestATokenLimitIsNamedInWhateverShapeItComes(t *testing.T) {
	for _, body := range []string{
		`{"error":"tokenlimit_reached"}`,
		`{"error":"tokenlimit_reached","error_description":"Too many tokens","trackingID":"t"}`,
		`{"message":"stock phrase","errors":[{"description":"tokenlimit_reached"}],"trackingId":"ROUTER_1"}`,
		`{"message":"tokenlimit_reached"}`,
		`{"errors":["The account has TOKENLIMIT_REACHED"]}`,
	} {
		for _, status := range []int{400, 429} {
			c := client(t, provider.Config{Transport: by(respond(status, nil, body))})
			_, err := c.Refresh(t.Context(), integration(t, "http://127.0.0.1"), request())
			if f := failure(t, err); f.Kind != provider.Exhausted || f.Code != provider.CodeTokenLimit {
				t.Errorf("%d %s: kind %d, code %s", status, body, f.Kind, f.Code)
			}
		}
	}
}
