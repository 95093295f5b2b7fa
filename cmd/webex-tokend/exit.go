package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strings"

	"webex-tokend/daemon/client"
	"webex-tokend/daemon/config"
	"webex-tokend/daemon/configfile"
	"webex-tokend/daemon/duration"
	"webex-tokend/daemon/vault"
	"webex-tokend/store"
	"webex-tokend/store/etcdkv"
	"webex-tokend/store/seal"
)

// The exit codes are part of the contract with scripts. Those above 64 follow
// sysexits.h as far as it has a word for it.
const (
	exitFailed      = 1
	exitUsage       = 2 // or faults in the config
	exitNoGrant     = 3
	exitNoKey       = 66
	exitUnreachable = 69
	exitReplaced    = 70
	exitMoved       = 71
	exitLocked      = 75
	exitNewerFormat = 76
	exitDenied      = 77
	exitWrongKey    = 78
)

// An exitCode is what a code means and what is to be done about it, in the words
// of --help and of the manual.
type exitCode struct {
	code      int
	means, do string
}

func exitCodes() []exitCode {
	return []exitCode{
		{0, "done", "nothing"},
		{exitFailed, "failed", "read the message: it says what, on what, and the next step"},
		{exitUsage, "usage or config", "see --help of the command, or `validate`"},
		{exitNoGrant, "no such grant", "`status` lists the grants; a new one needs a block in the configuration"},
		{exitNoKey, "no store key", "`key init` for a new store, else put the key back, readable for the daemon"},
		{exitUnreachable, "daemon not reachable", "start it; name its socket by --socket where it has another one"},
		{exitReplaced, "store file replaced under the daemon", "look at what stands there now; `restore` takes the copy that the daemon kept in backups"},
		{exitMoved, "store was moved elsewhere", "start it where it is now; the message says how to take it back"},
		{exitLocked, "store locked by another process", "end the other daemon, or use the one that runs"},
		{exitNewerFormat, "store written by a newer version", "install that version, or a later one"},
		{exitDenied, "not allowed", "ask as root, or have an allow block name you"},
		{exitWrongKey, "wrong store key", "put the key of this store, or its recovery key, into the key file"},
	}
}

// exitSummary is the list of codes in --help.
func exitSummary() string {
	var b strings.Builder
	b.WriteString("Exit codes:")
	for _, e := range exitCodes() {
		fmt.Fprintf(&b, "\n  %-3d %s", e.code, e.means)
	}
	return b.String()
}

// A failure is an error that knows its exit code and what to try next.
type failure struct {
	code int
	err  error  // nil: everything has been said
	hint string // a next step, in lower case, and perhaps another on a line of its own; empty: none
}

func (f *failure) Error() string { return fmt.Sprint(f.err) }
func (f *failure) Unwrap() error { return f.err }

// exitWith says what went wrong in one line, what to do about it in indented ones,
// and returns the exit code.
func exitWith(stderr io.Writer, err error) int {
	if err == nil {
		return 0
	}
	f := explain(err)
	if f.err != nil {
		fmt.Fprintf(stderr, "webex-tokend: %v\n", f.err)
	}
	if f.hint != "" {
		fmt.Fprintf(stderr, "  %s\n", f.hint)
	}
	return f.code
}

// explain is the one place where errors become exit codes and advice.
func explain(err error) *failure {
	if f, ok := errors.AsType[*failure](err); ok {
		return f
	}
	if p, ok := errors.AsType[*client.Problem](err); ok {
		return explainProblem(p, err)
	}
	if faults, ok := errors.AsType[*configfile.Faults](err); ok {
		return &failure{exitUsage, fmt.Errorf("the configuration is not valid\n%s", faults), "see: webex-tokend validate"}
	}
	if missing, ok := errors.AsType[*seal.MissingKeyError](err); ok {
		if missing.Store != "" {
			return &failure{exitNoKey, err, "put it there, or the recovery key; if none was ever made: webex-tokend key init " + missing.Path}
		}
		hint := "make one: webex-tokend key init " + missing.Path
		if missing.Path == config.DefaultKeyFile {
			hint += "\n  or keep it elsewhere: seal { key_file = \"PATH\" } in the configuration"
		}
		return &failure{exitNoKey, err, hint}
	}
	if missing, ok := errors.AsType[*vault.MissingStoreError](err); ok {
		return &failure{exitFailed, err, "mount the disk that " + missing.Store + " lies on, or put a backup there: webex-tokend restore FILE\n  or begin without it: webex-tokend run --new-store"}
	}
	if file, ok := errors.AsType[*seal.KeyFileError](err); ok {
		return &failure{exitNoKey, err, explainKeyFile(file)}
	}
	if ended, ok := errors.AsType[*client.EndedError](err); ok {
		return &failure{exitFailed, err, strings.TrimSpace("whether it was done: webex-tokend status " + ended.Grant)}
	}
	if moved, ok := errors.AsType[*vault.MovedError](err); ok {
		return explainMoved(moved, err)
	}
	switch {
	case errors.Is(err, client.ErrSilent):
		return &failure{exitUnreachable, err, "restart it: systemctl restart webex-tokend"}
	case errors.Is(err, client.ErrUnreachable):
		return &failure{exitUnreachable, err, "start it: " + startCommand()}
	case unusable(err):
		return &failure{exitFailed, err, "move it away, then put a backup in its place: webex-tokend restore FILE"}
	case rootHint(err) != "":
		return &failure{exitFailed, err, rootHint(err)}
	case errors.Is(err, fs.ErrPermission):
		return &failure{exitDenied, err, "ask as root, or as a member of the socket's group"}
	case errors.Is(err, store.ErrLocked):
		return &failure{exitLocked, err, "see: systemctl status webex-tokend"}
	case errors.Is(err, store.ErrReplaced):
		return &failure{exitReplaced, err, "see: webex-tokend restore --help"}
	case errors.Is(err, etcdkv.ErrMoving):
		return &failure{exitFailed, err, "run it again: webex-tokend store migrate --to etcd"}
	case errors.Is(err, etcdkv.ErrLeft):
		return &failure{exitFailed, err, "take the store block out of the configuration on that host, and stop the others"}
	case errors.Is(err, store.ErrAway), errors.Is(err, store.ErrFull), errors.Is(err, store.ErrDenied):
		return &failure{exitFailed, err, "see what it says: webex-tokend validate"}
	case errors.Is(err, store.ErrNewerFormat):
		return &failure{exitNewerFormat, err, "install the version that wrote it, or a later one"}
	case errors.Is(err, seal.ErrWrongKey):
		return &failure{exitWrongKey, err, "put the key of this store, or its recovery key, into the key file"}
	case errors.Is(err, context.Canceled):
		return &failure{exitFailed, errors.New("interrupted"), ""}
	}
	return &failure{exitFailed, err, ""}
}

// explainMoved is how to go on with a store that went elsewhere, there or here. In
// etcd it is a matter of the configuration.
func explainMoved(m *vault.MovedError, err error) *failure {
	if strings.HasPrefix(m.To, "etcd") {
		return &failure{exitFailed, err, "name etcd by a store block, see webex-tokend.hcl(5); to go back: webex-tokend store migrate --to bbolt"}
	}
	return &failure{exitMoved, err, fmt.Sprintf("restore that file where it is to go on; only if it runs nowhere, here: mv %[1]s %[1]s.moved && webex-tokend restore %[1]s.moved", m.Path)}
}

// unusable reports whether an error says that a store file holds nothing that
// can be read or believed.
func unusable(err error) bool {
	return errors.Is(err, store.ErrDamaged) || errors.Is(err, seal.ErrUnsealed)
}

func explainKeyFile(file *seal.KeyFileError) string {
	switch {
	case errors.Is(file, fs.ErrPermission):
		return fmt.Sprintf("let the daemon's user read it: chgrp webex-tokend %[1]s && chmod 0440 %[1]s", file.Path)
	case errors.Is(file, seal.ErrNotAKey):
		return "put the key of this store, or its recovery key, into it"
	}
	return "a key is a file of root, or of the daemon's user, to which nobody else may write"
}

// startCommand starts the daemon on a host like this one.
func startCommand() string {
	if bySystemd() {
		return "systemctl start webex-tokend"
	}
	return invocation() + " run"
}

// bySystemd reports whether services of this host are systemd's.
func bySystemd() bool {
	_, err := os.Stat("/run/systemd/system")
	return err == nil
}

// rootHint is the next step after a file or folder that the caller may not use;
// empty after any other error. A socket is no such file: its mode is a matter of
// the configuration.
func rootHint(err error) string {
	if file, ok := errors.AsType[*fs.PathError](err); ok && errors.Is(file, fs.ErrPermission) {
		return "do it as root, or as a user who may"
	}
	return ""
}

func explainProblem(p *client.Problem, err error) *failure {
	f := &failure{code: exitFailed, err: err}
	switch p.Status {
	case http.StatusForbidden:
		f.code = exitDenied
		f.hint = fmt.Sprintf("an allow block of the daemon's config has to name user %d or one of its groups", os.Getuid())
	case http.StatusNotFound:
		f.code = exitNoGrant
		f.hint = "see: webex-tokend status"
	case http.StatusBadRequest:
		f.code = exitUsage
	}
	switch {
	case p.Reason == "tls_failed":
		f.hint = "fix the server's certificate, or name its authority by ca_file; then: " + p.Action
	case p.Reason == "not_found":
		f.hint = "fix token_url of the integration; then: " + p.Action
	case p.Status == http.StatusTooManyRequests:
		f.hint = "try again in " + duration.Format(p.RetryAfter)
		if p.Action != "" {
			f.hint += "; or at once: " + p.Action
		}
	case p.RetryAfter > 0 && !waitsForHuman(store.State(p.State)):
		// The action of a grant that waits would be to try again, too early.
		f.hint = "try again in " + duration.Format(p.RetryAfter)
	case p.Action != "":
		f.hint = "next: " + p.Action
		if text := caution(p.State, p.Action); text != "" {
			f.hint += "\n  " + text
		}
	}
	return f
}

// waitsForHuman names the states in which no patience helps.
func waitsForHuman(s store.State) bool {
	switch s {
	case store.Misconfigured, store.Paused, store.Reauthorize, store.Unverified:
		return true
	}
	return false
}
