package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
)

// confirm asks on the terminal whether to go on, and has a word typed that is not
// y, which a slip of the finger answers as well: what says what it is, such as
// "its name". Anything else is the error declined.
func (c *console) confirm(question, what, word, declined string) error {
	fmt.Fprintf(c.err, "%s Type %s: ", question, what)
	line, err := bufio.NewReader(c.in).ReadString('\n')
	if err != nil && err != io.EOF {
		return fmt.Errorf("read answer: %w", err)
	}
	if strings.TrimSpace(line) != word {
		return errors.New(declined)
	}
	return nil
}
