package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"webex-tokend/daemon/client"
	"webex-tokend/daemon/wire"
)

func newAuthorize(c *console) *cobra.Command {
	var how wire.Authorizing
	var paste, asJSON bool
	cmd := &cobra.Command{
		Use:   "authorize GRANT [--device | --paste | --link] [--other-user]",
		Short: "Obtain or renew the consent of a person",
		Long: `Obtain the consent of a person, for a new grant or to renew one. On a desktop
the browser opens; elsewhere the link is printed and the address that the
browser ends at is pasted back. With --device a code is entered on any other
device. With --link another person gets a link that works once.

A renewal by another person or organisation is refused, unless --other-user
says that it is meant. Ctrl-C leaves nothing behind.`,
		Example: `  webex-tokend authorize ops
  webex-tokend authorize ops --device
  webex-tokend authorize ops --paste
  webex-tokend authorize ops --link`,
		Args:              oneGrant,
		ValidArgsFunction: c.completeGrant,
		RunE: func(cmd *cobra.Command, args []string) error {
			if how.Device && paste || how.Device && how.Link || paste && how.Link {
				return usage(cmd, "authorize takes one of --device, --paste and --link")
			}
			daemon := c.daemon()
			defer daemon.Close()
			begun, err := daemon.Authorize(cmd.Context(), args[0], how)
			if err != nil {
				return err
			}
			if how.Link {
				return c.giveLink(begun, asJSON)
			}
			ended, err := c.followConsent(cmd.Context(), daemon, begun, paste)
			if err != nil {
				// What nobody waits for any more must not be answered later.
				ctx, cancel := context.WithTimeout(context.WithoutCancel(cmd.Context()), 5*time.Second)
				defer cancel()
				_ = daemon.CancelAuthorization(ctx, begun.ID)
				return err
			}
			return c.tellConsent(ended, asJSON)
		},
	}
	cmd.Flags().BoolVar(&how.Device, "device", false, "by a code that is entered on another device")
	cmd.Flags().BoolVar(&paste, "paste", false, "open no browser; paste the address that it ends at")
	cmd.Flags().BoolVar(&how.Link, "link", false, "print a link for another person; it works once")
	cmd.Flags().BoolVar(&how.OtherUser, "other-user", false, "another person or organisation may take the grant over")
	cmd.Flags().BoolVar(&asJSON, "json", false, "the outcome as JSON")
	return cmd
}

// followConsent leads the person through and returns how it ended. Everything
// said on the way goes to stderr, so that stdout has the outcome alone.
func (c *console) followConsent(ctx context.Context, daemon *client.Client, a wire.Authorization, paste bool) (wire.Authorization, error) {
	switch {
	case a.Method == "device":
		c.showDevice(a)
		return awaitConsent(ctx, daemon, a.ID)
	case paste || !hasBrowser():
		return c.pasteRedirect(ctx, daemon, a)
	case a.Served:
		c.openBrowser(ctx, a.URL)
		return awaitConsent(ctx, daemon, a.ID)
	}
	catcher, err := newCatcher(ctx, a.RedirectURL)
	if err != nil {
		fmt.Fprintf(c.err, "%v\n", err)
		return c.pasteRedirect(ctx, daemon, a)
	}
	defer catcher.close()
	c.openBrowser(ctx, a.URL)
	return catcher.wait(ctx, func(redirectURL string) (wire.Authorization, error) {
		return daemon.FinishAuthorization(ctx, a.ID, redirectURL)
	})
}

// hasBrowser reports that there is a desktop to open one on.
func hasBrowser() bool {
	if os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "" {
		return false
	}
	_, err := exec.LookPath("xdg-open")
	return err == nil
}

// openBrowser prints the link as well: the browser may be another one than the
// person wants, or none.
func (c *console) openBrowser(ctx context.Context, url string) {
	fmt.Fprintf(c.err, "Consent in the browser that opens now, or open:\n\n  %s\n\n", url)
	if err := exec.CommandContext(ctx, "xdg-open", url).Start(); err != nil {
		fmt.Fprintf(c.err, "no browser opened: %v\n", err)
	}
}

// pasteRedirect takes the address from a line of input. On a terminal a line of
// no use is asked for again.
func (c *console) pasteRedirect(ctx context.Context, daemon *client.Client, a wire.Authorization) (wire.Authorization, error) {
	fmt.Fprintf(c.err, "Open this link in any browser and consent:\n\n  %s\n\n"+
		"The browser ends at an address that begins with %s\nand may say that it cannot be reached. Paste the whole address here: ", a.URL, a.RedirectURL)
	lines := make(chan string)
	read := make(chan error, 1)
	go func() { // ends with the process at the latest: a read cannot be called off
		in := bufio.NewReader(c.in)
		for {
			line, err := in.ReadString('\n')
			if line = strings.TrimSpace(line); line != "" {
				select {
				case lines <- line:
				case <-ctx.Done():
					return
				}
			}
			if err != nil {
				read <- err
				return
			}
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return a, ctx.Err()
		case err := <-read:
			if err == io.EOF {
				return a, errors.New("nothing was pasted")
			}
			return a, fmt.Errorf("read address: %w", err)
		case line := <-lines:
			ended, err := daemon.FinishAuthorization(ctx, a.ID, line)
			p, refused := errors.AsType[*client.Problem](err)
			if refused && p.Status == http.StatusUnprocessableEntity && isTerminal(c.in) {
				fmt.Fprintf(c.err, "%v\nPaste the whole address here: ", err)
				continue
			}
			return ended, err
		}
	}
}

// awaitConsent asks the daemon until the consent has ended.
func awaitConsent(ctx context.Context, daemon *client.Client, id string) (wire.Authorization, error) {
	for {
		a, err := daemon.Authorization(ctx, id)
		if err != nil || a.State == wire.Done || a.State == wire.Failed {
			return a, err
		}
		select {
		case <-ctx.Done():
			return a, ctx.Err()
		case <-time.After(500 * time.Millisecond):
		}
	}
}

func (c *console) giveLink(a wire.Authorization, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(c.out).Encode(a)
	}
	fmt.Fprintf(c.err, "This link works once, until %s. Whoever opens it is asked to consent:\n", minute(a.ExpiresAt))
	_, err := fmt.Fprintln(c.out, a.URL)
	return err
}

// tellConsent says what came of it.
func (c *console) tellConsent(a wire.Authorization, asJSON bool) error {
	if asJSON {
		if err := json.NewEncoder(c.out).Encode(a); err != nil {
			return err
		}
	}
	if a.State != wire.Done || a.Outcome == nil {
		return &failure{exitFailed, fmt.Errorf("no consent for grant %s: %s", a.Grant, a.Error), a.Advice}
	}
	if asJSON {
		return nil
	}
	by := ""
	if p := a.Outcome.Person; p != nil {
		by = " by " + p.DisplayName
		if p.Email != "" {
			by += " <" + p.Email + ">"
		}
	}
	fmt.Fprintf(c.out, "%s: authorized%s, %s\n", a.Grant, by, outlook(a.Outcome.Grant, time.Now()))
	for _, w := range a.Outcome.Warnings {
		fmt.Fprintf(c.err, "warning: %s\n", w)
	}
	return nil
}
