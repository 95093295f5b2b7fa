package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"webex-tokend/daemon/duration"
)

// Exit codes of exec itself are those of env(1), nohup(1) and timeout(1), so
// that they do not mix with those of the program that it runs.
const (
	exitOfExec      = 125 // the program was not tried
	exitNotRunnable = 126
	exitNotFound    = 127
	exitBySignal    = 128 // plus the signal's number, as shells do
)

func newExec(c *console) *cobra.Command {
	var e execution
	var minValid, grace, signal string
	cmd := &cobra.Command{
		Use:   "exec GRANT [--variable NAME] [--min-valid DURATION] [--restart-on-change | --signal NAME] -- COMMAND...",
		Short: "Run a command with the access token in its environment",
		Long: `Run a command with WEBEX_ACCESS_TOKEN in its environment. Signals go to the
command, and its exit code comes back: 128 plus the signal when one ended it.
When the command was not run: 125 no token or wrong usage; 126 it cannot be
executed; 127 it is not there.

A running program keeps the environment that it was started with. With
--restart-on-change it is stopped and started again whenever there is a new
token: by SIGTERM, and after --grace by SIGKILL. With --signal it is told
instead, for programs that read the token anew by themselves. A daemon that
restarts or is away for a while disturbs neither.`,
		Example: `  webex-tokend exec ops -- node bot.js
  webex-tokend exec ops --min-valid 30m -- ./nightly-report
  webex-tokend exec ops --restart-on-change --variable TOKEN -- ./bridge`,
		ValidArgsFunction: c.completeGrant,
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.ArgsLenAtDash() != 1 || len(args) < 2 || args[0] == "" {
				return execUsage(cmd, "exec takes the name of one grant, --, and a command")
			}
			var err error
			if e.minValid, err = duration.ParseLife(minValid); err != nil {
				return execUsage(cmd, "--min-valid: %v", err)
			}
			if e.grace, err = duration.Parse(grace); err != nil {
				return execUsage(cmd, "--grace: %v", err)
			}
			if !variableName().MatchString(e.variable) {
				return execUsage(cmd, "--variable takes a name of letters, digits and underscores, not %q", e.variable)
			}
			if e.signal, err = signalNamed(signal); err != nil {
				return execUsage(cmd, "--signal: %v", err)
			}
			if e.restart && signal != "" {
				return execUsage(cmd, "--restart-on-change and --signal exclude each other")
			}
			e.console, e.grant, e.command = c, args[0], args[1:]
			return e.run(cmd.Context())
		},
	}
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return execUsage(cmd, "%v", flagError(err)) })
	flags := cmd.Flags()
	flags.StringVar(&e.variable, "variable", "WEBEX_ACCESS_TOKEN", "`name` of the environment variable")
	flags.StringVar(&minValid, "min-valid", "0s", "how long the first token has to be good for, as a `duration` like 10m or 1d")
	flags.BoolVar(&e.restart, "restart-on-change", false, "stop and start the command when there is a new token")
	flags.StringVar(&signal, "signal", "", "`name` of the signal that tells the command of a new token, such as HUP")
	flags.StringVar(&grace, "grace", "10s", "how long a command may take to stop before a restart, as a `duration`")
	return cmd
}

var variableName = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
})

func execUsage(cmd *cobra.Command, format string, args ...any) error {
	return &failure{exitOfExec, fmt.Errorf(format, args...), "see: " + cmd.CommandPath() + " --help"}
}

// signalNamed takes HUP and SIGHUP; "" is no signal.
func signalNamed(name string) (syscall.Signal, error) {
	if name == "" {
		return 0, nil
	}
	full := "SIG" + strings.TrimPrefix(strings.ToUpper(name), "SIG")
	if s := unix.SignalNum(full); s != 0 {
		return s, nil
	}
	return 0, fmt.Errorf("%q is no signal", name)
}

// An execution is one call of exec.
type execution struct {
	*console
	grant    string
	command  []string
	variable string
	minValid time.Duration
	restart  bool           // on a new token
	signal   syscall.Signal // on a new token; 0: none
	grace    time.Duration  // between SIGTERM and SIGKILL
}

func (e *execution) run(ctx context.Context) error {
	daemon := e.daemon()
	defer daemon.Close()
	first, err := tokenFor(ctx, daemon, e.grant, e.minValid)
	if err != nil {
		f := explain(err)
		return &failure{exitOfExec, f.err, f.hint}
	}
	// From here on signals are the command's; this process ends with it.
	signals, stopRelay := relayed()
	defer stopRelay()
	p, err := e.start(first.AccessToken)
	if err != nil {
		return startFailure(err)
	}
	changes, stopWatch := e.changes(context.WithoutCancel(ctx), daemon, first.AccessToken)
	defer stopWatch()
	code, err := e.attend(p, signals, changes)
	if err != nil {
		return startFailure(err)
	}
	if code == 0 {
		return nil
	}
	return &failure{code: code}
}

// startFailure tells a program that is not there from one that does not run.
func startFailure(err error) error {
	code := exitNotRunnable
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		code = exitNotFound
	}
	return &failure{code: code, err: fmt.Errorf("run command: %w", err)}
}
