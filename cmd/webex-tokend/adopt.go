package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"webex-tokend/daemon/client"
	"webex-tokend/daemon/grantname"
	"webex-tokend/store"
)

// An adoption is which unverified grants are to be trusted, and who said so.
type adoption struct {
	console          *console
	all, yes, asJSON bool
	count            int // how many there must be; negative: whoever is asked says so
}

func newAdopt(c *console) *cobra.Command {
	a := adoption{console: c}
	cmd := &cobra.Command{
		Use:   "adopt GRANT|PATTERN... | --all [--count N] [--yes] [--json]",
		Short: "Trust grants that came back from a backup",
		Long: `Trust grants that are unverified because their store was put back from an older
copy: their refresh tokens are sent at the next due time. If the daemon had sent
one after the copy was made, or goes on elsewhere, and the server gives out a new
one each time, the server may end the grant; importing a new token response is the
safe way.

A pattern is the first characters of names and one star, in quotes because of the
shell. Where it is not one name, it asks for the number of grants, so that nobody
trusts more than meant; a script gives it by --count, or goes without by --yes.
Grants that are not unverified are left as they are.

After a planned move nothing is unverified: see backup --move.`,
		Example: `  webex-tokend adopt ops
  webex-tokend adopt 'tenant-*' --count 120
  webex-tokend adopt --all`,
		Args: func(cmd *cobra.Command, args []string) error { return a.valid(cmd, args) },
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			return c.offerGrants(cmd, args, client.Query{States: unverified()}), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 && !strings.HasSuffix(args[0], "*") {
				return a.one(cmd.Context(), args[0])
			}
			return a.many(cmd.Context(), args)
		},
	}
	cmd.Flags().BoolVar(&a.all, "all", false, "all that are unverified")
	cmd.Flags().IntVar(&a.count, "count", -1, "how many they are; with another `number` nothing is done")
	cmd.Flags().BoolVarP(&a.yes, "yes", "y", false, "do not ask")
	cmd.Flags().BoolVar(&a.asJSON, "json", false, "the grants afterwards, as JSON, one object a line")
	return cmd
}

// adoptedAtOnce share a commit of the store.
const adoptedAtOnce = 16

func unverified() []string { return []string{string(store.Unverified)} }

func (a adoption) valid(cmd *cobra.Command, args []string) error {
	if a.all != (len(args) == 0) {
		return usage(cmd, "adopt takes names and patterns of grants, or --all")
	}
	for _, arg := range args {
		if err := grantname.ValidPattern(arg); err != nil {
			return usage(cmd, "%v", err)
		}
	}
	if cmd.Flags().Changed("count") && a.count < 0 {
		return usage(cmd, "--count takes a number of grants")
	}
	return nil
}

func (a adoption) one(ctx context.Context, name string) error {
	c := a.console
	daemon := c.daemon()
	defer daemon.Close()
	if a.count >= 0 && a.count != 1 {
		return countedOtherwise(1, a.count)
	}
	g, err := daemon.Adopt(ctx, name)
	if err != nil {
		return err
	}
	if a.asJSON {
		return json.NewEncoder(c.out).Encode(g)
	}
	_, err = fmt.Fprintf(c.out, "%s: %s, %s\n", g.Name, g.State, outlook(g, time.Now()))
	return err
}

// many first finds out which they are, so that the number that is agreed to
// is the number of those that are trusted.
func (a adoption) many(ctx context.Context, patterns []string) error {
	c := a.console
	daemon := c.daemon()
	defer daemon.Close()
	var names []string
	for g, err := range daemon.AllGrants(ctx, client.Query{States: unverified(), ByName: true, Limit: 1000}) {
		if err != nil {
			return err
		}
		if a.all || matchesAny(patterns, g.Name) {
			names = append(names, g.Name)
		}
	}
	for _, p := range patterns {
		if !strings.HasSuffix(p, "*") && !slices.Contains(names, p) {
			names = append(names, p) // the daemon knows whether it is there
		}
	}
	if err := a.agree(len(names)); err != nil {
		return err
	}
	var mu sync.Mutex
	bar, lines, done, failed := newProgress(c.err), json.NewEncoder(c.out), 0, 0
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(adoptedAtOnce)
	for _, name := range names {
		group.Go(func() error {
			g, err := daemon.Adopt(ctx, name)
			mu.Lock()
			defer mu.Unlock()
			done++
			bar.show(int64(done), int64(len(names)), "%d of %s", done, plural(len(names), "grant"))
			switch {
			case err != nil && (errors.Is(err, client.ErrUnreachable) || ctx.Err() != nil):
				return err // nothing more will come of it
			case err != nil:
				failed++
				bar.end()
				fmt.Fprintf(c.err, "%s: %v\n", name, err)
			case a.asJSON:
				return lines.Encode(g)
			}
			return nil
		})
	}
	err := group.Wait()
	bar.end()
	switch {
	case err != nil:
		return err
	case !a.asJSON:
		fmt.Fprintf(c.out, "%s adopted\n", plural(len(names)-failed, "grant"))
	}
	if failed > 0 {
		return &failure{exitFailed, fmt.Errorf("%s not adopted", plural(failed, "grant")), "see: webex-tokend status"}
	}
	return nil
}

// agree has the number of grants said by whoever wants them trusted.
func (a adoption) agree(n int) error {
	switch {
	case a.count >= 0 && a.count != n:
		return countedOtherwise(n, a.count)
	case a.count >= 0, a.yes, n == 0:
		return nil
	}
	question := fmt.Sprintf("Trust %s? Only if no later token of them was ever used, and no other host has them.", plural(n, "unverified grant"))
	err := a.console.confirm(question, "their number", strconv.Itoa(n), "nothing adopted")
	if err != nil && !isTerminal(a.console.in) {
		return &failure{exitFailed, err, fmt.Sprintf("a script says how many there are: --count %d; or --yes", n)}
	}
	return err
}

func countedOtherwise(n, count int) error {
	return &failure{exitFailed, fmt.Errorf("there are %s to adopt, not %d; nothing adopted", plural(n, "grant"), count),
		"see which: webex-tokend status"}
}

func matchesAny(patterns []string, name string) bool {
	for _, p := range patterns {
		if prefix, star := strings.CutSuffix(p, "*"); p == name || star && strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}
