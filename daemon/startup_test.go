package daemon_test

import (
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// webex-tokend token took five times as long as a program that does nothing:
// each of the 200 packages that it links makes itself ready first.
func TestTheQuickClientLinksNothingThatTakesTime(t *testing.T) {
	linked := func(program string) []string {
		out, err := exec.Command("go", "list", "-deps", program).Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.Fields(string(out))
	}
	heavy := []string{"net", "net/http", "encoding/json", "regexp", "text/template", "crypto/tls"}
	quick, whole := linked("../cmd/webex-token"), linked("../cmd/webex-tokend")
	for _, p := range heavy {
		if !slices.Contains(whole, p) {
			t.Errorf("webex-tokend is not seen to link %s", p)
		}
		if slices.Contains(quick, p) {
			t.Errorf("webex-token links %s", p)
		}
	}
	for _, p := range quick {
		if host, _, _ := strings.Cut(p, "/"); strings.Contains(host, ".") {
			t.Errorf("webex-token links the library %s", p)
		}
	}
}

// Commands compiled twenty expressions at their start and used one.
func TestNoExpressionIsCompiledAtTheStart(t *testing.T) {
	compiled := func(pattern string) string {
		// What git knows: copies of the tree that lie in it are not the product's.
		out, _ := exec.Command("git", "-C", "..", "grep", "-nE", pattern, "--", "*.go", ":!*_test.go").Output()
		return string(out)
	}
	if compiled(`regexp\.MustCompile`) == "" {
		t.Skip("there is no git, or no clone")
	}
	const early = `^(var|	)[ 	]*[A-Za-z]+[ 	]*= regexp\.MustCompile`
	if !regexp.MustCompile(early).MatchString("var octal = regexp.MustCompile(`x`)") {
		t.Error("an expression at the start is not seen")
	}
	if found := compiled(early); found != "" {
		t.Errorf("compile these where they are first used:\n%s", found)
	}
}
