package hook

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// send signals the process of a PID file. The file is read each time, since
// the program may have been started anew.
func send(path, signal string) error {
	pid, err := readPID(path)
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
	switch err := process.Signal(unix.SignalNum("SIG" + signal)); {
	case errors.Is(err, os.ErrProcessDone):
		return fmt.Errorf("signal process %d: %s names no process that runs", pid, path)
	case err != nil:
		return fmt.Errorf("signal process %d: %w", pid, err)
	}
	return nil
}

// readPID never blocks, whatever stands at the path.
func readPID(path string) (int, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return 0, fmt.Errorf("read pid file: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, fmt.Errorf("read pid file: %w", err)
	}
	if !info.Mode().IsRegular() {
		return 0, fmt.Errorf("read pid file: %s is not a regular file", path)
	}
	text, err := io.ReadAll(io.LimitReader(f, 64))
	if err != nil {
		return 0, fmt.Errorf("read pid file: %w", err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	switch {
	case err != nil || pid < 1:
		// Zero and below mean groups of processes.
		return 0, fmt.Errorf("read pid file: %s holds no process number", path)
	case pid == os.Getpid():
		return 0, fmt.Errorf("read pid file: %s names the daemon itself", path)
	}
	return pid, nil
}
