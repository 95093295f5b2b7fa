package main

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"golang.org/x/term"
)

// asInit is the first process of a container, whatever the command. It runs
// the program once more as its child, passes on signals, and takes in the
// orphans that the kernel hands to the first process and that would else stay
// as zombies: hooks leave some. It returns the exit code of the child, with
// which everything in the container ends.
//
// Two processes, because one could not tell its own children, whose exit code
// somebody waits for, from orphans.
//
// The child begins with SIGHUP ignored: one that came before its runtime is up
// would end it, and it reads the configuration later.
func asInit() int {
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGWINCH)
	signal.Ignore(syscall.SIGHUP)
	child, err := startAgain()
	signal.Notify(signals, syscall.SIGHUP)
	if err != nil {
		fmt.Fprintf(os.Stderr, "webex-tokend: start as first process: %v\n", err)
		return exitFailed
	}
	go func() {
		for s := range signals {
			_ = child.Signal(s)
		}
	}()
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			fmt.Fprintf(os.Stderr, "webex-tokend: wait for children: %v\n", err)
			return exitFailed
		case pid == child.Pid && status.Signaled():
			return exitBySignal + int(status.Signal())
		case pid == child.Pid:
			return status.ExitStatus()
		}
	}
}

// startAgain starts this program with the same arguments. At a terminal the
// child becomes its foreground, so that Ctrl-C reaches it once and not twice.
func startAgain() (*os.Process, error) {
	program, err := os.Executable()
	if err != nil { // without /proc
		if program, err = exec.LookPath(os.Args[0]); err != nil {
			return nil, err
		}
	}
	return os.StartProcess(program, os.Args, &os.ProcAttr{
		Files: []*os.File{os.Stdin, os.Stdout, os.Stderr},
		Sys:   &syscall.SysProcAttr{Setpgid: true, Foreground: term.IsTerminal(int(os.Stdin.Fd()))},
	})
}
