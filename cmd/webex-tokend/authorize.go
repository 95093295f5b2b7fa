package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/wire"
)

func newAuthorize(c *console) *cobra.Command {
	var o consenting
	cmd := &cobra.Command{
		Use:   "authorize GRANT [--device | --paste | --link] [--other-user]",
		Short: "Obtain or renew the consent of a person",
		Long: `Obtain the consent of a person, for a new grant or to renew one. On a desktop
the browser opens. On a server the link is printed, with the tunnel that leads to
the daemon's page; the address at which the browser ends can be pasted as well.
With --device a code is entered on any other device. With --link another person
gets a link that works once; on a terminal its outcome is waited for, and Ctrl-C
leaves the link as it is.

Whichever way the consent ends first counts, and the outcome is printed here.

A renewal by another person or organisation is refused, unless --other-user
says that it is meant. But for a link, Ctrl-C leaves nothing behind.`,
		Example: `  webex-tokend authorize ops
  webex-tokend authorize ops --device
  webex-tokend authorize ops --paste
  webex-tokend authorize ops --link`,
		Args:              oneGrant,
		ValidArgsFunction: c.completeGrant,
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.how.Device && o.paste || o.how.Device && o.how.Link || o.paste && o.how.Link {
				return usage(cmd, "authorize takes one of --device, --paste and --link")
			}
			return c.authorize(cmd.Context(), args[0], o)
		},
	}
	cmd.Flags().BoolVar(&o.how.Device, "device", false, "by a code that is entered on another device")
	cmd.Flags().BoolVar(&o.paste, "paste", false, "open no browser; paste the address that it ends at")
	cmd.Flags().BoolVar(&o.how.Link, "link", false, "print a link for another person; it works once")
	cmd.Flags().BoolVar(&o.how.OtherUser, "other-user", false, "another person or organisation may take the grant over")
	cmd.Flags().BoolVar(&o.asJSON, "json", false, "the outcome as JSON")
	return cmd
}

// consenting is how a consent is asked for.
type consenting struct {
	how           wire.Authorizing
	paste, asJSON bool
}

// authorize begins a consent, leads the person through, and prints how it
// ended.
func (c *console) authorize(ctx context.Context, grant string, o consenting) error {
	daemon := c.daemon()
	defer daemon.Close()
	begun, err := daemon.Authorize(ctx, grant, o.how)
	if err != nil {
		return err
	}
	if o.how.Link {
		if err := c.giveLink(begun, o.asJSON); err != nil || o.asJSON || !screenOf(c.out).terminal {
			return err
		}
	}
	ended, err := c.followConsent(ctx, daemon, begun, o.paste)
	if err != nil {
		if o.how.Link {
			return err // somebody may have it in a mail by now
		}
		// What nobody waits for any more must not be answered later.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = daemon.CancelAuthorization(ctx, begun.ID)
		return err
	}
	return c.tellConsent(ended, o.asJSON)
}

func (c *console) giveLink(a wire.Authorization, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(c.out).Encode(a)
	}
	fmt.Fprintf(c.err, "This link works once, until %s. Whoever opens it is asked to consent:\n", minute(a.ExpiresAt))
	if onThisHost(a.URL) {
		fmt.Fprintln(c.err, "Its address is a loopback one: it opens on this host only, or through ssh -L. For people elsewhere set public_url in the http block.")
	}
	_, err := fmt.Fprintln(c.out, a.URL)
	return err
}

// onThisHost reports that a URL leads to whatever host it is opened on.
func onThisHost(link string) bool {
	u, err := url.Parse(link)
	return err == nil && config.LoopbackHost(u.Hostname())
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
