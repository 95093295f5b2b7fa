package hook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode"

	"golang.org/x/sys/unix"

	"webex-tokend/daemon/config"
	"webex-tokend/store"
)

// lingering is how long output is waited for that a command, although ended,
// holds open by a program that it left behind.
const lingering = time.Second

func run(ctx context.Context, h config.Hook, n News) error {
	timed, cancel := context.WithTimeout(ctx, h.Timeout)
	defer cancel()
	cmd := exec.CommandContext(timed, h.Command[0], h.Command[1:]...)
	cmd.Dir = "/"
	cmd.Env = environment(n)
	var said complaint
	cmd.Stderr = &said
	if h.Stdin {
		cmd.Stdin = strings.NewReader(n.Token.Reveal() + "\n")
	}
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
		return fmt.Errorf("run %s: ended with the daemon", h.Command[0])
	case timed.Err() != nil:
		return fmt.Errorf("run %s: killed after %s", h.Command[0], config.FormatDuration(h.Timeout))
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return fmt.Errorf("run %s: %w%s", h.Command[0], exit, said.without(n.Token))
	}
	return fmt.Errorf("start command: %w", err)
}

// environment is what a program may count on everywhere, and the news.
func environment(n News) []string {
	env := []string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
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
