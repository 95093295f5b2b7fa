package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"github.com/spf13/cobra"

	"webex-tokend/daemon/address"
	"webex-tokend/daemon/client"
)

// description is what --help and the manual begin with.
const description = `webex-tokend holds OAuth grants for Cisco Webex, renews their access tokens
before they expire, and hands the current token to other programs through
files or a unix socket. $WEBEX_TOKEND_SOCKET names the daemon's socket where
--socket does not.`

// run is the whole program but for the process: it returns the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	c := &console{in: stdin, out: stdout, err: stderr}
	root := newRoot(c)
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	code := exitWith(c.err, c.elsewhere(root.ExecuteContext(ctx)))
	if c.flush != nil {
		c.flush()
	}
	return code
}

// A console is what all commands share: where they read and write, and the
// global flags.
type console struct {
	in       io.Reader
	out, err io.Writer
	// flush and dropped belong to lastingOutput; nil without it.
	flush   func()
	dropped func() uint64
	// logsJSON is how lines of the log are written.
	logsJSON atomic.Bool
	socket   string
	config   string
}

// daemon returns a client of the daemon on the socket that was chosen.
func (c *console) daemon() *client.Client { return client.New(client.Config{Socket: c.socket}) }

func newRoot(c *console) *cobra.Command {
	root := &cobra.Command{
		Use:   "webex-tokend",
		Short: "Keep OAuth grants for Cisco Webex alive",
		Long:  description + "\n\n" + exitSummary(),
		Example: `  webex-tokend status
  webex-tokend import ops response.json
  webex-tokend token ops`,
		Args:                       cobra.ArbitraryArgs,
		DisableFlagsInUseLine:      true,
		SilenceErrors:              true,
		SilenceUsage:               true,
		SuggestionsMinimumDistance: 2,
		CompletionOptions:          cobra.CompletionOptions{DisableDefaultCmd: true},
		PersistentPreRunE:          func(cmd *cobra.Command, _ []string) error { return c.address(cmd) },
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				cmd.SetOut(c.err)
				_ = cmd.Help()
				return &failure{code: exitUsage}
			}
			return unknownCommand(cmd, args[0])
		},
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &failure{exitUsage, flagError(err), "see: " + cmd.CommandPath() + " --help"}
	})
	root.PersistentFlags().StringVar(&c.socket, "socket", cmp.Or(os.Getenv(address.Variable), address.Socket),
		"`path` of the daemon's socket")
	root.PersistentFlags().StringVar(&c.config, "config", address.UsualConfig(), "`file` with the daemon's configuration; given, it names the socket too")

	root.AddGroup(
		&cobra.Group{ID: "grants", Title: "Look after grants:"},
		&cobra.Group{ID: "daemon", Title: "Run the daemon:"},
		&cobra.Group{ID: "program", Title: "This program:"},
	)
	add := func(group string, commands ...*cobra.Command) {
		for _, command := range commands {
			command.GroupID = group
			command.DisableFlagsInUseLine = true
			root.AddCommand(command)
		}
	}
	add("grants", newStatus(c), newCheck(c), newForecast(c), newDrain(c), newToken(c), newExec(c), newAuthorize(c), newImport(c), newRefresh(c), newPause(c), newResume(c), newAdopt(c), newRemove(c),
		newRevoke(c), newProbe(c), newUnread(c), newWeb(c))
	add("daemon", newInit(c), newDiscover(c), newRun(c), newDemo(c), newValidate(c), newReload(c), newBackup(c), newRestore(c), newStore(c), newKey(c), newHosts(c), newEmulator(c))
	add("program", newVersion(c), newCompletion(c), newMan(c))
	root.SetHelpCommandGroupID("program")
	completeFlags(root)
	return root
}

func unknownCommand(root *cobra.Command, name string) error {
	hint := "see: webex-tokend --help"
	if near := root.SuggestionsFor(name); len(near) > 0 {
		hint = "did you mean: webex-tokend " + near[0]
	}
	return &failure{exitUsage, fmt.Errorf("unknown command %q", name), hint}
}

// oneGrant is the Args of commands that act on a single grant.
func oneGrant(cmd *cobra.Command, args []string) error {
	if len(args) == 1 && args[0] != "" {
		return nil
	}
	return usage(cmd, "%s takes the name of one grant", cmd.Name())
}

func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return usage(cmd, "%s takes no arguments", cmd.Name())
}

func usage(cmd *cobra.Command, format string, args ...any) error {
	return &failure{exitUsage, fmt.Errorf(format, args...), "see: " + cmd.CommandPath() + " --help"}
}
