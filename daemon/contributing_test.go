package daemon_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestContributingNamesPathsThatExist(t *testing.T) {
	text, err := os.ReadFile("../.github/CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	paths := regexp.MustCompile("`((?:\\./)?(?:cmd|daemon|store|systemd|\\.ci|config)[a-z_./-]*)`").FindAllSubmatch(text, -1)
	if len(paths) < 20 {
		t.Fatalf("only %d paths found", len(paths))
	}
	for _, m := range paths {
		path := string(m[1])
		if !strings.ContainsAny(path, "/.") {
			continue // a word
		}
		if _, err := os.Stat(filepath.Join("..", path)); err != nil {
			t.Errorf("%s is named and is not there", path)
		}
	}
	_, drawing, _ := strings.Cut(string(text), "```text\n")
	drawing, _, _ = strings.Cut(drawing, "```")
	if lines := strings.Count(drawing, "\n"); lines == 0 || lines > 40 {
		t.Errorf("the picture of the house has %d lines, and at most 40 are allowed", lines)
	}
	for room := range mayImport() {
		if name := filepath.Base(room); !regexp.MustCompile(`\b` + name + `\b`).MatchString(drawing) {
			t.Errorf("the picture of the house shows no %s", room)
		}
	}
}
