package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

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

// completeFlags says for the whole tree what flags take: files, folders and
// durations are told by the name of the flag. Whatever is said nowhere takes no
// file, which is what a shell would offer.
func completeFlags(root *cobra.Command) {
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	_ = root.MarkPersistentFlagFilename("config", "hcl")
	_ = root.MarkPersistentFlagFilename("socket")
	offers := map[string][]string{
		"days": {"30", "120", "365"}, "for": {"1d", "3d", "9d"}, "outage": {"1d", "3d", "9d"},
		"min-valid": {"1m", "10m", "1h"}, "signal": {"HUP", "USR1", "USR2"},
		"warning": {"14d", "21d", "28d"}, "critical": {"1d", "3d", "7d"},
	}
	for _, command := range everyCommand(root) {
		command.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
			switch offered := offers[f.Name]; {
			case f.Name == "bulk" || f.Name == "rejected" || f.Name == "out":
				_ = command.MarkFlagFilename(f.Name)
			case f.Name == "dir":
				_ = command.MarkFlagDirname(f.Name)
			case offered != nil:
				completeFlag(command, f.Name, offered)
			}
		})
	}
}

// completeFlag offers the values of a flag, in this order.
func completeFlag(command *cobra.Command, name string, values []string) {
	_ = command.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(values, cobra.ShellCompDirectiveKeepOrder|cobra.ShellCompDirectiveNoFileComp))
}

// everyCommand lists the commands of a tree, those below others behind them.
func everyCommand(root *cobra.Command) []*cobra.Command {
	all := []*cobra.Command{root}
	for _, command := range root.Commands() {
		all = append(all, everyCommand(command)...)
	}
	return all
}

// completeFile leaves a first argument to the shell, which knows files.
func completeFile(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return nil, cobra.ShellCompDirectiveDefault
}

// completeGrants offers the grants that the daemon shows to this user.
func (c *console) completeGrants(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	return c.offerGrants(cmd, args, client.Query{}), cobra.ShellCompDirectiveNoFileComp
}

// completeGrant is completeGrants for commands that take one.
func (c *console) completeGrant(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
	return c.completeGrantIn("")(cmd, args, begun)
}

// completeGrantIn offers only grants in one state; "" is any.
func (c *console) completeGrantIn(state string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var q client.Query
		if state != "" {
			q.States = []string{state}
		}
		return c.offerGrants(cmd, args, q), cobra.ShellCompDirectiveNoFileComp
	}
}

// offerGrants asks the daemon, and offers nothing when it does not answer at
// once: a shell waits for a completion.
func (c *console) offerGrants(cmd *cobra.Command, args []string, q client.Query) []string {
	ctx, cancel := context.WithTimeout(cmd.Context(), 500*time.Millisecond)
	defer cancel()
	daemon := c.daemon()
	defer daemon.Close()
	q.ByName, q.Limit = true, 1000
	page, err := daemon.Grants(ctx, q)
	if err != nil {
		return nil
	}
	var names []string
	for _, g := range page.Grants {
		if !slices.Contains(args, g.Name) {
			names = append(names, cobra.CompletionWithDesc(g.Name, g.State))
		}
	}
	return names
}

// completeKey offers the keys of the store but the one that the daemon uses.
func (c *console) completeKey(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(cmd.Context(), 500*time.Millisecond)
	defer cancel()
	daemon := c.daemon()
	defer daemon.Close()
	found, err := daemon.KeySlots(ctx)
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var ids []string
	for _, s := range found.Slots {
		if !s.Own {
			ids = append(ids, cobra.CompletionWithDesc(s.ID, s.Kind))
		}
	}
	return ids, cobra.ShellCompDirectiveNoFileComp
}
