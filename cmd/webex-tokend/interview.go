package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// An interview asks questions on the terminal, one line of answer each.
type interview struct {
	*console
	ctx   context.Context
	lines *bufio.Reader
}

func (c *console) interview(ctx context.Context) *interview {
	return &interview{console: c, ctx: ctx, lines: bufio.NewReader(c.in)}
}

// errNoAnswer says that the input ended before the questions did.
var errNoAnswer = errors.New("the answers ended before the questions did; nothing was written")

// line returns what is typed, without blanks around it; an empty line answers
// with usual. A read cannot be called off: at Ctrl-C it is left behind and ends
// with the process.
func (q *interview) line(question, usual string) (string, error) {
	fmt.Fprint(q.err, question)
	if usual != "" {
		fmt.Fprintf(q.err, " [%s]", usual)
	}
	fmt.Fprint(q.err, ": ")
	text, err := q.await(func() (string, error) {
		text, err := q.lines.ReadString('\n')
		if err == io.EOF && text != "" {
			err = nil
		}
		return text, err
	})
	if err != nil {
		return "", err
	}
	if text = strings.TrimSpace(text); text == "" {
		return usual, nil
	}
	return text, nil
}

// secret returns what is typed without showing it. The echo comes back however
// it ends.
func (q *interview) secret(question string) (string, error) {
	fmt.Fprint(q.err, question+" (not shown): ")
	f, ok := q.in.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return "", errors.New("a secret is asked for on a terminal only; from a script: --client-secret-file")
	}
	before, err := term.GetState(int(f.Fd()))
	if err != nil {
		return "", fmt.Errorf("read secret: %w", err)
	}
	defer func() { _ = term.Restore(int(f.Fd()), before) }()
	text, err := q.await(func() (string, error) {
		typed, err := term.ReadPassword(int(f.Fd()))
		return string(typed), err
	})
	fmt.Fprintln(q.err)
	return strings.TrimSpace(text), err
}

func (q *interview) await(read func() (string, error)) (string, error) {
	type answer struct {
		text string
		err  error
	}
	typed := make(chan answer, 1)
	go func() {
		text, err := read()
		typed <- answer{text, err}
	}()
	select {
	case <-q.ctx.Done():
		return "", q.ctx.Err()
	case a := <-typed:
		if a.err == io.EOF {
			return "", errNoAnswer
		}
		return a.text, a.err
	}
}

// yes asks for a decision; an empty line answers with usual.
func (q *interview) yes(question string, usual bool) (bool, error) {
	hint := "y/N"
	if usual {
		hint = "Y/n"
	}
	for {
		text, err := q.line(question+" ["+hint+"]", "")
		if err != nil {
			return false, err
		}
		switch strings.ToLower(text) {
		case "":
			return usual, nil
		case "y", "yes":
			return true, nil
		case "n", "no":
			return false, nil
		}
	}
}

// until asks again while what is typed does not do, and says why.
func (q *interview) until(question, usual string, check func(string) error) (string, error) {
	for {
		text, err := q.line(question, usual)
		if err != nil {
			return "", err
		}
		if wrong := check(text); wrong != nil {
			fmt.Fprintf(q.err, "  %v\n", wrong)
			continue
		}
		return text, nil
	}
}
