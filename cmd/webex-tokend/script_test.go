package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"webex-tokend/store/seal"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"webex-tokend": main, "token-reader": reader})
}

// nowhere is a proxy that is not there, so that no daemon of a test reaches Webex
// itself. Loopback needs no proxy.
const nowhere = "http://127.0.0.1:1"

// TestScripts runs the program as its users do, the daemon against an emulated
// Webex on loopback. Each script tells one story. Beside the usual commands of
// a script there are:
//
//	exits CODE PROGRAM ARG...    runs it and compares its exit code
//	awaits SOCKET                waits until somebody answers there
//	until PATTERN PROGRAM ARG... runs it again and again until it prints a match
//	expand FROM TO               copies a file with its $VARIABLES replaced
//	[!] json PATH VALUE          compares a value of the JSON printed last
//	get VARIABLE PATH            takes a value of the JSON printed last
//	instant VARIABLE FROM LATER  reckons with RFC 3339 times; FROM may be now
//	[!] same A B                 compares two words
//	signal NAME WORD             to the background process with that argument
//	builds FILE FOLDER           compiles another program of the source
//	webex WORD ARG...            starts an emulated Webex, tells it what to do
//
// $ADDRESS is a free one on loopback, with a port. In PATH a dot goes into an
// object, a number into a list: grants.0.state. The condition [root] holds for
// root, [etcd] where there is an etcd server, for which $ETCD and $ETCDPEER are free. $EXAMPLE is the example configuration, $GROUP the number of a group that
// files can be given.
func TestScripts(t *testing.T) {
	if os.Geteuid() == 0 {
		openProgram(t)
	}
	example, err := filepath.Abs("../../config.example.hcl")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("WEBEX_TOKEND_SOCKET", filepath.Join(e.WorkDir, "run", "api.sock"))
			e.Setenv("TZ", "UTC")
			e.Setenv("HTTPS_PROXY", nowhere)
			// Every script has a store key, where systemd would pass it.
			e.Setenv("CREDENTIALS_DIRECTORY", filepath.Join(e.WorkDir, ".credentials"))
			if err := storeKey(e.Getenv("CREDENTIALS_DIRECTORY")); err != nil {
				return err
			}
			e.Setenv("EXAMPLE", example)
			address, err := freeAddress()
			if err != nil {
				return err
			}
			e.Setenv("ADDRESS", address)
			for _, name := range []string{"ETCD", "ETCDPEER"} {
				if address, err = freeAddress(); err != nil {
					return err
				}
				e.Setenv(name, address)
			}
			e.Setenv("GROUP", strconv.Itoa(os.Getegid()))
			// A program under the race detector rests for a second at its end.
			e.Setenv("GORACE", "atexit_sleep_ms=0")
			e.Values[emulated{}] = new(emulated)
			// Other users have to reach the socket and the token files.
			return errors.Join(os.Chmod(filepath.Dir(e.WorkDir), 0o711), os.Chmod(e.WorkDir, 0o711))
		},
		Condition: func(condition string) (bool, error) {
			if condition == "etcd" {
				_, err := exec.LookPath("etcd")
				return err == nil || os.Getenv("CI") != "", nil
			}
			if condition != "root" {
				return false, fmt.Errorf("unknown condition %q", condition)
			}
			return os.Geteuid() == 0, nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":   exits,
			"awaits":  awaits,
			"builds":  builds,
			"until":   printsAtLast,
			"expand":  expand,
			"json":    printed,
			"get":     get,
			"instant": instant,
			"same":    same,
			"signal":  signalTo,
			"webex":   webex,
		},
	})
}

// openProgram lets other users run the copy of the test that is webex-tokend in
// scripts; testscript.Main put its folder first in PATH.
func openProgram(t *testing.T) {
	folder := filepath.SplitList(os.Getenv("PATH"))[0]
	for _, path := range []string{filepath.Dir(folder), folder, filepath.Join(folder, "webex-tokend")} {
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

func storeKey(folder string) error {
	if err := os.Mkdir(folder, 0o755); err != nil {
		return err
	}
	return seal.WriteKey(filepath.Join(folder, seal.CredentialName), seal.NewKey())
}

// freeAddress is one on loopback that nobody listened on a moment ago. The host
// in it is that of this process alone, so that no other one comes in between.
func freeAddress() (string, error) {
	pid := os.Getpid()
	listener, err := net.Listen("tcp", fmt.Sprintf("127.%d.%d.%d:0", 1+pid>>15&0x7f, pid>>7&0xff, 1+pid&0x7f))
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// patience bounds every wait of a script, far above what anything takes.
const patience = 60 * time.Second

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARG...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	code := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if code != want {
		ts.Fatalf("exit code %d, not %d", code, want)
	}
}

func awaits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: awaits SOCKET")
	}
	socket := ts.MkAbs(args[0])
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		conn, err := net.Dial("unix", socket)
		if err == nil {
			ts.Check(conn.Close())
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("nobody answers on %s: %v", socket, err)
		}
	}
}

// builds takes the caches of whoever runs the test.
func builds(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: builds FILE FOLDER")
	}
	out, err := exec.Command("go", "build", "-o", ts.MkAbs(args[0]), args[1]).CombinedOutput()
	if err != nil {
		ts.Fatalf("%s%v", out, err)
	}
}

func expand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: expand FROM TO")
	}
	text := os.Expand(ts.ReadFile(args[0]), ts.Getenv)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o600))
}
