package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"webex-tokend/daemon/client"
)

func newCompletion(c *console) *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	return &cobra.Command{
		Use:   "completion SHELL",
		Short: "Print completions for bash, zsh, fish or powershell",
		Example: `  webex-tokend completion bash > /etc/bash_completion.d/webex-tokend
  webex-tokend completion zsh > /usr/share/zsh/site-functions/_webex-tokend`,
		ValidArgs: shells,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 && slices.Contains(shells, args[0]) {
				return nil
			}
			return usage(cmd, "completion takes one of %s", strings.Join(shells, ", "))
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			switch args[0] {
			case "zsh":
				return root.GenZshCompletion(c.out)
			case "fish":
				return root.GenFishCompletion(c.out, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(c.out)
			}
			return root.GenBashCompletionV2(c.out, true)
		},
	}
}

// completeGrants offers the grants that the daemon shows to this user. A shell
// that waits for a completion must not wait for long.
func (c *console) completeGrants(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(cmd.Context(), 500*time.Millisecond)
	defer cancel()
	page, err := c.daemon().Grants(ctx, client.Query{ByName: true, Limit: 1000})
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, g := range page.Grants {
		if !slices.Contains(args, g.Name) {
			names = append(names, cobra.CompletionWithDesc(g.Name, g.State))
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeGrant is completeGrants for commands that take one.
func (c *console) completeGrant(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return c.completeGrants(cmd, args, begun)
}
