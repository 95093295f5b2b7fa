package publish_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Only the last folder was looked at: whoever owned one above it could rename that
// away, and have the tokens of root or the daemon written by way of his own.
func TestNoTokenIsWrittenByWayOfWhatSomebodyElseOwns(t *testing.T) {
	needRoot(t)
	const second, third = 41_414, 41_415
	for _, test := range []struct {
		name   string
		attack func(dir, good string) error // good is the folder of the output, two below dir
	}{
		{"a folder above is another user's", func(dir, good string) error {
			return os.Chown(filepath.Dir(good), second, -1)
		}},
		{"a folder above is open to a group", func(dir, good string) error {
			return errors.Join(os.Chown(filepath.Dir(good), -1, third), os.Chmod(filepath.Dir(good), 0o775))
		}},
		{"another user made a link on the way, in a sticky folder", func(dir, good string) error {
			above := filepath.Dir(good)
			return errors.Join(os.Chmod(dir, 0o777|os.ModeSticky), os.Rename(above, dir+"/elsewhere"),
				os.Symlink(dir+"/elsewhere", above), os.Lchown(above, third, -1))
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := folder(t)
			good := filepath.Join(dir, "above", "tokens")
			if err := errors.Join(os.MkdirAll(good, 0o755), os.Chmod(dir, 0o755), os.Chmod(good, 0o755), os.Chmod(filepath.Dir(good), 0o755)); err != nil {
				t.Fatal(err)
			}
			if got := publishOnce(t, raw(filepath.Join(good, "before"))); got != "ok 1" {
				t.Fatalf("before: outputs are %q", got)
			}
			if err := test.attack(dir, good); err != nil {
				t.Fatal(err)
			}
			got := publishOnce(t, raw(filepath.Join(good, "ops")))
			if _, err := os.Stat(filepath.Join(good, "ops")); err == nil {
				t.Fatal("a token was written where somebody else decides")
			}
			if !strings.HasPrefix(got, "failed 0 (") || !strings.Contains(got, filepath.Dir(good)+" is a ") {
				t.Errorf("outputs are %q", got)
			}
		})
	}
}
