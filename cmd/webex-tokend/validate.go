package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/configfile"
	"webex-tokend/daemon/plan"
	"webex-tokend/daemon/web"
)

func newValidate(c *console) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "validate [--config FILE] [--json]",
		Short: "Check a configuration and say what it would do",
		Long: `Read a configuration with all that it names, show every fault with its line,
or say what the daemon would do with it, to whom it would speak, what nobody
would answer, and what its unit lacks for that. Where the daemon runs, clients are named that their server refuses.`,
		Example: `  webex-tokend validate
  webex-tokend validate --config /tmp/config.hcl`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := c.loadConfig(configfile.Options{Strict: true})
			faults, faulty := errors.AsType[*configfile.Faults](err)
			var closed error // what keeps the pages from being served
			if err == nil && cfg.HTTP != nil {
				closed = web.Check(cfg.HTTP)
			}
			if err == nil && !asJSON {
				for _, text := range slices.Concat(cfg.Warnings, plan.Cautions(cfg)) {
					fmt.Fprintf(c.err, "warning: %s\n", text)
				}
			}
			switch {
			case asJSON && (faulty || err == nil):
				return c.writeValidation(cmd.Context(), cfg, faults, closed)
			case faulty:
				on := screenOf(c.err)
				_ = faults.Print(c.err, uint(on.width), on.color)
				return &failure{exitUsage, fmt.Errorf("%s is not valid, see above", c.config), ""}
			case err != nil:
				return err
			case closed != nil:
				return &failure{exitUsage, fmt.Errorf("%s is not valid: %w", c.config, closed), "the http block says which file that is"}
			}
			fmt.Fprintf(c.out, "%s is valid\n", c.config)
			say(c.out, "  ", plan.Lines(cfg))
			needs, done := plan.Unit(cfg, "/")
			say(c.out, "unit: ", needs)
			say(c.out, "unit: done: ", done)
			say(c.out, "", c.refused(cmd.Context(), cfg))
			found, err := c.shared(cmd.Context(), cfg)
			say(c.out, "etcd: ", found)
			return explainMigration(err)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

// A validation lists the results of validate, one text for each fault or step.
type validation struct {
	Valid    bool     `json:"valid"`
	Faults   []string `json:"faults"`
	Warnings []string `json:"warnings"`
	Plan     []string `json:"plan"`
	Unit     []string `json:"unit"`      // what the unit lacks
	UnitDone []string `json:"unit_done"` // what drop-ins give
	Refused  []string `json:"refused"`
	Etcd     []string `json:"etcd,omitempty"`
}

func (c *console) writeValidation(ctx context.Context, cfg *config.Config, faults *configfile.Faults, closed error) error {
	v := validation{Valid: faults == nil && closed == nil, Faults: []string{}, Warnings: []string{}, Plan: []string{}, Unit: []string{}, UnitDone: []string{}, Refused: []string{}}
	switch {
	case faults != nil:
		v.Faults = append(v.Faults, faults.Lines()...)
		v.Warnings = append(v.Warnings, faults.Warnings()...)
	case closed != nil:
		v.Faults = append(v.Faults, closed.Error())
		v.Warnings = append(v.Warnings, slices.Concat(cfg.Warnings, plan.Cautions(cfg))...)
	default:
		v.Warnings = append(v.Warnings, slices.Concat(cfg.Warnings, plan.Cautions(cfg))...)
		v.Plan = append(v.Plan, plan.Lines(cfg)...)
		needs, done := plan.Unit(cfg, "/")
		v.Unit, v.UnitDone = append(v.Unit, needs...), append(v.UnitDone, done...)
		v.Refused = append(v.Refused, c.refused(ctx, cfg)...)
		found, err := c.shared(ctx, cfg)
		if v.Etcd = found; err != nil {
			v.Valid, v.Faults = false, append(v.Faults, err.Error())
		}
	}
	if err := json.NewEncoder(c.out).Encode(v); err != nil {
		return fmt.Errorf("write verdict: %w", err)
	}
	if !v.Valid {
		return &failure{code: exitUsage}
	}
	return nil
}

// say prints texts that a screen may have to break, each behind the same lead.
func say(w io.Writer, lead string, texts []string) {
	on := screenOf(w)
	for _, text := range texts {
		words := strings.TrimLeft(text, " ")
		lead := lead + text[:len(text)-len(words)]
		fmt.Fprintln(w, lead+on.wrap(words, len(lead)))
	}
}
