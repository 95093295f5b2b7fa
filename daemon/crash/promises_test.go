package crash_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// root is the folder of the module.
const root = "../.."

// declared finds every test of the module, a script as Scripts/NAME.
func declared(t *testing.T) map[string]bool {
	t.Helper()
	found := make(map[string]bool)
	test := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		if name, ok := strings.CutSuffix(e.Name(), ".txtar"); ok {
			found["Scripts/"+name] = true
		}
		if !strings.HasSuffix(e.Name(), "_test.go") {
			return nil
		}
		text, err := os.ReadFile(path)
		for _, m := range test.FindAllSubmatch(text, -1) {
			found[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestEveryPromiseNamesTestsThatExist(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, ".github", "SECURITY.md"))
	if err != nil {
		t.Fatal(err)
	}
	exists := declared(t)
	if exists["TestThatNobodyWrote"] || !exists[t.Name()] {
		t.Fatal("the search for tests proves nothing")
	}
	named := regexp.MustCompile("`((?:Test|Fuzz)\\w+|Scripts/[\\w-]+)`")
	promise := regexp.MustCompile(`^\| \d+ \|`)
	promises := 0
	for line := range strings.Lines(string(text)) {
		names := named.FindAllStringSubmatch(line, -1)
		for _, name := range names {
			if !exists[name[1]] {
				t.Errorf("there is no %s", name[1])
			}
		}
		if promise.MatchString(line) {
			promises++
			if len(names) == 0 {
				t.Errorf("no test holds this promise: %s", line)
			}
		}
	}
	if promises != 17 {
		t.Errorf("%d promises, there are 17", promises)
	}
}
