package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"
)

func newMan(c *console) *cobra.Command {
	var folder string
	cmd := &cobra.Command{
		Use:   "man [PAGE] [--dir DIR]",
		Short: "Show or install the manual",
		Long: `Show a page of the manual: 8 is about the program, 5 about its configuration, 1
about webex-token, portal about what to register with Webex, and recipes about ways
to use a token. A pipe or a file gets its source. With --dir, write all pages into
the folders man1, man5, man7 and man8 below DIR, where man(1) looks for them.
Without either, say which pages there are.`,
		Example: `  webex-tokend man 5
  webex-tokend man portal
  webex-tokend man 8 | mandoc -T pdf > webex-tokend.pdf
  webex-tokend man --dir /usr/local/share/man`,
		ValidArgs: []string{"1", "5", "8", "portal", "recipes"},
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 || len(args) == 1 && folder != "" {
				return usage(cmd, "man takes one page, or --dir")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case folder != "":
				return c.installManual(cmd.Root(), folder)
			case len(args) == 1:
				return c.showManual(cmd, args[0])
			}
			for _, page := range manualPages() {
				fmt.Fprintf(c.out, "webex-tokend man %-7s  %s(%d): %s\n", page.key, page.name, page.section, page.about)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&folder, "dir", "", "write all pages into folders below `DIR`")
	return cmd
}

func (c *console) showManual(cmd *cobra.Command, key string) error {
	for _, page := range manualPages() {
		if page.key != key && page.name != key {
			continue
		}
		text, err := page.text(cmd.Root(), builtFrom())
		if err != nil {
			return err
		}
		if man, err := exec.LookPath("man"); err == nil && screenOf(c.out).terminal {
			reader := exec.Command(man, "-l", "-")
			reader.Stdin, reader.Stdout, reader.Stderr = strings.NewReader(text), c.out, c.err
			return reader.Run()
		}
		_, err = fmt.Fprint(c.out, text)
		return err
	}
	return usage(cmd, "the manual has the pages 1, 5, 8, portal and recipes, not %q", key)
}

func (c *console) installManual(root *cobra.Command, folder string) error {
	for _, page := range manualPages() {
		text, err := page.text(root, builtFrom())
		if err != nil {
			return err
		}
		path := filepath.Join(folder, fmt.Sprintf("man%d", page.section), page.file())
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return &failure{exitFailed, fmt.Errorf("write the manual: %w", err), rootHint(err)}
		}
		if err := renameio.WriteFile(path, []byte(text), 0o644); err != nil {
			return &failure{exitFailed, fmt.Errorf("write the manual: %w", err), rootHint(err)}
		}
		fmt.Fprintln(c.out, path)
	}
	return nil
}
