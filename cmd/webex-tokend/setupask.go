package main

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/grantname"
	"webex-tokend/daemon/scope"
)

// A missingAnswer names a flag that has to be given where nobody can be asked.
type missingAnswer struct{ flag, what string }

func (m *missingAnswer) Error() string { return fmt.Sprintf("init needs %s: %s", m.flag, m.what) }

// takes reports whether an integration of the kind has a setting.
func (s *setup) takes(key string) bool {
	kind := config.Kind(s.values["kind"])
	switch key {
	case "kind":
		return true
	case "site":
		return kind == config.Meetings
	case "application_id", "target_org_id", "manager":
		return kind == config.ServiceApp
	case "scopes", "redirect_url":
		return kind == config.REST || kind == config.Meetings || kind == config.Generic
	case "authorize_url", "token_url", "revoke_url", "api_url":
		return kind == config.Generic || s.try != "" && (key != "authorize_url" || kind != config.ServiceApp)
	}
	return kind != config.Static
}

// ask completes the answers, in the order in which a person needs them: what is
// entered at the portal comes before what the portal shows.
func (s *setup) ask() error {
	usual := map[string]string{string(config.Meetings): "meetings", string(config.ServiceApp): "service-app", string(config.Generic): "other", string(config.Static): "bots"}
	if s.values["kind"] == "" && (s.values[theName] == "" || s.adds()) {
		if err := s.answer("kind", "--kind", "Kind of integration ("+strings.Join(kinds(), ", ")+")", string(config.REST), oneOf(kinds())); err != nil {
			return err
		}
	}
	if err := s.answer(theName, "--integration", "Name of the integration in the configuration", cmp.Or(usual[s.values["kind"]], "webex"), grantname.Valid); err != nil {
		return err
	}
	if err := s.answer(theGrant, "--grant", "Name of the grant, the consent of one person", s.usualGrant(), s.freeGrant); err != nil {
		return err
	}
	if !s.adds() {
		return nil
	}
	if s.takes("scopes") {
		if err := s.askScopes(); err != nil {
			return err
		}
		if err := s.answer("redirect_url", "--redirect-url", "Redirect URL", s.freeRedirect(), isURL); err != nil {
			return err
		}
	}
	s.tellPortal()
	for _, q := range []struct {
		key, flag, question string
		check               func(string) error
	}{
		{"site", "--site", "Site, such as acme for acme.webex.com", someText},
		{"application_id", "--application-id", "ID of the service app, from its page", someText},
		{"target_org_id", "--target-org-id", "ID of the organisation whose admin authorized it", someText},
		{"manager", "--manager", "Grant that makes its tokens, with scope spark:applications_token", grantname.Valid},
		{"authorize_url", "--authorize-url", "URL of the authorization page", isURL},
		{"token_url", "--token-url", "URL of the token endpoint", isURL},
		{"client_id", "--client-id", "Client ID", someText},
	} {
		if !s.takes(q.key) {
			continue
		}
		if err := s.answer(q.key, q.flag, q.question, "", q.check); err != nil {
			return err
		}
	}
	return s.askSecret()
}

func (s *setup) usualGrant() string {
	name := map[string]string{string(config.Meetings): "meetings", string(config.ServiceApp): "service-app", string(config.Static): "bot"}[s.values["kind"]]
	if name = cmp.Or(name, "ops"); slices.Contains(s.there.Grants, name) {
		return ""
	}
	return name
}

// answer takes what was given, else asks, else takes the usual.
func (s *setup) answer(key, flag, question, usual string, check func(string) error) error {
	if given := s.values[key]; given != "" {
		if err := check(given); err != nil {
			return &failure{exitUsage, fmt.Errorf("%s: %w", flag, err), ""}
		}
		return nil
	}
	if s.questions == nil {
		if usual == "" {
			return &missingAnswer{flag, strings.ToLower(question[:1]) + question[1:]}
		}
		s.values[key] = usual
		return check(usual)
	}
	text, err := s.questions.until(question, usual, check)
	s.values[key] = text
	return err
}

// askScopes shows which calls need which scope, and asks back what is misspelt.
func (s *setup) askScopes() error {
	meetings := s.values["kind"] == string(config.Meetings)
	usual := "spark:people_read spark:rooms_read"
	uses := scope.Common()
	if meetings {
		usual, uses = "all_read", scope.Meetings()
	}
	generic := s.values["kind"] == string(config.Generic)
	if s.values["scopes"] == "" && s.questions != nil && !generic {
		on := screenOf(s.c.err)
		fmt.Fprintln(s.c.err, on.paint(bold, "\nScopes that are asked for most:"))
		for _, u := range uses {
			fmt.Fprintf(s.c.err, "  %-26s %s\n", u.Scope, on.paint(faint, u.Calls))
		}
	}
	if s.values["scopes"] == "" && s.questions == nil && !generic {
		return &missingAnswer{"--scope", "what to ask the person for, such as " + strings.ReplaceAll(usual, " ", " and ")}
	}
	if generic {
		usual = "openid"
	}
	err := s.answer("scopes", "--scope", "Scopes, with blanks between", usual, func(text string) error {
		if generic || s.anyScope {
			return nil
		}
		return checkScopes(splitScopes(text), uses, meetings)
	})
	s.values["scopes"] = strings.Join(splitScopes(s.values["scopes"]), " ")
	return err
}

// checkScopes refuses what is misspelt for certain. A scope that is merely not
// known may be new.
func checkScopes(list []string, uses []scope.Use, meetings bool) error {
	for _, text := range list {
		if near := scope.Near(text); near != "" {
			return fmt.Errorf("there is no scope %s; did you mean %s? (--any-scope takes it as it is)", text, near)
		}
		if meetings && !slices.ContainsFunc(uses, func(u scope.Use) bool { return u.Scope == text }) {
			return fmt.Errorf("%s is no scope of Meetings: these are all_read, user_modify, meeting_modify, recording_modify, setting_modify", text)
		}
	}
	return nil
}

// askSecret takes the secret from a file that is there, from stdin, or from the
// keyboard.
func (s *setup) askSecret() (err error) {
	if s.secret != "" || !s.takes(theSecret) {
		return nil
	}
	switch file := s.values[theSecret]; {
	case file == "-":
		s.secret, err = s.readSecret()
	case file != "":
		return s.useSecretFile(file)
	case s.questions != nil:
		for s.secret == "" && err == nil {
			s.secret, err = s.questions.secret("Client secret")
		}
	case config.Kind(s.values["kind"]) != config.Generic:
		return &missingAnswer{"--client-secret-file", "a file that holds the client secret, or - for stdin"}
	}
	return err
}

func (s *setup) freeGrant(name string) error {
	if err := grantname.Valid(name); err != nil {
		return err
	}
	if slices.Contains(s.there.Grants, name) {
		return errors.New("grant " + name + " is there already: webex-tokend authorize " + name)
	}
	return nil
}

func oneOf(list []string) func(string) error {
	return func(text string) error {
		if !slices.Contains(list, text) {
			return errors.New("it takes one of " + strings.Join(list, ", "))
		}
		return nil
	}
}

func someText(text string) error {
	if text == "" || strings.ContainsAny(text, " \t\"") {
		return errors.New("it takes one word, as the portal shows it")
	}
	return nil
}

func isURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return errors.New("it takes a whole URL, such as http://127.0.0.1:8411/oauth")
	case u.Scheme == "http" && !config.LoopbackHost(u.Hostname()):
		return errors.New("beyond this host it has to be https")
	}
	return nil
}
