package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"webex-tokend/daemon/duration"
	"webex-tokend/daemon/emulator"
)

func newEmulator(c *console) *cobra.Command {
	var listen, accessLife, refreshLife, grace string
	var cfg emulator.Config
	cmd := &cobra.Command{
		Use:   "emulator [--listen ADDR] [--scope SCOPE] [--redirect-url URL]",
		Short: "Run a Webex authorization server that keeps nothing",
		Long: `Run a Webex authorization server for trying a configuration. It behaves as
Webex documents and, unless --calm, now and then as Webex does: it limits
calls, fails, or answers with the same token again. With --play it answers all
refreshes in one odd way that servers have; --play help lists them. Its clients may ask for the
scopes that samples of Webex use, and for each --scope; browsers are sent back to the usual
addresses on this host, and to each --redirect-url. It prints its URL, clients and one token
response of each kind as JSON, and ends on Ctrl-C.`,
		Example: `  webex-tokend emulator --listen 127.0.0.1:8410 --access-life 2m
  webex-tokend emulator --calm --play refresh-number
  webex-tokend emulator --scope identity:groups_read --redirect-url https://app.example:48444/oauth
  webex-tokend emulator | jq --unbuffered .responses.rest > response.json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, d := range []struct {
				flag, text string
				into       *time.Duration
			}{
				{"--access-life", accessLife, &cfg.AccessLife},
				{"--refresh-life", refreshLife, &cfg.RefreshLife},
				{"--grace", grace, &cfg.Grace},
			} {
				var err error
				if *d.into, err = duration.Parse(d.text); err != nil {
					return usage(cmd, "%s: %v", d.flag, err)
				}
			}
			if cfg.Play == "help" {
				return listPlays(c)
			}
			if _, known := emulator.PlayOf(cfg.Play); !known && cfg.Play != "" {
				return usage(cmd, "--play: no kind is called %q; --play help lists them", cfg.Play)
			}
			for _, address := range cfg.RedirectURIs {
				if u, err := url.Parse(address); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.Fragment != "" {
					return usage(cmd, "--redirect-url: %q is no URL of a web page", address)
				}
			}
			for _, name := range cfg.Scopes {
				if name == "" || strings.ContainsFunc(name, func(r rune) bool { return r <= 0x20 || r >= 0x7f || r == 0x22 || r == 0x5c }) {
					return usage(cmd, "--scope: %q is no scope; give each by a flag of its own", name)
				}
			}
			if err := checkAddress(cmd.Context(), listen); err != nil {
				return usage(cmd, "--listen: %v", err)
			}
			return emulate(cmd.Context(), c, listen, cfg)
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:8410", "`address` to listen on; port 0 takes any")
	cmd.Flags().StringVar(&accessLife, "access-life", "0s", "life of access tokens, a `duration` like 2m; 0s: as Webex documents")
	cmd.Flags().StringVar(&refreshLife, "refresh-life", "0s", "life of refresh tokens, a `duration` like 90d; 0s: as Webex documents")
	cmd.Flags().StringVar(&cfg.Play, "play", "", "answer all refreshes in an odd way, a `KIND`; help lists them")
	cmd.Flags().StringArrayVar(&cfg.Scopes, "scope", nil, "a further `scope` that clients may ask for; may be repeated")
	cmd.Flags().StringArrayVar(&cfg.RedirectURIs, "redirect-url", nil, "a further `URL` to which browsers may be sent back; may be repeated")
	cmd.Flags().BoolVar(&cfg.Calm, "calm", false, "never misbehave")
	cmd.Flags().BoolVar(&cfg.Rotate, "rotate", false, "give out a new refresh token with each refresh")
	cmd.Flags().StringVar(&grace, "grace", "0s", "with --rotate: how long a used refresh token goes on working, as a `duration`")
	return cmd
}

// listPlays names what can be played.
func listPlays(c *console) error {
	for _, p := range emulator.Plays() {
		if _, err := fmt.Fprintf(c.out, "%-18s %s\n", p.Kind, p.About); err != nil {
			return err
		}
	}
	return nil
}

// checkAddress tells an address that is none from one that cannot be had.
func checkAddress(ctx context.Context, addr string) error {
	_, port, err := net.SplitHostPort(addr)
	if err == nil {
		_, err = net.DefaultResolver.LookupPort(ctx, "tcp", port)
	}
	if err != nil {
		return fmt.Errorf("%q is no HOST:PORT", addr)
	}
	return nil
}

// emulate serves until ctx ends.
func emulate(ctx context.Context, c *console, addr string, cfg emulator.Config) error {
	c.lastingOutput()
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return &failure{exitFailed, err, "choose another address by --listen"}
	}
	base := "http://" + listener.Addr().String()
	webex := emulator.New(cfg)
	server := &http.Server{Handler: webex, ReadHeaderTimeout: 10 * time.Second}
	out := json.NewEncoder(c.out)
	out.SetIndent("", "  ")
	if err := out.Encode(webex.Announcement(base)); err != nil {
		_ = listener.Close()
		return fmt.Errorf("print announcement: %w", err)
	}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := server.Serve(listener); err != http.ErrServerClosed {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}
