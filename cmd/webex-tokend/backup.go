package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/spf13/cobra"

	"webex-tokend/daemon/client"
	"webex-tokend/daemon/configfile"
	"webex-tokend/store/newfile"
)

func newBackup(c *console) *cobra.Command {
	var asJSON, move bool
	cmd := &cobra.Command{
		Use:   "backup FILE [--move] [--json]",
		Short: "Write the sealed store into a file",
		Long: `Write the store as it is now into a new file, while the daemon works. It is
sealed as the store is: the key of the store opens it, and without that it is of
no use to anybody.

A backup is for the loss of a disk. A refresh token that is used up when it is
sent is no longer good once the daemon has sent it: see restore.

With --move, the grants go on elsewhere: the daemon finishes what it has sent and
ends, its store is marked so that no daemon starts with it, and the file takes over
where restore puts it, with nothing to adopt. It takes the user who may write the
store, as a rule root, and works without a daemon too.`,
		Example: `  webex-tokend backup /media/usb/webex-tokend.db
  webex-tokend backup --move /media/usb/webex-tokend.db`,
		Args:              oneFile,
		ValidArgsFunction: completeFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			if move {
				cfg, err := c.loadConfig(configfile.Options{})
				if err != nil {
					return err
				}
				return newMover(c, cfg).into(cmd, args[0], asJSON)
			}
			size, err := c.backup(cmd, args[0])
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(c.out).Encode(map[string]any{"file": args[0], "bytes": size})
			}
			_, err = fmt.Fprintf(c.out, "wrote %s, %d bytes\n", args[0], size)
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	cmd.Flags().BoolVar(&move, "move", false, "hand the grants over: this daemon ends, and starts no more")
	return cmd
}

// backup makes a file that is whole or absent.
func (c *console) backup(cmd *cobra.Command, path string) (size int64, err error) {
	daemon := c.daemon()
	defer daemon.Close()
	bar := newProgress(c.err)
	defer bar.end()
	err = newfile.Write(path, func(f *os.File) error {
		size, err = daemon.Backup(cmd.Context(), f, func(done, of int64) {
			bar.show(done, of, "%s of %s", mebibytes(done), mebibytes(of))
		})
		return err
	})
	switch {
	case errors.Is(err, fs.ErrExist):
		return 0, &failure{exitFailed, fmt.Errorf("%s is there already", path), "name a new file"}
	case errors.Is(err, syscall.ENOSPC):
		return 0, &failure{exitFailed, err, "make room there, or name a file elsewhere"}
	case errors.Is(err, fs.ErrNotExist) && !errors.Is(err, client.ErrUnreachable):
		return 0, &failure{exitFailed, err, "make the folder first"}
	}
	return size, err
}

func oneFile(cmd *cobra.Command, args []string) error {
	if len(args) == 1 {
		return nil
	}
	return usage(cmd, "%s takes one file", cmd.Name())
}
