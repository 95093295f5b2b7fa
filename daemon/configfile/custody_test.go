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

// Two users that no machine has.
const second, third = 41_414, 41_415

// Only the bit for all others was looked at, of the file alone: a group, the owner
// of the file, or whoever may rename it away could have the daemon run his program.
func TestNothingIsObeyedThatAnotherUserMayChange(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("giving files to other users takes root")
	}
	const certificate = "web.crt"
	dir := func(t *testing.T) string {
		dir := t.TempDir()
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	type file struct{ what, name, content, config string } // config names the file as %s
	static := "integration \"bots\" {\n  kind = \"static\"\n}\n"
	files := []file{
		{"configuration", "config.hcl", "", ""},
		{"template", "t", "x", static + "grant \"ops\" {\n  integration = \"bots\"\n  file {\n    path = \"/run/none/ops\"\n    format = \"template\"\n    template_file = \"%s\"\n  }\n}\n"},
		{"program", "hook", "#!/bin/sh\n", static + "grant \"ops\" {\n  integration = \"bots\"\n  hook {\n    command = [\"%s\"]\n  }\n}\n"},
		{"program", "page", "#!/bin/sh\n", "alert {\n  command = [\"%s\"]\n}\n"},
		{"web_config_file", "web.yml", "tls_server_config:\n  cert_file: web.crt\n  key_file: web.crt\n", "http {\n  web_config_file = \"%s\"\n}\n"},
		{"ca_file", "ca.pem", "", "integration \"crm\" {\n  kind = \"static\"\n  ca_file = \"%s\"\n}\n"},
	}
	for _, attack := range []struct {
		name string
		make func(folder, path string) error
	}{
		{"belongs to another user", func(_, path string) error { return os.Chown(path, second, -1) }},
		{"is writable by a group", func(_, path string) error { return errors.Join(os.Chown(path, 0, third), os.Chmod(path, 0o770)) }},
		{"lies in a folder of another user", func(folder, _ string) error { return os.Chown(folder, second, -1) }},
		{"lies in a folder that a group may write to", func(folder, _ string) error {
			return errors.Join(os.Chown(folder, 0, third), os.Chmod(folder, 0o775))
		}},
		{"is a link of another user", func(folder, path string) error {
			return errors.Join(os.Chmod(folder, 0o777|os.ModeSticky), os.Rename(path, folder+"/real"), os.Symlink("real", path), os.Lchown(path, third, -1))
		}},
	} {
		for _, f := range files {
			t.Run(f.what+" that "+attack.name, func(t *testing.T) {
				folder := filepath.Join(dir(t), "folder")
				if err := os.Mkdir(folder, 0o755); err != nil {
					t.Fatal(err)
				}
				write(t, folder, certificate, "", 0o600)
				path := write(t, folder, f.name, f.content, 0o700)
				config := path
				if f.config != "" {
					config = write(t, dir(t), "config.hcl", fmt.Sprintf(f.config, path), 0o600)
				}
				said := func(strict bool) string {
					_, err := configfile.Load(config, configfile.Options{Strict: strict})
					return fmt.Sprint(err)
				}
				if text := said(false); strings.Contains(text, "Others may change") {
					t.Fatalf("before: %s", text)
				}
				if err := attack.make(folder, path); err != nil {
					t.Fatal(err)
				}
				for _, strict := range []bool{true, false} {
					if text := said(strict); !strings.Contains(text, "Others may change the "+f.what) {
						t.Errorf("strict %v: obeyed, with %s", strict, text)
					}
				}
			})
		}
	}
	t.Run("the daemon's user may change his own", func(t *testing.T) {
		state := dir(t)
		config := write(t, dir(t), "config.hcl", "state_dir = \""+state+"\"\n", 0o600)
		if err := errors.Join(os.Chown(state, second, -1), os.Chown(config, second, -1)); err != nil {
			t.Fatal(err)
		}
		if _, err := configfile.Load(config, configfile.Options{}); err != nil {
			t.Error(err)
		}
	})
}
