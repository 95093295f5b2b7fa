package hook_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/hook"
	"webex-tokend/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const token = "NjlhN_PF84-1"

func news() hook.News {
	return hook.News{Grant: "ops", Generation: 7, Path: "/run/tokens/ops", Token: store.NewSecret(token)}
}

// command is a hook that lets sh do something; its first argument is a path in
// a folder of the test.
func command(t *testing.T, script string) (h config.Hook, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "out")
	return config.Hook{Command: []string{"/bin/sh", "-c", script, "hook", path}, Timeout: time.Minute}, path
}

func tell(t *testing.T, h config.Hook) error {
	t.Helper()
	return hook.Run(t.Context(), h, news())
}

func content(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestACommandGetsTheNewsAndNothingElse(t *testing.T) {
	t.Setenv("WEBEX_TEST_OF_THE_DAEMON", "private")
	inherited, err := syscall.Dup(0) // without the flag that Go sets
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(inherited)
	h, path := command(t, `env -0 | tr '\0' '\n' | grep -v '^_=\|^PWD=' | sort >"$1"; ls /proc/self/fd >"$1.fds"; cat >"$1.stdin"; pwd >"$1.pwd"`)
	if err := tell(t, h); err != nil {
		t.Fatal(err)
	}
	want := `PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
WEBEX_TOKEND_GENERATION=7
WEBEX_TOKEND_GRANT=ops
WEBEX_TOKEND_PATH=/run/tokens/ops
`
	var got []string
	for line := range strings.Lines(content(t, path)) {
		if !strings.HasPrefix(line, "OLDPWD=") && !strings.HasPrefix(line, "SHLVL=") {
			got = append(got, line)
		}
	}
	if strings.Join(got, "") != want {
		t.Errorf("environment is\n%s\nwant\n%s", got, want)
	}
	// 3 is the folder that ls reads.
	if fds := strings.Fields(content(t, path+".fds")); !slices.Equal(fds, []string{"0", "1", "2", "3"}) {
		t.Errorf("descriptors are %q", fds)
	}
	if in, dir := content(t, path+".stdin"), content(t, path+".pwd"); in != "" || dir != "/\n" {
		t.Errorf("standard input is %q, the folder %q", in, dir)
	}
}

func TestACommandThatAsksForItReadsTheToken(t *testing.T) {
	h, path := command(t, `cat >"$1"`)
	h.Stdin = true
	if err := tell(t, h); err != nil || content(t, path) != token+"\n" {
		t.Errorf("read %q, %v", content(t, path), err)
	}
	h, _ = command(t, `exit 0`)
	h.Stdin = true
	if err := tell(t, h); err != nil {
		t.Errorf("a command that does not read it fails: %v", err)
	}
}

func TestArgumentsReachTheCommandAsTheyAre(t *testing.T) {
	h, path := command(t, `shift; printf '%s|' "$@" >"$0"`)
	h.Command = slices.Concat(h.Command[:3], []string{path, "", "$HOME `id`", "a b", "'", "*"})
	if err := tell(t, h); err != nil || content(t, path) != "$HOME `id`|a b|'|*|" {
		t.Errorf("arguments are %q, %v", content(t, path), err)
	}
}

func TestAFailureSaysWhyWithoutTheToken(t *testing.T) {
	tests := []struct{ name, script, want string }{
		{"with a word", "echo 'no such unit' >&2; echo more >&2; exit 5", "run /bin/sh: exit status 5: no such unit"},
		{"without a word", "exit 1", "run /bin/sh: exit status 1"},
		{"by a signal", "kill -9 $$", "run /bin/sh: signal: killed"},
		{"with the token in its complaint", "read t; echo \"bad $t\" >&2; exit 1", "run /bin/sh: exit status 1: its complaint holds the token and is not shown"},
		{"with a complaint that would spoil the log", `printf '\033[31m%0300d' 0 >&2; exit 1`, "run /bin/sh: exit status 1:  [31m" + strings.Repeat("0", 195)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h, _ := command(t, test.script)
			h.Stdin = true
			if err := tell(t, h); err == nil || err.Error() != test.want {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
	err := tell(t, config.Hook{Command: []string{"/nowhere/program"}, Timeout: time.Minute})
	if err == nil || err.Error() != "start command: fork/exec /nowhere/program: no such file or directory" {
		t.Errorf("a program that is not there gives %v", err)
	}
}

func TestACommandThatHangsIsKilledWithAllThatItStarted(t *testing.T) {
	// The descendant holds the write end of a FIFO: it reads as ended when the
	// last of them is gone.
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	// Who opens one end waits for the other end, and the command may be killed
	// before it gets that far: both ends are open from the beginning.
	begun := ""
	for timeout := 200 * time.Millisecond; begun == "" && timeout < time.Minute; timeout *= 2 {
		hold, err := os.OpenFile(fifo, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		pipe, err := os.Open(fifo)
		if err != nil {
			t.Fatal(err)
		}
		h := config.Hook{
			Command: []string{"/bin/sh", "-c", `exec 3>"$1"; sleep 1000 & echo begun >&3; wait`, "hook", fifo},
			Timeout: timeout,
		}
		if err := hook.Run(context.Background(), h, news()); err == nil || err.Error() != "run /bin/sh: killed after "+timeout.String() {
			t.Errorf("got %v", err)
		}
		hold.Close()
		all, err := io.ReadAll(pipe)
		pipe.Close()
		if begun = string(all); err != nil || begun != "" && begun != "begun\n" {
			t.Errorf("read %q, %v", all, err)
		}
	}
	if begun == "" {
		t.Error("it never began before it was killed: nothing is proven")
	}
}

func TestACommandEndsWithTheDaemon(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	result := make(chan error, 1)
	h := config.Hook{Command: []string{"/bin/sh", "-c", `echo >"$1"; exec sleep 1000`, "hook", fifo}, Timeout: time.Hour}
	go func() { result <- hook.Run(ctx, h, news()) }()
	if _, err := os.ReadFile(fifo); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-result; err == nil || err.Error() != "run /bin/sh: ended with the daemon" {
		t.Errorf("got %v", err)
	}
}

func TestAProgramLeftBehindDoesNotHoldTheHookUp(t *testing.T) {
	h, path := command(t, `sleep 1000 & echo $! >"$1"`)
	if err := tell(t, h); err != nil {
		t.Error(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(content(t, path)))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Errorf("it did not live on: %v", err)
	}
}

func TestTheProcessOfAPIDFileIsSignalled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pid")
	h := config.Hook{PIDFile: path, Signal: "USR1"}
	for range 2 { // the second process has another number
		cmd := exec.Command("/bin/sh", "-c", `trap 'echo heard; exit' USR1; echo ready; while :; do sleep 0.01; done`)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		lines.Scan()
		if err := os.WriteFile(path, fmt.Appendln(nil, cmd.Process.Pid), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := tell(t, h); err != nil {
			t.Error(err)
		}
		if lines.Scan(); lines.Text() != "heard" {
			t.Errorf("the process says %q", lines.Text())
		}
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
	if err := tell(t, h); err == nil || !strings.HasSuffix(err.Error(), path+" names no process that runs") {
		t.Errorf("for a process that has ended: %v", err)
	}
}

func TestAUserNamesProcessesOfHisOwnAlone(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("giving a file away takes root")
	}
	const somebody = 41_414
	begin := func(uid uint32) *exec.Cmd {
		cmd := exec.Command("/bin/sleep", "1000")
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
		return cmd
	}
	ours, theirs := begin(0), begin(somebody)
	for name, test := range map[string]struct {
		names *exec.Cmd
		owner int
		mode  os.FileMode
		says  string // empty: it is signalled
	}{
		"a file of theirs names their process":    {theirs, somebody, 0o644, ""},
		"a file of ours names their process":      {theirs, 0, 0o644, ""},
		"a file of theirs names our process":      {ours, somebody, 0o644, "it belongs to user 0"},
		"a file of everyone names their process":  {theirs, 0, 0o646, "everyone may write"},
		"a file of somebody else names a process": {theirs, somebody + 1, 0o644, "it belongs to user 41414"},
	} {
		path := filepath.Join(t.TempDir(), "pid")
		err := errors.Join(os.WriteFile(path, fmt.Appendln(nil, test.names.Process.Pid), 0o600),
			os.Chmod(path, test.mode), os.Chown(path, test.owner, -1))
		if err != nil {
			t.Fatal(err)
		}
		err = tell(t, config.Hook{PIDFile: path, Signal: "WINCH"})
		if (err == nil) != (test.says == "") || err != nil && !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAPIDFileThatNamesNoProcessIsAnError(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	write := func(text string) string {
		path := filepath.Join(dir, "pid-"+strconv.Itoa(len(text)))
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	tests := []struct{ name, path, want string }{
		{"it is not there", dir + "/none", "no such file"},
		{"it would block", fifo, "not a regular file"},
		{"it is empty", write(""), "holds no process number"},
		{"a group of processes", write("-1\n"), "holds no process number"},
		{"the caller's own group", write("0"), "holds no process number"},
		{"a word", write("webex-tokend"), "holds no process number"},
		{"the daemon", write(fmt.Sprint(os.Getpid(), "     ")), "names the daemon itself"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := tell(t, config.Hook{PIDFile: test.path, Signal: "HUP"})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}
