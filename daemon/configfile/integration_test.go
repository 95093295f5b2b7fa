package configfile_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"webex-tokend/daemon/config"
)

const day = 24 * time.Hour

func one(t *testing.T, lines string) *config.Integration {
	t.Helper()
	if !strings.Contains(lines, `"static"`) {
		lines = "client_id = \"c\"\n" + lines
	}
	return parse(t, "integration \"x\" {\n  client_secret_file = \"/s\"\n"+lines+"\n}\n").Integrations["x"]
}

func TestEachKindAndCloudHasItsPreset(t *testing.T) {
	base := config.Integration{
		Name: "x", Cloud: "commercial", ClientID: "c", Secrets: []config.SecretFile{{Path: "/s"}},
		AuthStyle: config.InBody, PKCE: "S256", Concurrency: 16, MinInterval: time.Minute,
	}
	for name, test := range map[string]struct {
		lines string
		want  func(*config.Integration)
	}{
		"a REST integration in the commercial cloud": {`kind = "rest"`, func(i *config.Integration) {
			i.Kind, i.AccessLife, i.RefreshLife = config.REST, 14*day, 90*day
			i.AuthorizeURL = "https://webexapis.com/v1/authorize"
			i.TokenURL = "https://webexapis.com/v1/access_token"
			i.DeviceAuthorizeURL = "https://webexapis.com/v1/device/authorize"
			i.DeviceTokenURL = "https://webexapis.com/v1/device/token"
			i.RevokeURL = "https://idbroker.webex.com/idb/oauth2/v1/revoke"
			i.APIURL = "https://webexapis.com/v1"
		}},
		"a REST integration in the government cloud": {"kind = \"rest\"\n cloud = \"fedramp\"", func(i *config.Integration) {
			i.Kind, i.Cloud, i.AccessLife, i.RefreshLife = config.REST, "fedramp", 14*day, 60*day
			i.AuthorizeURL = "https://api-usgov.webex.com/v1/authorize"
			i.TokenURL = "https://api-usgov.webex.com/v1/access_token"
			i.APIURL = "https://api-usgov.webex.com/v1"
		}},
		"a Meetings integration": {"kind = \"meetings\"\n site = \"acme\"\n prefix_site = true", func(i *config.Integration) {
			i.Kind, i.PKCE, i.AccessLife, i.RefreshLife = config.Meetings, "plain", 2*time.Hour, 60*day
			i.Site, i.PrefixSite = "acme", true
			i.AuthorizeURL = "https://api.webex.com/v1/oauth2/authorize"
			i.TokenURL = "https://api.webex.com/v1/oauth2/token"
			i.APIURL = "https://api.webex.com/WBXService/XMLService"
		}},
		"a generic integration knows its token endpoint only": {"kind = \"generic\"\n token_url = \"https://idp.example/token\"", func(i *config.Integration) {
			i.Kind, i.AuthStyle, i.Rotates, i.AccessLife = config.Generic, config.Basic, true, time.Hour
			i.TokenURL = "https://idp.example/token"
		}},
		"a static token has an API and no life": {`kind = "static"`, func(i *config.Integration) {
			i.Kind, i.ClientID, i.APIURL = config.Static, "", "https://webexapis.com/v1"
		}},
		"every preset can be replaced": {`
			kind         = "static"
			auth_style   = "basic"
			pkce         = "none"
			rotates      = true
			access_life  = "12h"
			refresh_life = "30d"
			rate         = "300/m"
			concurrency  = 2
			min_interval = "1s"
			proxy_url    = "http://proxy.example:3128"
			ca_file      = "/ca.pem"`, func(i *config.Integration) {
			i.Kind, i.ClientID, i.APIURL = config.Static, "", "https://webexapis.com/v1"
			i.AuthStyle, i.PKCE, i.Rotates = config.Basic, "none", true
			i.AccessLife, i.RefreshLife = 12*time.Hour, 30*day
			i.Rate, i.Concurrency, i.MinInterval = 5, 2, time.Second
			i.ProxyURL, i.CAFile = "http://proxy.example:3128", "/ca.pem"
		}},
	} {
		t.Run(name, func(t *testing.T) {
			want := base
			test.want(&want)
			if got := one(t, test.lines); !reflect.DeepEqual(got, &want) {
				t.Errorf("got  %+v\nwant %+v", got, &want)
			}
		})
	}
}

func TestUnsetEndpointsMoveToTheOriginOfASetOne(t *testing.T) {
	for name, test := range map[string]struct{ lines, token, revoke, authorize string }{
		"the token endpoint gives the origin": {
			`token_url = "http://127.0.0.1:9/t"`,
			"http://127.0.0.1:9/t", "http://127.0.0.1:9/idb/oauth2/v1/revoke", "http://127.0.0.1:9/v1/authorize"},
		"no secret goes to Webex when only the API is set": {
			`api_url = "https://proxy.example/v1/"`,
			"https://proxy.example/v1/access_token", "https://proxy.example/idb/oauth2/v1/revoke", "https://proxy.example/v1/authorize"},
		"the token endpoint goes before others": {
			"api_url = \"https://a.example/v1\"\n token_url = \"https://b.example/t\"",
			"https://b.example/t", "https://b.example/idb/oauth2/v1/revoke", "https://b.example/v1/authorize"},
	} {
		t.Run(name, func(t *testing.T) {
			i := one(t, "kind = \"rest\"\n"+test.lines)
			if i.TokenURL != test.token || i.RevokeURL != test.revoke || i.AuthorizeURL != test.authorize {
				t.Errorf("got %s, %s, %s", i.TokenURL, i.RevokeURL, i.AuthorizeURL)
			}
		})
	}
}

func TestLoopbackHostsGoWithoutTLS(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "127.8.8.8:80", "[::1]:80", "localhost:8411"} {
		if i := one(t, "kind = \"rest\"\n token_url = \"http://"+host+"/t\""); i.TokenURL != "http://"+host+"/t" {
			t.Errorf("%s became %s", host, i.TokenURL)
		}
	}
}

func TestSecretsKeepTheOrderInWhichTheyAreTried(t *testing.T) {
	i := one(t, "kind = \"rest\"\n client_secret_file_next = \"/next\"\n client_secret_credential = \"cred\"")
	want := []config.SecretFile{{Path: "/s"}, {Credential: "cred"}, {Path: "/next"}}
	if !reflect.DeepEqual(i.Secrets, want) {
		t.Errorf("got %v, want %v", i.Secrets, want)
	}
}
