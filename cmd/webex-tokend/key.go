package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/spf13/cobra"

	"webex-tokend/daemon/address"
	"webex-tokend/daemon/config"
	"webex-tokend/daemon/configfile"
	"webex-tokend/daemon/vault"
	"webex-tokend/store/seal"
)

func newKey(c *console) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "key",
		Short: "Make, renew and back up the key of the store",
		Long: `The store is sealed: its records open with keys that it keeps itself, and those
open with a wrapping key outside it. The daemon reads that one from the systemd
credential store.key, else from seal.key_file of its configuration.`,
		Example: `  webex-tokend key init
  webex-tokend key recovery --out /media/usb/store.key
  webex-tokend key slots
  webex-tokend key rotate`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage(cmd, "key takes one of init, recovery, slots, forget, rotate")
			}
			return usage(cmd, "key takes one of init, recovery, slots, forget, rotate, not %q", args[0])
		},
	}
	cmd.AddCommand(newKeyInit(c), newKeyRecovery(c), newKeySlots(c), newKeyForget(c), newKeyRotate(c))
	for _, sub := range cmd.Commands() {
		sub.DisableFlagsInUseLine = true
	}
	return cmd
}

func newKeyInit(c *console) *cobra.Command {
	var ifMissing bool
	cmd := &cobra.Command{
		Use:   "init [FILE] [--if-missing]",
		Short: "Make the wrapping key of a new store",
		Long: `Write a new wrapping key, mode 0440 with the group of its folder, and print
nothing of it. Without FILE it goes where the configuration of --config says,
else to ` + config.DefaultKeyFile + `. A key is never replaced: the store that it
opens would be lost.

A store that is there already is noted beside the key, in FILE.made, so that a
daemon which does not find it any more makes no new one.

With --if-missing a key that is there is left alone, and so is a host whose
systemd passes one to the daemon.`,
		Example: `  webex-tokend key init
  webex-tokend key init /etc/webex-tokend/store.key --if-missing`,
		ValidArgsFunction: completeFile,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usage(cmd, "key init takes one file")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			path, err := c.keyFile(args)
			if err != nil {
				return err
			}
			c.noteStore(path)
			if ifMissing && seal.LocateKey(path) != path {
				return nil
			}
			err = seal.WriteKey(path, seal.NewKey())
			if errors.Is(err, fs.ErrExist) {
				if ifMissing {
					return nil
				}
				return &failure{exitFailed, err, "a store that it seals would be lost without it; name another file"}
			}
			if err != nil {
				return &failure{exitFailed, err, rootHint(err)}
			}
			fmt.Fprintf(c.out, "made %s; back it up apart from the store, or make another one: webex-tokend key recovery\n", path)
			return nil
		},
	}
	cmd.Flags().BoolVar(&ifMissing, "if-missing", false, "do nothing when there is a key")
	return cmd
}

// noteStore notes the store of the configuration beside its key, which the
// daemon may not: it runs as a user who writes nothing there. What cannot be
// noted is missed only if the store vanishes.
func (c *console) noteStore(keyFile string) {
	cfg, err := configfile.Load(c.config, configfile.Options{Alone: true})
	if full, absErr := filepath.Abs(keyFile); err == nil && absErr == nil && cfg.Seal.KeyFile == full {
		_ = vault.Note(keyFile, filepath.Join(cfg.StateDir, "store.db"))
	}
}

// keyFile returns where the key belongs. A configuration that is there and has
// faults ends the command: its key_file would be another one than the daemon
// reads once they are fixed.
func (c *console) keyFile(args []string) (string, error) {
	if len(args) == 1 {
		return args[0], nil
	}
	cfg, err := c.loadConfig(configfile.Options{})
	switch {
	case err == nil:
		return cfg.Seal.KeyFile, nil
	case errors.Is(err, fs.ErrNotExist) && c.config == address.Config:
		return config.DefaultKeyFile, nil
	}
	return "", err
}
