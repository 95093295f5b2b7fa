package configfile_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"webex-tokend/daemon/configfile"
)

// A link made by whoever owned a folder of an output kept the daemon from starting,
// with all grants, though only one output was met.
func TestALinkThatMakesOutputsMeetIsTheFailureOfOneOfThem(t *testing.T) {
	const grants = "integration \"bots\" {\n  kind = \"static\"\n}\ngrant %q {\n  integration = \"bots\"\n  file {\n    path = %q\n  }\n}\ngrant \"two\" {\n  integration = \"bots\"\n  file {\n    path = %q\n  }\n}\n"
	for _, test := range []struct{ name, grant, path, other, shut string }{
		{"two grants", "ops", "/alias/two", "/real/two", "two"},
		{"a grant and a pattern", "o*", "/alias/{{ .Grant }}", "/real/ops", "two"},
		{"a grant and the configuration", "ops", "/real/ops", "/alias/config.hcl", "two"},
		{"a pattern and the configuration", "conf*", "/alias/{{ .Grant }}.hcl", "/real/two", "config"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := errors.Join(os.Mkdir(dir+"/real", 0o755), os.Symlink("real", dir+"/alias")); err != nil {
				t.Fatal(err)
			}
			path := write(t, dir+"/real", "config.hcl", fmt.Sprintf(grants, test.grant, dir+test.path, dir+test.other), 0o600)
			if _, err := configfile.Load(path, configfile.Options{Strict: true}); err == nil || !strings.Contains(err.Error(), "Two uses of one path") {
				t.Errorf("a reload takes it: %v", err)
			}
			c, err := configfile.Load(path, configfile.Options{})
			if err != nil {
				t.Fatalf("a start is refused: %v", err)
			}
			if text := strings.Join(c.Warnings, ""); !strings.Contains(text, "by symbolic links ") {
				t.Errorf("warned: %s", text)
			}
			shut := 0
			for _, name := range []string{"ops", "two", "config"} {
				g, ok := c.Grant(name)
				if !ok {
					continue
				}
				for _, f := range g.FilesFor(name) {
					if f.Shut != "" {
						shut++
						if name != test.shut || !strings.Contains(f.Shut, filepath.Base(f.Path)+" is also ") {
							t.Errorf("%s is shut: %s", name, f.Shut)
						}
					}
				}
			}
			if shut != 1 {
				t.Errorf("%d outputs are shut", shut)
			}
		})
	}
}
