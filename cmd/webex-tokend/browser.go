package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// hasBrowser reports that there is a desktop to open one on.
func hasBrowser() bool {
	if os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "" {
		return false
	}
	_, err := exec.LookPath("xdg-open")
	return err == nil
}

var errNoBrowser = errors.New("there is no browser to open: neither DISPLAY nor WAYLAND_DISPLAY is set, or xdg-open is missing")

// openBrowser starts the desktop's browser and does not wait for it. Everybody on
// the host can read the argument: nothing secret may stand in it. The browser is
// no part of the terminal's job, so that Ctrl-C ends us alone.
func openBrowser(url string) error {
	cmd := exec.Command("xdg-open", url)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("open browser: %w", err)
	}
	go func() { _ = cmd.Wait() }()
	return nil
}
