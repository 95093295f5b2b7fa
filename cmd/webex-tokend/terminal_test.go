package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A terminal is one of 80 by 24 with a program in it, and all that it shows.
type terminal struct {
	t     *testing.T
	side  *os.File // where a person sits
	ended chan error

	mu    sync.Mutex
	shown strings.Builder
	seen  int // how much of it was waited for
	typed int // keystrokes
}

// inTerminal starts the program at a terminal of its own.
func inTerminal(t *testing.T, env []string, args ...string) *terminal {
	t.Helper()
	side, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no terminal can be made here: %v", err)
	}
	number, err := unix.IoctlGetInt(int(side.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(side.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(int(side.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80})
	}
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.OpenFile(fmt.Sprint("/dev/pts/", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("webex-tokend", args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = program, program, program
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	x := &terminal{t: t, side: side, ended: make(chan error, 1)}
	go x.read()
	go func() { x.ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_, _ = program.Close(), side.Close()
	})
	return x
}

func (x *terminal) read() {
	chunk := make([]byte, 4096)
	for {
		n, err := x.side.Read(chunk)
		x.mu.Lock()
		x.shown.Write(chunk[:n])
		x.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (x *terminal) text() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return strings.ReplaceAll(x.shown.String(), "\r\n", "\n")
}

// sees waits until a text was shown that has not been waited for yet.
func (x *terminal) sees(text string) {
	x.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		if at := strings.Index(x.text()[x.seen:], text); at >= 0 {
			x.seen += at + len(text)
			return
		}
		if time.Now().After(end) {
			x.t.Fatalf("never shown: %q, but\n%s", text, x.text())
		}
	}
}

func (x *terminal) types(keys string) {
	x.t.Helper()
	x.typed += len(keys)
	if _, err := x.side.WriteString(keys); err != nil {
		x.t.Fatal(err)
	}
}

// hides waits until the terminal shows nothing of what is typed.
func (x *terminal) hides() bool {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if state, err := unix.IoctlGetTermios(int(x.side.Fd()), unix.TCGETS); err == nil && state.Lflag&unix.ECHO == 0 {
			return true
		}
	}
	return false
}

func (x *terminal) exits() int {
	x.t.Helper()
	select {
	case err := <-x.ended:
		if exit, ok := err.(*exec.ExitError); ok {
			return exit.ExitCode()
		}
		if err != nil {
			x.t.Fatal(err)
		}
		return 0
	case <-time.After(patience):
		x.t.Fatalf("it goes on:\n%s", x.text())
	}
	return -1
}
