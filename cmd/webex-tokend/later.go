package main

import (
	"errors"

	"github.com/spf13/cobra"
)

// newLater stands for the commands that a later version brings, so that an
// operator who reads ahead is told so and not that there is no such thing.
func newLater() []*cobra.Command {
	var commands []*cobra.Command
	for _, name := range []string{"man"} {
		commands = append(commands, &cobra.Command{
			Use:                name,
			Hidden:             true,
			DisableFlagParsing: true,
			RunE: func(*cobra.Command, []string) error {
				return &failure{exitUsage, errors.New(name + " is not in this version"), "see: webex-tokend --help"}
			},
		})
	}
	return commands
}
