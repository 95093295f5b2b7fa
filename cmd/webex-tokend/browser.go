package main

import (
	"context"
	"os"
	"os/exec"
)

// hasBrowser reports that there is a desktop to open one on.
func hasBrowser() bool {
	if os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "" {
		return false
	}
	_, err := exec.LookPath("xdg-open")
	return err == nil
}

// openBrowser starts the desktop's browser and does not wait for it.
func openBrowser(ctx context.Context, url string) error {
	return exec.CommandContext(ctx, "xdg-open", url).Start()
}
