package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
)

func newBackup(c *console) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "backup FILE [--json]",
		Short: "Write the sealed store into a file",
		Long: `Write the store as it is now into a new file, while the daemon works. It is
sealed as the store is: the key of the store opens it, and without that it is of
no use to anybody.

A backup is for the loss of a disk. A refresh token that is used up when it is
sent is no longer good once the daemon has sent it: see restore.`,
		Example:           `  webex-tokend backup /media/usb/webex-tokend.db`,
		Args:              oneFile,
		ValidArgsFunction: completeFile,
		RunE: func(cmd *cobra.Command, args []string) error {
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
	return cmd
}

// backup makes a file that is whole or absent.
func (c *console) backup(cmd *cobra.Command, path string) (size int64, err error) {
	if _, err := os.Lstat(path); err == nil {
		return 0, &failure{exitFailed, fmt.Errorf("%s is there already", path), "name a new file"}
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return 0, &failure{exitFailed, fmt.Errorf("write backup: %w", err), ""}
	}
	defer os.Remove(f.Name())
	daemon := c.daemon()
	defer daemon.Close()
	bar := newProgress(c.err)
	defer bar.end()
	size, err = daemon.Backup(cmd.Context(), f, func(done, of int64) {
		bar.show(done, of, "%s of %s", mebibytes(done), mebibytes(of))
	})
	if closing := errors.Join(f.Sync(), f.Close()); err == nil {
		err = closing
	}
	if err != nil {
		return 0, err
	}
	// A link fails where a rename would replace.
	if err := os.Link(f.Name(), path); err != nil {
		return 0, &failure{exitFailed, fmt.Errorf("write backup: %w", err), ""}
	}
	return size, nil
}

func oneFile(cmd *cobra.Command, args []string) error {
	if len(args) == 1 {
		return nil
	}
	return usage(cmd, "%s takes one file", cmd.Name())
}
