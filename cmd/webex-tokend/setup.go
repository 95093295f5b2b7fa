package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"webex-tokend/daemon/address"
	"webex-tokend/daemon/client"
	"webex-tokend/daemon/config"
	"webex-tokend/daemon/configfile"
	"webex-tokend/daemon/draft"
	"webex-tokend/daemon/emulator"
)

// A setup is one run of init.
type setup struct {
	c        *console
	values   map[string]string // answers by key: settings of the integration, and those of init.go
	try      string            // URL of the emulator; empty: for Webex itself
	explicit bool              // the configuration was named by a flag
	anyScope bool
	asJSON   bool

	questions *interview // nil: nothing is asked
	there     draft.Contents
	source    []byte                // of the configuration before; nil: there is none
	redirect  string                // the redirect URL that the daemon's own page has
	others    []*config.Integration // that have it already
	secret    string                // to be written; empty: the file is there
}

// run asks, writes, and goes on with the consent where somebody is there to
// give it. Nothing is written before everything was asked and the new
// configuration was read without a fault.
func (s *setup) run(cmd *cobra.Command) error {
	s.place()
	if err := s.look(); err != nil {
		return err
	}
	if s.try != "" {
		s.fromEmulator()
	}
	if err := s.ask(); err != nil {
		if missing, ok := errors.AsType[*missingAnswer](err); ok {
			return usage(cmd, "%v", missing)
		}
		return err
	}
	d, err := s.draft()
	if err != nil {
		return err
	}
	done, err := s.write(d)
	if err != nil {
		return err
	}
	if err := s.tell(done); err != nil {
		return err
	}
	return s.goOn(cmd.Context(), done)
}

// place chooses the configuration: that of --config, that of the package for
// root, and for others one of their own.
func (s *setup) place() {
	if own := address.OwnConfig(); !s.explicit && own != "" {
		s.c.config = own
	}
	if path, err := filepath.Abs(s.c.config); err == nil {
		s.c.config = path
	}
	// A link, as configuration management makes them, goes on leading there.
	if path, err := filepath.EvalSymlinks(s.c.config); err == nil {
		s.c.config = path
	}
}

// look reads what is there. A faulty configuration is left alone: what is added
// to it could not be judged.
func (s *setup) look() error {
	s.redirect = "http://127.0.0.1:8411/oauth"
	src, err := address.Read(s.c.config)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return &failure{exitFailed, fmt.Errorf("read config: %w", err), rootHint(err)}
	}
	s.source = src
	cfg, err := configfile.Parse(src, s.c.config)
	if err != nil {
		return err
	}
	if cfg.HTTP != nil {
		s.redirect = cfg.HTTP.PublicURL + "/oauth"
	}
	for _, in := range cfg.Integrations {
		switch {
		case in.Name == s.values[theName]:
			s.values["kind"] = cmp.Or(s.values["kind"], string(in.Kind))
		case in.RedirectURL == s.redirect && in.Issuer == "":
			s.others = append(s.others, in)
		}
	}
	s.there, err = draft.Look(src)
	return err
}

// fromEmulator takes the answers that are the same for every emulator which is
// started without a configuration of its own.
func (s *setup) fromEmulator() {
	base := strings.TrimSuffix(s.try, "/")
	kind := cmp.Or(s.values["kind"], string(config.REST))
	known, ok := emulator.New(emulator.Config{Calm: true}).Announcement(base).Clients[emulator.Kind(kind)]
	if !ok {
		return
	}
	s.secret = known.ClientSecret
	for key, value := range map[string]string{
		"kind": kind, "client_id": known.ClientID, "scopes": s.trialScopes(kind),
		"authorize_url": known.AuthorizeURL, "token_url": known.TokenURL, "revoke_url": known.RevokeURL, "api_url": known.APIURL,
		"site": known.Site, "application_id": known.ApplicationID, "target_org_id": known.TargetOrgID,
	} {
		s.values[key] = cmp.Or(s.values[key], value)
	}
}

// trialScopes are enough to greet the person and list the rooms.
func (s *setup) trialScopes(kind string) string {
	switch kind {
	case string(config.Meetings):
		return "all_read"
	case string(config.ServiceApp):
		return ""
	}
	return "spark:people_read spark:rooms_read"
}

// adds reports whether the integration is new.
func (s *setup) adds() bool { return !slices.Contains(s.there.Integrations, s.values[theName]) }

// freeRedirect is the redirect URL that the daemon's own page has, with a path of
// its own where browsers come there from another server: answers of the two could
// not be told apart.
func (s *setup) freeRedirect() string {
	ofWebex := func(host string) bool {
		return strings.HasSuffix(host, ".webex.com") || strings.HasSuffix("."+host, ".webexapis.com")
	}
	host := func(address string) string {
		if u, err := url.Parse(address); err == nil {
			return u.Host
		}
		return ""
	}
	for _, other := range s.others {
		theirs, ours := host(other.AuthorizeURL), host(s.values["authorize_url"])
		if theirs != ours && (ours != "" || s.values["kind"] == string(config.Generic) || !ofWebex(theirs)) {
			return s.redirect + "/" + s.values[theName]
		}
	}
	return s.redirect
}

// draft makes the blocks of the answers.
func (s *setup) draft() (draft.Draft, error) {
	d := draft.Draft{Integration: s.values[theName], Grant: s.values[theGrant]}
	folder := filepath.Dir(s.c.config)
	if s.source == nil && s.c.config != address.Config {
		d.Folder = &draft.Folder{State: filepath.Join(folder, "state"), Runtime: filepath.Join(folder, "run"), Key: filepath.Join(folder, "store.key")}
	}
	if path := s.values[thePath]; path != "" {
		full, err := filepath.Abs(path)
		if err != nil {
			return d, fmt.Errorf("locate file: %w", err)
		}
		d.File = &draft.File{Path: full, Format: s.values[theFormat], Group: s.values[theGID]}
	}
	if !s.adds() {
		return d, nil
	}
	if s.secret != "" {
		s.values[theSecret] = filepath.Join(folder, s.values[theName]+".secret")
	}
	for _, key := range []string{"kind", "site", "client_id", theSecret, "scopes", "redirect_url", "authorize_url", "token_url",
		"revoke_url", "api_url", "application_id", "target_org_id", "manager"} {
		switch value := s.values[key]; {
		case value == "" || !s.takes(key):
		case key == "scopes":
			d.Settings = append(d.Settings, draft.Setting{Key: key, Texts: strings.Fields(value)})
		default:
			d.Settings = append(d.Settings, draft.Setting{Key: key, Text: value})
		}
	}
	d.Pages = s.values["redirect_url"] == s.freeRedirect()
	return d, nil
}

// goOn leads to the consent, on a terminal.
func (s *setup) goOn(ctx context.Context, done written) error {
	kind := config.Kind(s.values["kind"])
	if s.questions == nil || kind != config.REST && kind != config.Meetings && kind != config.Generic || s.values["redirect_url"] == "" {
		return nil
	}
	if yes, err := s.questions.yes("Go on with the consent now?", true); err != nil || !yes {
		return err
	}
	cfg, err := configfile.Load(s.c.config, configfile.Options{})
	if err != nil {
		return err
	}
	s.c.socket = cfg.API.Socket
	daemon := s.c.daemon()
	defer daemon.Close()
	if _, err := daemon.Status(ctx); errors.Is(err, client.ErrUnreachable) {
		fmt.Fprintf(s.c.err, "The daemon does not run yet. Start it from another terminal:\n\n  %s\n\nWaiting for it; Ctrl-C ends this, and %s goes on later.\n",
			done.Next[0], done.Next[len(done.Next)-1])
		if err := awaitDaemon(ctx, daemon); err != nil {
			return err
		}
	}
	// It would notice the file by itself, some seconds later.
	if err := daemon.Reload(ctx); err != nil {
		return err
	}
	return s.c.authorize(ctx, done.Grant, consenting{})
}

// readSecret takes a secret from stdin, its first line.
func (s *setup) readSecret() (string, error) {
	const most = 64 << 10
	text, err := io.ReadAll(io.LimitReader(s.c.in, most))
	if err != nil {
		return "", fmt.Errorf("read secret: %w", err)
	}
	first, rest, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
	if first = strings.TrimSpace(first); first == "" || strings.TrimSpace(rest) != "" {
		return "", errors.New("a client secret is one line of text")
	}
	return first, nil
}
