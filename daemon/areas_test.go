package daemon

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"webex-tokend/daemon/config"
)

func TestEveryPartThatLogsHasALevelToSet(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	areas := make(map[string]struct{})
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range regexp.MustCompile(`log\.Named\("(\w+)"\)`).FindAllSubmatch(source, -1) {
			areas[string(found[1])] = struct{}{}
		}
	}
	if got := slices.Sorted(maps.Keys(areas)); !slices.Equal(got, config.LogAreas()) {
		t.Errorf("the parts that log are %q, log_levels knows %q", got, config.LogAreas())
	}
}
