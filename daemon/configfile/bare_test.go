package configfile_test

import (
	"fmt"
	"strings"
	"testing"

	"webex-tokend/daemon/configfile"
)

func TestABareValueInAScriptOrUnitIsWarnedOf(t *testing.T) {
	for _, test := range []struct{ path, text, says string }{
		{"/run/x/ops.sh", "TOKEN={{ .AccessToken }}", ".AccessToken bare, for a shell"},
		{"/run/x/ops", "#!/bin/sh\necho {{ .User }}", ".User bare, for a shell"},
		{"/run/x/ops", "export A={{ if .Scope }}{{ .Scope }}{{ end }}", ".Scope bare, for a shell"},
		{"/run/x/ops", "[Service]\nEnvironment=U={{ .User | printf \"%s\" }}", ".User bare, for systemd"},
		{"/run/x/ops.service", "[Service]\nEnvironment=U={{ .User | ini }}", ""},
		{"/run/x/ops.sh", "TOKEN={{ .AccessToken | sh }} G={{ .Generation }}", ""},
		{"/run/x/ops.sh", "TOKEN={{ sh .AccessToken }}", ""},
		{"/run/x/ops.txt", "{{ .AccessToken }}", ""},
	} {
		src := fmt.Sprintf("integration \"bots\" {\n  kind = \"static\"\n}\ngrant \"ops\" {\n  integration = \"bots\"\n  file {\n    path = %q\n    format = \"template\"\n    template = %q\n  }\n}\n", test.path, test.text)
		c, err := configfile.Parse([]byte(src), "test.hcl")
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Join(c.Warnings, "\n")
		if test.says == "" && strings.Contains(text, "bare") || !strings.Contains(text, test.says) {
			t.Errorf("%s with %q: warned %q", test.path, test.text, text)
		}
	}
}
