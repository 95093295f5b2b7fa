package grantname_test

import (
	"regexp"
	"strings"
	"testing"

	"webex-tokend/daemon/grantname"
)

func TestNamesStandInPathsAndURLs(t *testing.T) {
	for _, name := range []string{"a", "0", "ops-eu_1.x", strings.Repeat("a", 63)} {
		if err := grantname.Valid(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"", ".", "..", "-a", "_a", ".a", "a/b", "a..b", "A", "ä", "a b", "a\n", "a*", strings.Repeat("a", 64)} {
		err := grantname.Valid(name)
		if err == nil {
			t.Errorf("%q was accepted", name)
		} else if strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: more than one line: %v", name, err)
		}
	}
}

// FuzzName compares with the forms as expressions, which say shortest what a name
// is but have to be compiled by every command at its start.
func FuzzName(f *testing.F) {
	var (
		name     = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)
		prefix   = regexp.MustCompile(`^([a-z0-9][a-z0-9._-]{0,61})?\*$`)
		variable = regexp.MustCompile(`\{\{-?\s*\.Grant\s*-?\}\}`)
	)
	for _, text := range []string{"", "a", "A", "a-", "-a", "a.b", "a..b", "*", "a*", "a**", ".*", "a\n", "ä", strings.Repeat("a", 62) + "*",
		strings.Repeat("a", 63), strings.Repeat("a", 63) + "*", strings.Repeat("a", 64), "/x/{{.Grant}}/{{- .Grant\t-}}", "{{{ .Grant }}}",
		"{{ .Grant", "{{ .Grants }}", "{{ - .Grant }}", "{{-.Grant--}}", "{{ x }}{{ .Grant }}", "{{\v.Grant}}", "{{{{.Grant}}"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		dots := strings.Contains(text, "..")
		if got, want := grantname.Valid(text) == nil, name.MatchString(text) && !dots; got != want {
			t.Errorf("%q: a name %v, want %v", text, got, want)
		}
		want := (name.MatchString(text) || prefix.MatchString(text)) && !dots
		if got := grantname.ValidPattern(text) == nil; got != want {
			t.Errorf("%q: a pattern %v, want %v", text, got, want)
		}
		if got, want := grantname.Normal(text), variable.ReplaceAllString(text, grantname.Variable); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	})
}
