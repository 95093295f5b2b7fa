package plan_test

import (
	"slices"
	"testing"

	"webex-tokend/daemon/plan"
)

func TestFilesThatNobodyWritesAnyMoreAreNamed(t *testing.T) {
	grant := func(name, lines string) string {
		return "grant \"" + name + "\" {\n  integration = \"crm\"\n" + lines + "}\n"
	}
	file := func(path string) string { return "  file {\n    path = \"" + path + "\"\n  }\n" }
	both := func(path string) string { return "  file {\n    path = \"" + path + "\"\n    meta = true\n  }\n" }
	textfile := func(path string) string { return "maintenance {\n  textfile = \"" + path + "\"\n}\n" }
	const one, all = "/run/webex-tokend/tokens/t-1", "/run/webex-tokend/tokens/{{.Grant}}"
	for _, test := range []struct {
		name, old, next string
		want            []string
	}{
		{"nothing changes", grant("t-1", both(one)), grant("t-1", both(one)), nil},
		{"a block goes", grant("t-1", both(one)), grant("t-1", ""), []string{one, one + ".meta.json"}},
		{"its grant goes", grant("t-1", file(one)), "", []string{one}},
		{"it gets another path", grant("t-1", file(one)), grant("t-1", file("/srv/t")), []string{one}},
		{"it loses its side file", grant("t-1", both(one)), grant("t-1", file(one)), []string{one + ".meta.json"}},
		{"another grant writes it", grant("t-1", file(one)), grant("t-2", file(one)), nil},
		{"a pattern writes it", grant("t-1", file(one)), grant("t-*", file(all)), nil},
		{"a pattern writes elsewhere", grant("t-1", file(one)), grant("t-*", file("/srv/{{ .Grant }}")), []string{one}},
		{"a pattern is replaced by a shorter one", grant("t-*", file(all)), grant("*", file(all)), nil},
		{"a pattern loses its block", grant("t-*", file(all)), grant("t-*", ""), []string{"/run/webex-tokend/tokens/{{ .Grant }}"}},
		{"the textfile stays", textfile("/srv/t.prom"), textfile("/srv/t.prom"), nil},
		{"the textfile moves", textfile("/srv/t.prom"), textfile("/srv/u.prom"), []string{"/srv/t.prom"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := plan.Orphans(parse(t, crm+test.old), parse(t, crm+test.next)); !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
