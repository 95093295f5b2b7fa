package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
)

// confirm asks on the terminal whether to go on, and has the name typed, since
// a slip of the finger answers y as well. Anything else is the error declined.
func (c *console) confirm(question, grant, declined string) error {
	fmt.Fprintf(c.err, "%s Type its name: ", question)
	line, err := bufio.NewReader(c.in).ReadString('\n')
	if err != nil && err != io.EOF {
		return fmt.Errorf("read answer: %w", err)
	}
	if strings.TrimSpace(line) != grant {
		return errors.New(declined)
	}
	return nil
}
