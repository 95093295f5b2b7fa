package grantname_test

import (
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
