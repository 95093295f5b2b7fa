package daemon_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"webex-tokend/daemon"
	"webex-tokend/daemon/configfile"
	"webex-tokend/store/seal"
)

// A store of a million grants from before sealing takes longer to seal than
// systemd waits for a start on a slow disk.
func TestASealingThatTakesLongIsGivenTheTime(t *testing.T) {
	dir := t.TempDir()
	old, err := os.ReadFile("../store/seal/testdata/unsealed.db")
	if err == nil {
		err = os.Mkdir(filepath.Join(dir, "state"), 0o700)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "state", "store.db"), old, 0o600)
	}
	if err == nil {
		err = seal.WriteKey(filepath.Join(dir, "store.key"), seal.NewKey())
	}
	path := filepath.Join(dir, "config.hcl")
	if err == nil {
		err = os.WriteFile(path, fmt.Appendf(nil, "state_dir = %q\nruntime_dir = %q\nseal {\n  key_file = %q\n}\n",
			filepath.Join(dir, "state"), filepath.Join(dir, "run"), filepath.Join(dir, "store.key")), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	cfg, err := configfile.Load(path, configfile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var mu sync.Mutex
	var said []string
	err = daemon.Run(ctx, daemon.Config{Config: cfg, Notify: func(state string) {
		mu.Lock()
		defer mu.Unlock()
		said = append(said, state)
		if strings.HasPrefix(state, "READY=1") {
			stop()
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	more := slices.IndexFunc(said, func(s string) bool {
		return strings.HasPrefix(s, "EXTEND_TIMEOUT_USEC=90000000\nSTATUS=Sealing the store, ")
	})
	ready := slices.IndexFunc(said, func(s string) bool { return strings.HasPrefix(s, "READY=1") })
	if more < 0 || ready < more {
		t.Errorf("systemd is told %q", said)
	}
}
