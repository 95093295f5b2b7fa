package socket_test

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"webex-tokend/daemon/socket"
)

func TestASocketIsOpenedToItsUsers(t *testing.T) {
	path := filepath.Join(openFolder(t), "s")
	l, err := socket.Listen(t.Context(), path, 0o660, "")
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(path)
	if err != nil || info.Mode() != fs.ModeSocket|0o660 {
		t.Errorf("the socket has mode %v, %v", info.Mode(), err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after Close the socket is still there: %v", err)
	}
}

func TestASocketGetsItsGroupByNumber(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("giving a file to a foreign group takes root")
	}
	path := filepath.Join(openFolder(t), "s")
	l, err := socket.Listen(t.Context(), path, 0o660, "41414")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	if gid := info.Sys().(*syscall.Stat_t).Gid; gid != 41414 {
		t.Errorf("the socket belongs to group %d", gid)
	}
}

func TestAnUnknownGroupOpensNothing(t *testing.T) {
	path := filepath.Join(openFolder(t), "s")
	_, err := socket.Listen(t.Context(), path, 0o660, "nosuchgroup")
	if err == nil || !strings.Contains(err.Error(), "nosuchgroup") {
		t.Errorf("error %v", err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a socket is there: %v", err)
	}
}

// stranger is a user that no machine has.
const stranger = 41_414

// openFolder is a folder with a short name.
func openFolder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "socket")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// dead leaves a socket file without a process behind it.
func dead(t *testing.T, path string) {
	t.Helper()
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close()
}

func TestOnlyADeadSocketOfOursGivesWay(t *testing.T) {
	tests := []struct {
		name  string
		stand func(t *testing.T, path string)
		want  error // nil: it is replaced
	}{
		{"a dead socket is replaced", dead, nil},
		{"a live socket is left alone", func(t *testing.T, path string) {
			l, err := net.Listen("unix", path)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { l.Close() })
		}, socket.ErrServed},
		{"a file is left alone", func(t *testing.T, path string) {
			if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, socket.ErrTaken},
		{"a folder is left alone", func(t *testing.T, path string) {
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		}, socket.ErrTaken},
		{"a symlink to a dead socket is left alone", func(t *testing.T, path string) {
			dead(t, path+".other")
			if err := os.Symlink(path+".other", path); err != nil {
				t.Fatal(err)
			}
		}, socket.ErrTaken},
		{"a dead socket of another user is left alone", func(t *testing.T, path string) {
			if os.Geteuid() != 0 {
				t.Skip("giving a file away takes root")
			}
			dead(t, path)
			if err := os.Lchown(path, stranger, -1); err != nil {
				t.Fatal(err)
			}
		}, socket.ErrTaken},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(openFolder(t), "s")
			test.stand(t, path)
			before, err := os.Lstat(path)
			if err != nil {
				t.Fatal(err)
			}
			l, err := socket.Listen(t.Context(), path, 0o600, "")
			if !errors.Is(err, test.want) {
				t.Fatalf("error %v, not %v", err, test.want)
			}
			if l != nil {
				l.Close()
				return
			}
			after, err := os.Lstat(path)
			if err != nil || !os.SameFile(before, after) || before.Mode() != after.Mode() {
				t.Errorf("what stood there was touched: %v, %v", after, err)
			}
		})
	}
}
