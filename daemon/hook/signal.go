package hook

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// send signals the process of a PID file. The file is read each time, since
// the program may have been started anew.
func send(path, signal string) error {
	pid, writer, err := readPID(path)
	if err != nil {
		return err
	}
	// Where the kernel has them this holds a descriptor of the process, so
	// that none which takes over its number can be meant.
	process, err := os.FindProcess(pid)
	if err != nil {
		return fmt.Errorf("find process %d: %w", pid, err)
	}
	defer process.Release()
	if err := checkOwner(pid, writer, path); err != nil {
		return err
	}
	switch err := process.Signal(unix.SignalNum("SIG" + signal)); {
	case errors.Is(err, os.ErrProcessDone):
		return fmt.Errorf("signal process %d: %s names no process that runs", pid, path)
	case err != nil:
		return fmt.Errorf("signal process %d: %w", pid, err)
	}
	return nil
}

// checkOwner lets a user name processes of his own alone: by a file of his he
// could have any process signalled that the daemon may signal.
func checkOwner(pid int, writer uint32, path string) error {
	if writer == 0 || int(writer) == os.Geteuid() {
		return nil
	}
	owner, err := ownerOf(pid)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ESRCH):
		return nil // it has ended, as the signal will tell
	case err != nil:
		return fmt.Errorf("look at process %d: %w", pid, err)
	case owner != strconv.FormatUint(uint64(writer), 10):
		return fmt.Errorf("signal process %d: it belongs to user %s, and %s to user %d", pid, owner, path, writer)
	}
	return nil
}

// ownerOf reads the real user of a process, proc_pid_status(5). The owner of
// the folder would be root for a program that has dropped its rights.
func ownerOf(pid int) (string, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(text)) {
		if list, found := strings.CutPrefix(line, "Uid:"); found {
			owner, _, _ := strings.Cut(strings.TrimSpace(list), "\t")
			return owner, nil
		}
	}
	return "", errors.New("its status names no user")
}

// readPID never blocks, whatever stands at the path. It returns the user who
// can have written the number, too.
func readPID(path string) (pid int, writer uint32, err error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return 0, 0, fmt.Errorf("read pid file: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return 0, 0, fmt.Errorf("read pid file: %w", err)
	case !info.Mode().IsRegular():
		return 0, 0, fmt.Errorf("read pid file: %s is not a regular file", path)
	case info.Mode().Perm()&0o002 != 0:
		return 0, 0, fmt.Errorf("read pid file: everyone may write to %s", path)
	}
	text, err := io.ReadAll(io.LimitReader(f, 64))
	if err != nil {
		return 0, 0, fmt.Errorf("read pid file: %w", err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	pid, err = strconv.Atoi(strings.TrimSpace(line))
	switch {
	case err != nil || pid < 1:
		// Zero and below mean groups of processes.
		return 0, 0, fmt.Errorf("read pid file: %s holds no process number", path)
	case pid == os.Getpid():
		return 0, 0, fmt.Errorf("read pid file: %s names the daemon itself", path)
	}
	return pid, info.Sys().(*syscall.Stat_t).Uid, nil
}
