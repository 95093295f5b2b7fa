package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	sd "github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"

	"webex-tokend/daemon"
	"webex-tokend/daemon/config"
	"webex-tokend/daemon/configfile"
	"webex-tokend/daemon/socket"
)

func newRun(c *console) *cobra.Command {
	var once, newStore bool
	cmd := &cobra.Command{
		Use:   "run [--config FILE] [--once] [--new-store]",
		Short: "Run the daemon in the foreground",
		Long: `Keep grants alive until SIGTERM or SIGINT asks to end; what is in flight then is
finished and stored first. SIGHUP reloads the configuration, and so does saving
it. In the first milliseconds, before its runtime is up, a process ends by it,
unless it was started with SIGHUP ignored, as by env --ignore-signal=HUP; one that
the unit starts is reloaded by a command, and not before it is ready. The log goes to standard error; SIGUSR1 makes it tell more, and again less.
Sockets that the service manager passes under the names api and credential are
taken over.

A store that was made with this key and is not there is no first start: the
daemon ends and makes nothing. Mount its disk, or restore a backup; with
--new-store it begins anew, and all grants have to be registered again.

With --once, read seeds and inbox, refresh what is due, publish, and exit: with
1 when a refresh or an output failed, or a grant with a seed has no token. No
socket is opened.`,
		Example: `  webex-tokend run --config /etc/webex-tokend/config.hcl
  webex-tokend run --once --config /etc/webex-tokend/config.hcl`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.run(cmd.Context(), once, newStore) },
	}
	cmd.Flags().BoolVar(&once, "once", false, "do what is due, publish and exit")
	cmd.Flags().BoolVar(&newStore, "new-store", false, "make a store although the one of this key is missing")
	return cmd
}

func (c *console) run(ctx context.Context, once, newStore bool) error {
	c.lastingOutput()
	// Before the configuration is read: what is asked for since is not in it.
	reload, stop := hangups()
	defer stop()
	if err := shield(); err != nil {
		return err
	}
	useMemory()
	cfg, err := c.loadConfig(configfile.Options{})
	if err != nil {
		return err
	}
	log, levels := newLog(c, cfg)
	defer levels.follow()()
	if fault := unknownZone(os.Getenv("TZ")); fault != "" {
		log.Warn("TZ names no zone, so that calendars and times are those of UTC", "error", fault)
	}
	d := daemon.Config{Config: cfg, Log: log, LogLevels: levels.configure, LogDropped: c.dropped, NewStore: newStore}
	if once {
		return explainStart(daemon.Once(ctx, d))
	}
	d.Notify = func(state string) { _, _ = sd.SdNotify(false, state) }
	if d.Watchdog, err = sd.SdWatchdogEnabled(false); err != nil {
		log.Warn("watchdog of the service manager not understood", "error", err)
	}
	passed, err := socket.Activated()
	if err != nil {
		return err
	}
	d.Listener, d.CredentialListener = passed[socket.APIName], passed[socket.CredentialName]
	d.Reload = reload
	return explainStart(daemon.Run(ctx, d))
}

// loadConfig reads the configuration that the flags name.
func (c *console) loadConfig(opt configfile.Options) (*config.Config, error) {
	cfg, err := configfile.Load(c.config, opt)
	if faults, ok := errors.AsType[*configfile.Faults](err); ok {
		return nil, &failure{exitUsage, fmt.Errorf("the configuration is not valid\n%w", faults), "see: webex-tokend validate --config " + c.config}
	}
	if err != nil {
		return nil, &failure{exitUsage, err, cmp.Or(rootHint(err), "name another file by --config")}
	}
	return cfg, nil
}

// hangups turns SIGHUP into requests to reload; several at once are one.
func hangups() (<-chan struct{}, func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP)
	requests := make(chan struct{}, 1)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-signals:
				select {
				case requests <- struct{}{}:
				default:
				}
			case <-done:
				return
			}
		}
	}()
	return requests, func() {
		signal.Stop(signals)
		close(done)
	}
}

// explainStart adds the next step to errors that only a start meets.
func explainStart(err error) error {
	switch {
	case errors.Is(err, socket.ErrTaken):
		return &failure{exitFailed, err, "remove it, or choose another api.socket"}
	case rootHint(err) != "" && explain(err).code == exitFailed: // and no key, which has a next step of its own
		return &failure{exitFailed, err, "let the user that the daemon runs as write there"}
	case errors.Is(err, daemon.ErrIncomplete):
		return &failure{exitFailed, fmt.Errorf("run once: %w", err), "see the log above, or: webex-tokend status"}
	}
	return err
}
