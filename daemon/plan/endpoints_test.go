package plan_test

import (
	"fmt"
	"strings"
	"testing"

	"webex-tokend/daemon/plan"
)

// The first consent ended on a page of the browser that found nobody.
func TestARedirectURLThatNothingWillAnswerIsNamed(t *testing.T) {
	const pages = "http {\n  listen = \"127.0.0.1:8411\"\n}\n"
	behind := "http {\n  public_url = \"https://tokens.example.com\"\n}\n"
	for _, c := range []struct{ name, kind, back, http, want string }{
		{"the pages answer", "rest", "http://127.0.0.1:8411/oauth", pages, ""},
		{"the pages answer behind a proxy", "rest", "https://tokens.example.com/oauth", behind, ""},
		{"the terminal answers", "rest", "http://localhost:8080/callback", "", ""},
		{"the terminal answers beside the pages", "rest", "http://[::1]:8080/callback", pages, ""},
		{"there is none", "rest", "", pages, ""},
		{"no pages", "rest", "https://tokens.example.com/oauth", "", `http { public_url = "https://tokens.example.com" }; without them paste`},
		{"TLS on this host", "rest", "https://127.0.0.1:8080/oauth", "", "paste the address there: webex-tokend authorize GRANT --paste"},
		{"the pages have another name", "rest", "http://localhost:8411/oauth", pages, `answer as http://127.0.0.1:8411 alone; write redirect_url = "http://127.0.0.1:8411/oauth"`},
		{"the pages are elsewhere", "rest", "https://www.example.com/oauth", pages, `the pages are http://127.0.0.1:8411; write redirect_url = "http://127.0.0.1:8411/oauth", or set public_url`},
		{"nobody consents", "static", "http://127.0.0.1:8411/oauth", pages, "it has no authorize_url"},
	} {
		client, line := "  client_id = \"C1\"\n  client_secret_file = \"/etc/s\"\n", ""
		if c.kind == "static" {
			client = ""
		}
		if c.back != "" {
			line = fmt.Sprintf("  redirect_url = %q\n", c.back)
		}
		got := strings.Join(plan.Cautions(parse(t, fmt.Sprintf("integration \"one\" {\n  kind = %q\n%s%s}\n%s", c.kind, client, line, c.http))), "\n")
		if (c.want == "") != (got == "") || !strings.Contains(got, c.want) || got != "" && !strings.HasPrefix(got, "integration one: nothing will answer at redirect_url "+c.back+": ") {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

// Whoever points one endpoint elsewhere sees where the others go.
func TestThePlanNamesTheEndpointsInForce(t *testing.T) {
	got := strings.Join(plan.Lines(parse(t, `
integration "gov" {
  kind               = "rest"
  cloud              = "fedramp"
  client_id          = "C1"
  client_secret_file = "/etc/s"
  proxy_url          = "http://proxy.example.com:3128"
}
integration "lab" {
  kind               = "meetings"
  client_id          = "C1"
  client_secret_file = "/etc/s"
  token_url          = "http://127.0.0.1:9999/v1/access_token"
}
`)), "\n")
	for _, want := range []string{
		"integration gov (rest) speaks to\n  tokens    https://api-usgov.webex.com/v1/access_token\n  consent   https://api-usgov.webex.com/v1/authorize\n  API       https://api-usgov.webex.com/v1\n  by proxy  http://proxy.example.com:3128\n",
		"integration lab (meetings) speaks to\n  tokens    http://127.0.0.1:9999/v1/access_token\n  consent   http://127.0.0.1:9999/v1/oauth2/authorize\n  API       http://127.0.0.1:9999/WBXService/XMLService\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the plan lacks\n%sin\n%s", want, got)
		}
	}
}
