package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/web"
)

func newValidate(c *console) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "validate [--config FILE] [--json]",
		Short: "Check a configuration and say what it would do",
		Long: `Read a configuration with all that it names, show every fault with its line,
or say what the daemon would do with it and what its unit lacks for that.`,
		Example: `  webex-tokend validate
  webex-tokend validate --config /tmp/config.hcl`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			cfg, err := c.loadConfig(config.Options{Strict: true})
			faults, faulty := errors.AsType[*config.Faults](err)
			var closed error // what keeps the pages from being served
			if err == nil && cfg.HTTP != nil {
				closed = web.Check(cfg.HTTP)
			}
			switch {
			case asJSON && (faulty || err == nil):
				return writeVerdict(c.out, cfg, faults, closed)
			case faulty:
				on := screenOf(c.err)
				_ = faults.Print(c.err, uint(on.width), on.color)
				return &failure{exitUsage, fmt.Errorf("%s is not valid, see above", c.config), ""}
			case err != nil:
				return err
			case closed != nil:
				return &failure{exitUsage, fmt.Errorf("%s is not valid: %w", c.config, closed), "the http block says which file that is"}
			}
			for _, text := range cfg.Warnings {
				fmt.Fprintf(c.err, "warning: %s\n", text)
			}
			fmt.Fprintf(c.out, "%s is valid\n", c.config)
			for _, text := range cfg.Plan() {
				fmt.Fprintln(c.out, "  "+text)
			}
			for _, text := range cfg.UnitNeeds() {
				fmt.Fprintln(c.out, "unit: "+text)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

// A verdict is what validate has to say, one text for each fault or step.
type verdict struct {
	Valid    bool     `json:"valid"`
	Faults   []string `json:"faults"`
	Warnings []string `json:"warnings"`
	Plan     []string `json:"plan"`
	Unit     []string `json:"unit"`
}

func writeVerdict(w io.Writer, cfg *config.Config, faults *config.Faults, closed error) error {
	v := verdict{Valid: faults == nil && closed == nil, Faults: []string{}, Warnings: []string{}, Plan: []string{}, Unit: []string{}}
	switch {
	case faults != nil:
		v.Faults = append(v.Faults, faults.Lines()...)
	case closed != nil:
		v.Faults = append(v.Faults, closed.Error())
	default:
		v.Warnings = append(v.Warnings, cfg.Warnings...)
		v.Plan = append(v.Plan, cfg.Plan()...)
		v.Unit = append(v.Unit, cfg.UnitNeeds()...)
	}
	if err := json.NewEncoder(w).Encode(v); err != nil {
		return fmt.Errorf("write verdict: %w", err)
	}
	if !v.Valid {
		return &failure{code: exitUsage}
	}
	return nil
}
