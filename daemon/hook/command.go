package hook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode"

	"golang.org/x/sys/unix"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/duration"
	"webex-tokend/daemon/stopwatch"
	"webex-tokend/store"
)

// lingering is how long output is waited for that a command, although ended,
// holds open by a program that it left behind.
const lingering = time.Second

// searchPath is the PATH of every program.
const searchPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// A Program is run with nothing of the daemon but what stands here.
type Program struct {
	Command []string      // its full path, and arguments
	Timeout time.Duration // after which it is killed; needed
	Env     []string      // NAME=value, beside PATH
	Stdin   io.Reader     // nil: nothing to read
	Secret  store.Secret  // that no error may repeat; empty: none
}

// Run waits for the program to end. When ctx ends first, it is killed.
func (p Program) Run(ctx context.Context) error {
	timed, cancel := stopwatch.WithTimeout(ctx, p.Timeout)
	defer cancel()
	cmd := exec.CommandContext(timed, p.Command[0], p.Command[1:]...)
	cmd.Dir = "/"
	cmd.Env = append([]string{searchPath}, p.Env...)
	cmd.Stdin = p.Stdin
	var said complaint
	cmd.Stderr = &said
	// A group of its own, so that what the command started ends with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = lingering
	// Go opens nothing that a child inherits, but the daemon may have come by
	// such a descriptor itself. Kernels before 5.11 do not know the flag.
	_ = unix.CloseRange(3, math.MaxInt32, unix.CLOSE_RANGE_CLOEXEC)
	err := cmd.Run()
	switch {
	case err == nil, errors.Is(err, exec.ErrWaitDelay):
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("run %s: ended with the daemon", p.Command[0])
	case timed.Err() != nil:
		return fmt.Errorf("run %s: killed after %s", p.Command[0], duration.Format(p.Timeout))
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return fmt.Errorf("run %s: %w%s", p.Command[0], exit, said.without(p.Secret))
	}
	return fmt.Errorf("start command: %w", err)
}

// program tells the news by the command of a hook.
func program(h config.Hook, n News) Program {
	p := Program{Command: h.Command, Timeout: h.Timeout, Env: environment(n), Secret: n.Token}
	if h.Stdin {
		p.Stdin = strings.NewReader(n.Token.Reveal() + "\n")
	}
	return p
}

func environment(n News) []string {
	env := []string{
		"WEBEX_TOKEND_GRANT=" + n.Grant,
		"WEBEX_TOKEND_GENERATION=" + strconv.FormatUint(n.Generation, 10),
	}
	if n.Path != "" {
		env = append(env, "WEBEX_TOKEND_PATH="+n.Path)
	}
	return env
}

// A complaint keeps the beginning of what a command says on standard error.
type complaint struct{ text []byte }

// Bounds in bytes: kept is more than shown, so that a token which begins in
// what is shown is recognised whole.
const (
	kept  = 8 << 10
	shown = 200
)

func (c *complaint) Write(p []byte) (int, error) {
	c.text = append(c.text, p[:min(len(p), kept-len(c.text))]...)
	return len(p), nil
}

// without words the complaint for an error. Where it repeats the token it is
// dropped whole.
func (c *complaint) without(token store.Secret) string {
	if !token.Empty() && bytes.Contains(c.text, []byte(token.Reveal())) {
		return ": its complaint holds the token and is not shown"
	}
	line, _, _ := strings.Cut(strings.TrimSpace(string(c.text)), "\n")
	if line == "" {
		return ""
	}
	return ": " + strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, line[:min(len(line), shown)])
}
