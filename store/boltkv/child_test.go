package boltkv

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"go.uber.org/goleak"
)

// TestMain lets the test binary play the other process: with a role in the
// environment it runs that instead of the tests.
func TestMain(m *testing.M) {
	role, args := os.Getenv(roleVariable), os.Args[1:]
	var err error
	switch role {
	case "":
		goleak.VerifyTestMain(m)
		return
	case "hold":
		err = hold(args[0])
	case "write":
		err = writeUntilKilled(args[0], false)
	case "write, acknowledging early":
		err = writeUntilKilled(args[0], true)
	case "fill":
		err = fill(args[0])
	case "answer":
		err = answerOnFullDisk(args[0], true)
	case "answer without intents":
		err = answerOnFullDisk(args[0], false)
	case "intend":
		err = intendOnFullDisk(args[0])
	case "refresh with room":
		err = refreshOnFullDisk(args[0], standing)
	case "refresh without room":
		err = refreshOnFullDisk(args[0], 0)
	case "examine":
		err = examine(args[0], number(args[1]), number(args[2]), useGuarded)
	case "examine without guard":
		err = examine(args[0], number(args[1]), number(args[2]), useBare)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		panic(err)
	}
	return n
}

const roleVariable = "WEBEX_TOKEND_TEST_ROLE"

// A child is this test binary as another process. It is killed when its test
// ends.
type child struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    io.Reader
	errors bytes.Buffer
}

func startChild(t *testing.T, role string, args ...string) *child {
	t.Helper()
	c := &child{cmd: exec.CommandContext(t.Context(), os.Args[0], args...)}
	c.cmd.Env = append(os.Environ(), roleVariable+"="+role)
	c.cmd.Stderr = &c.errors
	var err error
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if c.out, err = c.cmd.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *child) kill() { c.cmd.Process.Kill() }

func (c *child) wait() error { return c.cmd.Wait() }
