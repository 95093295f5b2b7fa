package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"testing"
	"time"

	"webex-tokend/daemon/client"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
	"webex-tokend/store/seal"
)

func TestErrorsHaveTheirExitCodeAndNextStep(t *testing.T) {
	problem := func(status int, action string, retry time.Duration) error {
		return &client.Problem{Problem: wire.Problem{Status: status, Detail: "why", Action: action}, RetryAfter: retry}
	}
	tests := []struct {
		name string
		err  error
		code int
		text string
	}{
		{"success is silent", nil, 0, ""},
		{"anything is a failure", errors.New("why"), 1, "webex-tokend: why\n"},
		{"the daemon's no is a failure", problem(502, "", 0), 1, "webex-tokend: why\n"},
		{"a grant that is not there", problem(404, "", 0), 3, "webex-tokend: why\n  see: webex-tokend status\n"},
		{"a bad name", problem(400, "", 0), 2, "webex-tokend: why\n"},
		{"the daemon's advice is passed on", problem(409, "webex-tokend resume ops", 0), 1, "webex-tokend: why\n  next: webex-tokend resume ops\n"},
		{"patience is asked for", problem(503, "", 90*time.Second), 1, "webex-tokend: why\n  try again in 1m30s\n"},
		{"a daemon that is away", fmt.Errorf("%w on x", client.ErrUnreachable), 69,
			"webex-tokend: daemon is not reachable on x\n  start it: " + startCommand() + "\n"},
		{"a socket that keeps the user out", fs.ErrPermission, 77,
			"webex-tokend: permission denied\n  ask as root, or as a member of the socket's group\n"},
		{"a file that keeps the user out", &fs.PathError{Op: "open", Path: "/b.db", Err: fs.ErrPermission}, 1,
			"webex-tokend: open /b.db: permission denied\n  do it as root, or as a user who may\n"},
		{"no key where it would be by default", &seal.MissingKeyError{Path: "/etc/webex-tokend/store.key"}, 66,
			"webex-tokend: there is no store key in /etc/webex-tokend/store.key\n  make one: webex-tokend key init /etc/webex-tokend/store.key\n  or keep it elsewhere: seal { key_file = \"PATH\" } in the configuration\n"},
		{"a key that the daemon may not read", &seal.KeyFileError{Path: "/k", Err: &fs.PathError{Op: "open", Path: "/k", Err: fs.ErrPermission}}, 66,
			"webex-tokend: read store key: open /k: permission denied\n  let the daemon's user read it: chgrp webex-tokend /k && chmod 0440 /k\n"},
		{"a key file without a key", &seal.KeyFileError{Path: "/k", Err: fmt.Errorf("what /k holds %w", seal.ErrNotAKey)}, 66,
			"webex-tokend: read store key: what /k holds is not a store key, or not a whole one\n  put the key of this store, or its recovery key, into it\n"},
		{"a key that others could have written", &seal.KeyFileError{Path: "/k", Err: errors.New("others may")}, 66,
			"webex-tokend: read store key: others may\n  a key is a file of root, or of the daemon's user, to which nobody else may write\n"},
		{"a damaged store", fmt.Errorf("open store file /s: %w", store.ErrDamaged), 1,
			"webex-tokend: open store file /s: store file is damaged\n  move it away, then put a backup in its place: webex-tokend restore FILE\n"},
		{"a store in use", fmt.Errorf("open store: %w", store.ErrLocked), 75,
			"webex-tokend: open store: store is in use by another process\n  see: systemctl status webex-tokend\n"},
		{"a store that was replaced under the daemon", fmt.Errorf("keep grants: %w", store.ErrReplaced), 70,
			"webex-tokend: keep grants: store file was replaced while it was open\n  see: webex-tokend restore --help\n"},
		{"a store of the future", fmt.Errorf("open store: %w", store.ErrNewerFormat), 76,
			"webex-tokend: open store: written in a newer format\n  install the version that wrote it, or a later one\n"},
		{"Ctrl-C", fmt.Errorf("ask: %w", context.Canceled), 1, "webex-tokend: interrupted\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var stderr bytes.Buffer
			if code := exitWith(&stderr, test.err); code != test.code || stderr.String() != test.text {
				t.Errorf("exit code %d and %q", code, stderr.String())
			}
		})
	}
	for _, test := range []struct {
		name, state, reason, hint string
	}{
		{"patience does not fix a client", "misconfigured", "client_secret_unreadable", "next: webex-tokend refresh ops"},
		{"nor does it resume a grant", "paused", "paused by the operator", "next: webex-tokend refresh ops"},
		{"nor a certificate", "retrying", "tls_failed", "fix the server's certificate, or name its authority by ca_file; then: webex-tokend refresh ops"},
		{"nor an address", "retrying", "not_found", "fix token_url of the integration; then: webex-tokend refresh ops"},
		{"it does fix a network", "retrying", "dns_failed", "try again in 1m"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := &client.Problem{Problem: wire.Problem{Status: 503, State: test.state, Reason: test.reason, Action: "webex-tokend refresh ops"}, RetryAfter: time.Minute}
			if f := explain(p); f.hint != test.hint {
				t.Errorf("hint %q", f.hint)
			}
		})
	}
	if f := explain(problem(403, "", 0)); f.code != 77 {
		t.Errorf("a denial exits %d", f.code)
	}
}

func TestWhoeverTriedTheUsualSocketIsToldThatThereMayBeAnother(t *testing.T) {
	away := fmt.Errorf("%w on x", client.ErrUnreachable)
	for socket, want := range map[string]string{
		client.DefaultSocket: "start it: " + startCommand() + "\n  or name another socket: --socket PATH",
		"/srv/api.sock":      "start it: " + startCommand(),
	} {
		if f := explain((&console{socket: socket}).elsewhere(away)); f.code != 69 || f.hint != want {
			t.Errorf("%s: exit code %d and hint %q", socket, f.code, f.hint)
		}
	}
	if err := (&console{socket: client.DefaultSocket}).elsewhere(nil); err != nil {
		t.Errorf("got %v of no error", err)
	}
}
