package main

import (
	"context"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"webex-tokend/daemon/client"
)

// A child is a command that runs.
type child struct {
	*exec.Cmd
	ended chan struct{} // closed when its state can be read
}

func (e *execution) start(token string) (*child, error) {
	cmd := exec.Command(e.command[0], e.command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = e.in, e.out, e.err
	cmd.Env = append(os.Environ(), e.variable+"="+token) // the last one of a name counts
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &child{cmd, make(chan struct{})}
	go func() {
		defer close(p.ended)
		_ = cmd.Wait() // its state says more
	}()
	return p, nil
}

// code is the exit code as a shell would show it.
func (p *child) code() int {
	status := p.ProcessState.Sys().(syscall.WaitStatus)
	if status.Signaled() {
		return exitBySignal + int(status.Signal())
	}
	return status.ExitStatus()
}

// attend stays with the command, through restarts, until it ends by itself or
// by a signal from outside. It returns the exit code.
func (e *execution) attend(p *child, signals <-chan os.Signal, changes <-chan string) (int, error) {
	var next string // the token to start again with, while the command is being stopped
	var overdue <-chan time.Time
	for {
		select {
		case <-p.ended:
			if next == "" {
				return p.code(), nil
			}
			var err error
			if p, err = e.start(next); err != nil {
				return 0, err
			}
			next, overdue = "", nil
		case s := <-signals:
			if slices.Contains(endings, s) {
				next, overdue = "", nil // whoever asks to end does not mean a restart
			}
			_ = p.Process.Signal(s)
		case token := <-changes:
			switch {
			case e.signal != 0:
				_ = p.Process.Signal(e.signal)
			case next == "":
				_ = p.Process.Signal(syscall.SIGTERM)
				overdue = time.After(e.grace)
				next = token
			default:
				next = token
			}
		case <-overdue:
			_ = p.Process.Kill()
		}
	}
}

// changes delivers each token that is not the first. The latest one takes the
// place of an older one that was not taken.
func (e *execution) changes(ctx context.Context, daemon *client.Client, first string) (<-chan string, func()) {
	if !e.restart && e.signal == 0 {
		return nil, func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	tokens := make(chan string, 1)
	var watching sync.WaitGroup
	watching.Go(func() {
		last := first
		for token, err := range daemon.Watch(ctx, e.grant) {
			if err != nil || token.AccessToken == last {
				// The command goes on with the token that it has. Why there is
				// none now is told by the daemon's own log and status.
				continue
			}
			last = token.AccessToken
			select {
			case <-tokens:
			default:
			}
			tokens <- last
		}
	})
	return tokens, func() {
		cancel()
		watching.Wait()
	}
}

// endings are the signals by which people and service managers end a program.
var endings = []os.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT}

// relayed delivers the signals that are for the command. Those that a terminal
// sends go to every process in its foreground and so to the command already.
func relayed() (<-chan os.Signal, func()) {
	relay := []os.Signal{syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGALRM, syscall.SIGCONT}
	terminal := []os.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGWINCH}
	signals := make(chan os.Signal, 16)
	if inForeground() {
		// They end the command or not; this process follows what it does. To
		// ignore them would be inherited by the command.
		signal.Notify(make(chan os.Signal, 1), terminal...)
	} else {
		relay = append(relay, terminal...)
	}
	signal.Notify(signals, relay...)
	return signals, func() { signal.Stop(signals) }
}

func inForeground() bool {
	tty, err := os.OpenFile("/dev/tty", os.O_RDONLY|syscall.O_NOCTTY, 0)
	if err != nil {
		return false
	}
	defer tty.Close()
	group, err := unix.IoctlGetInt(int(tty.Fd()), unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}
