package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"webex-tokend/daemon"
	"webex-tokend/daemon/config"
	"webex-tokend/daemon/configfile"
	"webex-tokend/store/boltkv"
)

func newStore(c *console) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "store",
		Short:   "Look at the store while the daemon is stopped",
		Example: `  webex-tokend store check`,
		Args:    cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return usage(cmd, "store takes one of check, migrate")
		},
	}
	check := newStoreCheck(c)
	check.DisableFlagsInUseLine = true
	cmd.AddCommand(check, newStoreMigrate(c))
	return cmd
}

func newStoreCheck(c *console) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "check [FILE] [--config FILE] [--json]",
		Short: "Check a store or a backup",
		Long: `Check the store of the configuration, or a backup, without changing a byte: the
structure of the file, that every record opens with the key, and that records
and indexes agree. The daemon must be stopped to check its store.`,
		Example: `  webex-tokend store check
  webex-tokend store check /var/lib/webex-tokend/backups/store-20261122T031500Z.db`,
		ValidArgsFunction: completeFile,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usage(cmd, "store check takes one file")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := c.loadConfig(configfile.Options{})
			if err != nil {
				return err
			}
			path := filepath.Join(cfg.StateDir, "store.db")
			if cfg.Seal.Shared != nil {
				path = filepath.Join(cfg.StateDir, daemon.CopyFile)
			}
			if len(args) == 1 {
				path = args[0]
			}
			found, err := examine(cmd.Context(), cfg, path, newProgress(c.err))
			if err != nil && len(args) == 1 {
				return explainCopy(cfg, err)
			}
			if err != nil {
				return explainFile(err)
			}
			if asJSON {
				err = json.NewEncoder(c.out).Encode(found)
			} else {
				for _, fault := range found.Faults {
					fmt.Fprintln(c.out, fault)
				}
				_, err = fmt.Fprintf(c.out, "%s: %s, %s\n", path, plural(found.Records, "record"), plural(len(found.Faults), "fault"))
			}
			if err == nil && len(found.Faults) > 0 {
				err = &failure{code: exitFailed, hint: "what is damaged has to be imported anew; see also: webex-tokend restore --help"}
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

// An examination lists the findings of store check.
type examination struct {
	Records int      `json:"records"`
	Faults  []string `json:"faults"`
}

// manyFaults are enough: whoever reads them will not fix them one by one.
const manyFaults = 1000

func examine(ctx context.Context, cfg *config.Config, path string, bar *progress) (examination, error) {
	defer bar.end()
	found := examination{Faults: []string{}}
	note := func(fault string) bool {
		found.Faults = append(found.Faults, fault)
		return len(found.Faults) < manyFaults
	}
	kv, err := boltkv.View(path)
	if err != nil {
		return found, err
	}
	bar.show(0, 0, "checking the file")
	rows, err := kv.Check(ctx, note)
	kv.Close()
	if err != nil {
		return found, err
	}
	records, err := look(ctx, cfg, path)
	if err != nil {
		return found, err
	}
	defer records.Close()
	for page, err := range records.All(ctx, "", 1000) {
		if err != nil {
			return found, err
		}
		found.Records += page.Looked()
		bar.show(int64(found.Records), int64(rows), "%d of %s", found.Records, plural(rows, "record"))
		for _, bad := range page.Damaged {
			if !note(bad.Error()) {
				return found, nil
			}
		}
	}
	return found, nil
}
