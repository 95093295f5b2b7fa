package plan_test

import (
	"fmt"
	"testing"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/configfile"
)

const crm = `
integration "crm" {
  kind               = "rest"
  client_id          = "C0ffee"
  client_secret_file = "/etc/webex-tokend/crm.secret"
}
`

func parse(t *testing.T, src string) *config.Config {
	t.Helper()
	c, err := configfile.Parse([]byte(src), "config.hcl")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func declare(names ...string) string {
	src := crm
	for _, name := range names {
		src += fmt.Sprintf("grant %q {\n  integration = \"crm\"\n}\n", name)
	}
	return src
}
