package configfile_test

import (
	"strings"
	"testing"

	"webex-tokend/daemon/configfile"
)

func TestParametersThatTheDaemonSetsAreNoneOfTheConfiguration(t *testing.T) {
	with := func(params string) error {
		_, err := configfile.Parse([]byte(strings.Replace(crm, "}\n", "  authorize_params = "+params+"\n}\n", 1)), "config.hcl")
		return err
	}
	for _, good := range []string{`{}`, `{ prompt = "consent" }`, `{ access_type = "offline", prompt = "consent" }`, `{ "x-y" = "" }`} {
		if err := with(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{`{ state = "x" }`, `{ client_id = "x" }`, `{ scope = "x" }`, `{ redirect_uri = "x" }`, `{ code_challenge = "x" }`, `["prompt"]`, `"prompt=consent"`, `{ prompt = 7 }`} {
		if err := with(bad); err == nil || !strings.Contains(err.Error(), "authorize_params") && !strings.Contains(err.Error(), "strings") && !strings.Contains(err.Error(), "text") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
