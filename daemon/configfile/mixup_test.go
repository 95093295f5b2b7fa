package configfile_test

import (
	"fmt"
	"strings"
	"testing"

	"webex-tokend/daemon/configfile"
)

// Answers of two servers arrived at one address, and neither said who it is: a
// hostile one got codes of the other, and nobody had been told.
func TestServersWhoseAnswersNobodyCanTellApartAreWarnedOf(t *testing.T) {
	of := func(name, server, redirect, more string) string {
		return fmt.Sprintf("integration %q {\n  kind = \"generic\"\n  client_id = \"c\"\n  token_url = \"https://%s/token\"\n"+
			"  authorize_url = \"https://%s/authorize\"\n  redirect_url = \"http://127.0.0.1:8411/%s\"\n%s\n}\n", name, server, server, redirect, more)
	}
	honest := of("honest", "honest.example", "oauth", "")
	for name, row := range map[string]struct {
		with string
		told bool
	}{
		"another server":                   {of("other", "other.example", "oauth", ""), true},
		"another port":                     {of("other", "honest.example:8443", "oauth", ""), true},
		"the same server":                  {of("other", "honest.example", "oauth", ""), false},
		"another path":                     {of("other", "other.example", "oauth/other", ""), false},
		"another server that says its iss": {of("other", "other.example", "oauth", `issuer = "https://other.example"`), false},
		"a server of Webex": {"integration \"other\" {\n  kind = \"rest\"\n  client_id = \"c\"\n  client_secret_file = \"/etc/webex-tokend/other\"\n  scopes = [\"spark:all\"]\n" +
			"  redirect_url = \"http://127.0.0.1:8411/oauth\"\n}\n", true},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := configfile.Parse([]byte(honest+row.with), "config.hcl")
			if err != nil {
				t.Fatal(err)
			}
			told := strings.Join(c.Warnings, "\n")
			if got := strings.Contains(told, `redirect_url is also that of integration "honest"`); got != row.told {
				t.Errorf("told: %t, want %t\n%s", got, row.told, told)
			}
		})
	}
}
