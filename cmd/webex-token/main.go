// Command webex-token is webex-tokend's commands token and exec for scripts that
// call them often: it starts in a fraction of the time, since little is linked
// into it. Whatever is not the plain case it leaves to webex-tokend, which takes
// the same arguments, so that all texts and exit codes are the same.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// program is who does the rest.
const program = "webex-tokend"

func main() {
	// The first process of a container has more to do than this one knows.
	if os.Getpid() != 1 {
		if q, ok := parse(os.Args[1:]); ok && serve(q) {
			return
		}
	}
	os.Exit(handOver(os.Args[1:]))
}

// serve reports whether that was all. What goes wrong before is not told:
// webex-tokend will meet it too, and knows what helps.
func serve(q query) bool {
	var command string
	if q.command != nil {
		var err error
		if command, err = exec.LookPath(q.command[0]); err != nil {
			return false // before there is a line in the log of a token that nobody got
		}
	}
	socket, ok := q.address()
	if !ok {
		return false
	}
	body, ok := ask(socket, q)
	if !ok {
		return false
	}
	if command != "" {
		replace(command, q, body) // returns only if that failed
		return false
	}
	text, ok := format(q.format, body)
	if !ok {
		return false
	}
	_, err := os.Stdout.Write(text)
	return err == nil
}

// format makes of an answer what is printed.
func format(as string, body []byte) (text []byte, ok bool) {
	switch as {
	case "json":
		return body, true
	case "header":
		return fmt.Appendf(nil, "Authorization: Bearer %s\n", body), true
	case "env":
		for _, c := range body {
			if !plainInEnv(c) {
				return nil, false // it needs quotes, or there is no way to write it
			}
		}
		return fmt.Appendf(nil, "%s=%s\n", tokenVariable, body), true
	}
	return append(body, '\n'), true
}

// plainInEnv knows the characters of RFC 6750's b64token, which stand for
// themselves wherever such a line is read.
func plainInEnv(c byte) bool {
	switch c {
	case '-', '.', '_', '~', '+', '/', '=':
		return true
	}
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// handOver lets webex-tokend take the place of this process: the one beside it,
// else the one that the shell would find.
func handOver(args []string) int {
	path := beside()
	if path == "" {
		var err error
		if path, err = exec.LookPath(program); err != nil {
			fmt.Fprintf(os.Stderr, "webex-token: this takes %s, which is neither beside this program nor in PATH\n", program)
			return failed(args)
		}
	}
	err := syscall.Exec(path, append([]string{path}, args...), os.Environ())
	fmt.Fprintf(os.Stderr, "webex-token: run %s: %v\n", path, err)
	return failed(args)
}

// failed is the exit code of token, or that of exec, which must not mix with
// those of the program that it runs.
func failed(args []string) int {
	for _, a := range args {
		if a == "exec" {
			return 125
		}
	}
	return 1
}

// beside is the path of webex-tokend in the folder of this program, empty if it
// is not there.
func beside() string {
	self, err := os.Executable()
	if err != nil { // without /proc
		return ""
	}
	path := filepath.Join(filepath.Dir(self), program)
	if info, err := os.Stat(path); err != nil || info.IsDir() || info.Mode()&0o111 == 0 {
		return ""
	}
	return path
}
