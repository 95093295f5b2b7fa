package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"webex-tokend/daemon/discovery"
	"webex-tokend/daemon/grantname"
)

func newDiscover(c *console) *cobra.Command {
	var block discovery.Block
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "discover ISSUER [--name NAME] [--client-id ID]",
		Short: "Print an integration block for an authorization server",
		Long: `Read what an authorization server says of itself (OpenID Connect Discovery, RFC
8414) and print an integration of kind generic that is ready but for the client:
its endpoints, how the client proves itself, PKCE, and what makes it give a
refresh token. Nothing is written or changed, and no daemon is needed. What
stands against keeping grants of that server goes to stderr.`,
		Example: `  webex-tokend discover https://accounts.google.com
  webex-tokend discover https://login.example.com/realms/acme --name acme --client-id C0ffee
  webex-tokend discover https://login.example.com >>/etc/webex-tokend/config.hcl`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage(cmd, "discover takes one issuer")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if u, err := url.Parse(args[0]); err == nil && u.Scheme == "" {
				args[0] = "https://" + args[0]
			}
			block.Name = cmp.Or(block.Name, nameOfIssuer(args[0]))
			if err := grantname.Valid(block.Name); err != nil {
				return usage(cmd, "--name: %v", err)
			}
			block.SecretFile = cmp.Or(block.SecretFile, "/etc/webex-tokend/"+block.Name+".secret")
			m, err := discovery.Fetch(cmd.Context(), nil, args[0])
			if err != nil {
				return &failure{exitFailed, err, "name the issuer as the server's documentation has it, or write the block by hand: man webex-tokend.hcl"}
			}
			text, warnings := block.Write(m)
			if asJSON {
				return json.NewEncoder(c.out).Encode(map[string]any{"name": block.Name, "block": string(text), "warnings": append([]string{}, warnings...)})
			}
			for _, text := range warnings {
				fmt.Fprintf(c.err, "warning: %s\n", text)
			}
			_, err = c.out.Write(text)
			return err
		},
	}
	cmd.Flags().StringVar(&block.Name, "name", "", "`name` of the integration; by default that of the host")
	cmd.Flags().StringVar(&block.ClientID, "client-id", "CLIENT_ID", "`ID` of the client")
	cmd.Flags().StringVar(&block.SecretFile, "client-secret-file", "", "`file` that holds the client secret")
	cmd.Flags().StringVar(&block.RedirectURL, "redirect-url", "http://127.0.0.1:8411/oauth", "`URL` to which the server lets browsers return")
	cmd.Flags().BoolVar(&asJSON, "json", false, "the block and the warnings as JSON")
	return cmd
}

// nameOfIssuer makes a name of the part of the host that tells it from others.
func nameOfIssuer(issuer string) string {
	u, err := url.Parse(issuer)
	if err != nil {
		return "server"
	}
	labels := strings.Split(strings.ToLower(u.Hostname()), ".")
	if name := labels[max(0, len(labels)-2)]; len(labels) > 1 && grantname.Valid(name) == nil && strings.Trim(name, "0123456789") != "" {
		return name
	}
	return "server"
}
