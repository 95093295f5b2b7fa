package configfile_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"webex-tokend/daemon/configfile"
	"webex-tokend/daemon/disk"
)

// A path on a file system that hangs held the start, every reload and with them
// the stop.
func TestAPathThatDoesNotAnswerIsAWarningAndTroubleOfWhatNeedsIt(t *testing.T) {
	dir, hung := t.TempDir(), t.TempDir()
	var calls disk.Calls
	until := make(chan struct{})
	defer close(until)
	_, err := disk.Do(&calls, hung, func() (int, error) { <-until; return 0, nil })
	if !errors.Is(err, disk.ErrSilent) {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "config.hcl")
	text := fmt.Sprintf(`
state_dir   = "%[1]s/state"
runtime_dir = "%[1]s/run"
integration "crm" {
  kind               = "rest"
  client_id          = "C0ffee"
  client_secret_file = "%[2]s/secret"
  ca_file            = "%[2]s/ca.pem"
}
grant "ops" {
  integration = "crm"
  seed { 
    file = "%[2]s/seed.json"
  }
  file { 
    path = "%[2]s/token"
  }
}
`, dir, hung)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, strict := range []bool{false, true} {
		c, err := configfile.Load(path, configfile.Options{Strict: strict, Disk: &calls})
		if err != nil {
			t.Fatalf("strict %v: %v", strict, err)
		}
		told := strings.Join(c.Warnings, "\n")
		for _, what := range []string{"client secret", "ca_file", "folder of the output"} {
			if !strings.Contains(told, what) {
				t.Errorf("strict %v: nothing is said of the %s:\n%s", strict, what, told)
			}
		}
		if _, err := c.Integrations["crm"].Secrets[0].Read(); !errors.Is(err, disk.ErrSilent) {
			t.Errorf("the secret is read: %v", err)
		}
	}
}
