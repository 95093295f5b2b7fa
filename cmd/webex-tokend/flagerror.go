package main

import (
	"errors"
	"strconv"
	"strings"
)

// flagError words what is wrong with a flag for people: a number that is none
// comes with the text of strconv, which names a function of this program.
func flagError(err error) error {
	parse, ok := errors.AsType[*strconv.NumError](err)
	if !ok {
		return err
	}
	takes := "it takes a whole number"
	if parse.Func == "ParseBool" {
		takes = "it takes true or false"
	}
	return errors.New(strings.TrimSuffix(err.Error(), parse.Error()) + takes)
}
