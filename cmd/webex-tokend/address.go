package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"webex-tokend/daemon/address"
	"webex-tokend/daemon/configfile"
	files "webex-tokend/daemon/disk"
)

// alone lists the commands that work without a daemon, and those for which
// --config means something else than where it listens.
func alone() []string {
	return []string{"run", "demo", "emulator", "init", "validate", "key init", "restore", "store check", "version", "completion", "man", "help"}
}

// address finds the daemon by the configuration that --config names, where
// neither --socket nor the environment says more, or by the one that a user made
// by init. A file that merely lies in the package's place is not asked: most
// callers may not read it. Only one that writes its socket in an unusual way is
// parsed as a whole: that takes half a second where it has 10,000 grants.
func (c *console) address(cmd *cobra.Command) error {
	flags := cmd.Flags()
	name := strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()+" ")
	if !flags.Changed("config") && c.config == address.Config || flags.Changed("socket") || c.socket != address.Socket || slices.Contains(alone(), name) {
		return nil
	}
	src, err := address.Read(c.config)
	if err == nil {
		if found, ok := address.Find(src); ok {
			c.socket = found
			return nil
		}
	}
	if errors.Is(err, files.ErrSilent) {
		return cmd.FlagErrorFunc()(cmd, fmt.Errorf("--config: read %s: %w", c.config, err))
	}
	cfg, err := configfile.Load(c.config, configfile.Options{Alone: true})
	if faults, ok := errors.AsType[*configfile.Faults](err); ok {
		err = errors.New(faults.Lines()[0])
	}
	if err != nil {
		// In the words and with the exit code that this command has for flags.
		return cmd.FlagErrorFunc()(cmd, fmt.Errorf("--config: %w", err))
	}
	c.socket = cfg.API.Socket
	return nil
}

// elsewhere adds to the advice about a daemon that is away that it may have
// another socket than the usual one, when that was tried.
func (c *console) elsewhere(err error) error {
	if err == nil || c.socket != address.Socket {
		return err
	}
	f := explain(err)
	if f.code != exitUnreachable || f.hint == "" {
		return err
	}
	return &failure{f.code, f.err, f.hint + "\n  or name another socket: --socket PATH"}
}
