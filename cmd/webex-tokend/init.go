package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"webex-tokend/daemon/address"
	"webex-tokend/daemon/config"
)

func newInit(c *console) *cobra.Command {
	s := &setup{c: c, values: make(map[string]string)}
	var given flagged
	cmd := &cobra.Command{
		Use:   "init [--kind KIND] [--client-id ID] [--client-secret-file FILE] [--scope SCOPE]... [--try]",
		Short: "Write an integration and a grant into the configuration",
		Long: `Ask for what an integration needs, say what to enter at the developer portal,
and write the configuration and the file of the client secret. A configuration
that is there gets new blocks at its end and stays as it is otherwise; where the
integration is there already, the grant alone is added.

As root it writes ` + address.Config + `, else ~/.config/webex-tokend/config.hcl
with store, key and socket beside it, which the other commands of that user find
by themselves; --config names another file. What is not given by a flag is asked
for on a terminal, and else a usage error. The secret comes from a file, from
stdin by --client-secret-file -, or is typed without being shown.

With --try everything is for the emulator: webex-tokend emulator.`,
		Example: `  webex-tokend init
  webex-tokend init --try
  webex-tokend init --client-id C0ffee --client-secret-file - --scope spark:rooms_read <secret
  webex-tokend init --integration webex --grant reports`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s.explicit = cmd.Flags().Changed("config")
			if err := given.into(s); err != nil {
				return usage(cmd, "%v", err)
			}
			if isTerminal(c.in) && s.try == "" && !s.asJSON {
				s.questions = c.interview(cmd.Context())
			}
			return s.run(cmd)
		},
	}
	given.register(cmd)
	cmd.Flags().StringVar(&s.try, "try", "", "for the emulator at `URL`")
	cmd.Flags().Lookup("try").NoOptDefVal = tryURL
	cmd.Flags().BoolVar(&s.anyScope, "any-scope", false, "take scopes that are not known, however they are spelt")
	cmd.Flags().BoolVar(&s.asJSON, "json", false, "ask nothing; what was written and what comes next as JSON")
	return cmd
}

// tryURL is where the emulator listens that is started without flags.
const tryURL = "http://127.0.0.1:8410"

// flagged is what the flags of init say.
type flagged struct {
	texts  map[string]*string // by key of the answer
	scopes []string
}

// Keys of answers that are no settings of an integration.
const (
	theName, theGrant          = "integration", "grant"
	theSecret                  = "client_secret_file"
	thePath, theFormat, theGID = "path", "format", "group"
)

func (f *flagged) register(cmd *cobra.Command) {
	f.texts = make(map[string]*string)
	text := func(key, flag, about string) { f.texts[key] = cmd.Flags().String(flag, "", about) }
	text("kind", "kind", "`KIND` of the integration: "+strings.Join(kinds(), ", "))
	text(theName, "integration", "`name` of the integration")
	text(theGrant, "grant", "`name` of the grant")
	text("client_id", "client-id", "`ID` of the client, from the portal")
	text(theSecret, "client-secret-file", "`file` that holds the client secret; - reads it from stdin and writes the file")
	text("redirect_url", "redirect-url", "`URL` to which the portal lets browsers return")
	text("site", "site", "Meetings: `name` of the site, acme for acme.webex.com")
	text("application_id", "application-id", "service app: its `ID`")
	text("target_org_id", "target-org-id", "service app: `ID` of the organisation whose admin authorized it")
	text("manager", "manager", "service app: `grant` with scope spark:applications_token that makes its tokens")
	text("authorize_url", "authorize-url", "generic: `URL` of the authorization page")
	text("token_url", "token-url", "generic: `URL` of the token endpoint")
	text(thePath, "file", "`path` of a file that receives the token")
	text(theFormat, "format", "`form` of that file: raw, json, env, header, wxc-sdk, xml")
	text(theGID, "group", "`group` that may read that file")
	cmd.Flags().StringArrayVar(&f.scopes, "scope", nil, "`scope` to ask for; more than once, or several between blanks or commas")
	completeFlag(cmd, "kind", kinds())
}

// into hands over what was given.
func (f *flagged) into(s *setup) error {
	for key, value := range f.texts {
		if text := strings.TrimSpace(*value); text != "" {
			s.values[key] = text
		}
	}
	s.values["scopes"] = strings.Join(splitScopes(strings.Join(f.scopes, " ")), " ")
	if kind := s.values["kind"]; kind != "" && !slices.Contains(kinds(), kind) {
		return fmt.Errorf("--kind takes one of %s", strings.Join(kinds(), ", "))
	}
	if s.values[thePath] == "" && cmp.Or(s.values[theFormat], s.values[theGID]) != "" {
		return fmt.Errorf("--format and --group belong to a --file")
	}
	return nil
}

func kinds() []string {
	return []string{string(config.REST), string(config.Meetings), string(config.ServiceApp), string(config.Generic), string(config.Static)}
}

// splitScopes takes scopes as people type them and as a portal shows them.
func splitScopes(text string) []string {
	list := strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' || r == '+' || r == '\t' || r == '\n' })
	var once []string
	for _, s := range list {
		if s = strings.Trim(s, `"'`); s != "" && !slices.Contains(once, s) {
			once = append(once, s)
		}
	}
	return once
}

// A written lists the files that init wrote, as JSON shows it.
type written struct {
	Config      string   `json:"config"`
	Files       []string `json:"files"` // all that were written, the configuration last
	Integration string   `json:"integration"`
	Grant       string   `json:"grant"`
	Warnings    []string `json:"warnings"`
	Next        []string `json:"next"` // commands, in order
}

func (s *setup) tell(w written) error {
	if s.asJSON {
		return json.NewEncoder(s.c.out).Encode(w)
	}
	for _, path := range w.Files {
		fmt.Fprintf(s.c.out, "wrote %s\n", path)
	}
	for _, text := range w.Warnings {
		fmt.Fprintf(s.c.err, "warning: %s\n", text)
	}
	fmt.Fprintln(s.c.out, "next:")
	for _, command := range w.Next {
		fmt.Fprintln(s.c.out, "  "+command)
	}
	return nil
}
