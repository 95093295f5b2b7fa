package filewatch_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"webex-tokend/daemon/filewatch"
)

func TestAFileThatComesIntoAFolderStirs(t *testing.T) {
	dir := t.TempDir()
	ctx, end := context.WithCancel(t.Context())
	asked := make(chan struct{}, 1)
	stirs := filewatch.Stirs(ctx, time.Hour, func() []string {
		select {
		case asked <- struct{}{}:
		default:
		}
		return []string{filepath.Join(dir, "not there"), dir}
	})
	<-asked
	// The subscription follows the answer at once; until it is there, a file that
	// comes is told of by nobody.
	for i := 0; ; i++ {
		if err := os.WriteFile(filepath.Join(dir, "seed"), make([]byte, i), 0o600); err != nil {
			t.Fatal(err)
		}
		select {
		case <-stirs:
			end()
			for range stirs {
			}
			return
		case <-time.After(200 * time.Millisecond):
		}
		if i == 100 {
			t.Fatal("nobody is told of a file that came")
		}
	}
}

func TestWhatTheKernelDoesNotTellIsLookedForInTime(t *testing.T) {
	stirs := filewatch.Stirs(t.Context(), 20*time.Millisecond, func() []string { return []string{"/not/there"} })
	for range 3 {
		if _, more := <-stirs; !more {
			t.Fatal("it ends by itself")
		}
	}
}
