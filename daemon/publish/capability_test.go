package publish

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"webex-tokend/daemon/config"
)

func TestAMissingCapabilityNamesWhatTheUnitNeeds(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to give a capability up")
	}
	dir := t.TempDir()
	tests := []struct {
		name string
		file config.File
		want string
	}{
		{"an owner", config.File{Owner: "4711"},
			"set owner and mode of token file: operation not permitted; the unit needs the drop-in chown.conf for owner 4711"},
		{"a group that the daemon is not in", config.File{Group: "4711"},
			"set owner and mode of token file: operation not permitted; the unit needs SupplementaryGroups=4711"},
		{"a group that the daemon is in", config.File{Group: "0"}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.file.Path, test.file.Mode = filepath.Join(dir, "ops"), 0o640
			err := withoutChown(t, write{file: test.file, runtimeDir: "/run/none", ids: &ids{}}.probe)
			if err == nil && test.want != "" || err != nil && err.Error() != test.want {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if entries, _ := os.ReadDir(dir); len(entries) > 0 {
				t.Errorf("the probe left %v", entries)
			}
		})
	}
}

// withoutChown calls do on a thread that has no CAP_CHOWN and ends with it.
func withoutChown(t *testing.T, do func() error) error {
	t.Helper()
	result := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlock: the thread dies with the goroutine
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var data [2]unix.CapUserData
		if err := unix.Capget(&header, &data[0]); err != nil {
			result <- err
			return
		}
		data[0].Effective &^= 1 << unix.CAP_CHOWN
		if err := unix.Capset(&header, &data[0]); err != nil {
			result <- err
			return
		}
		result <- do()
	}()
	return <-result
}

func TestAFaultDoesNotNameTheTemporaryFile(t *testing.T) {
	// Else each try of a lasting fault would read, and be logged, anew.
	w := write{file: config.File{Path: "/x/ops"}}
	err := w.fault("make", &os.PathError{Op: "openat", Path: "/x/.ops123", Err: unix.ENOSPC})
	if strings.Contains(err.Error(), "123") {
		t.Error(err)
	}
}
