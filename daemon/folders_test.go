package daemon_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"webex-tokend/daemon"
	"webex-tokend/daemon/config"
	"webex-tokend/store/seal"
)

func TestAFolderOfSomebodyElseIsRefusedAndLeftAsItIs(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("giving a folder away takes root")
	}
	for _, theirs := range []string{"state", "run"} {
		dir := t.TempDir()
		foreign := filepath.Join(dir, theirs)
		if err := os.Mkdir(foreign, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(foreign, 41_414, 41_414); err != nil {
			t.Fatal(err)
		}
		// The key is looked at first: without one no folder is.
		key := filepath.Join(dir, "store.key")
		if err := seal.WriteKey(key, seal.NewKey()); err != nil {
			t.Fatal(err)
		}
		cfg := &config.Config{StateDir: filepath.Join(dir, "state"), RuntimeDir: filepath.Join(dir, "run"), Seal: config.Seal{KeyFile: key}}
		err := daemon.Run(t.Context(), daemon.Config{Config: cfg})
		if err == nil || !strings.Contains(err.Error(), foreign+" belongs to user 41414") {
			t.Errorf("%s: %v", theirs, err)
		}
		if inside, err := os.ReadDir(foreign); err != nil || len(inside) > 0 {
			t.Errorf("%s: it holds %v, %v", theirs, inside, err)
		}
	}
}
