package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"

	"webex-tokend/daemon/client"
	"webex-tokend/daemon/emulator"
	"webex-tokend/daemon/wire"
)

// reader is a program that reads the token of the grant ops until its standard
// input ends, from a file in format json or from the daemon:
//
//	token-reader file PATH
//	token-reader socket PATH
//
// It prints a line once it has read the first one, and exits with 1 as soon as what it reads is not a whole token, is older than
// what it read before, or comes from a file of another mode than 0640.
func reader() {
	read := readFile
	if os.Args[1] == "socket" {
		read = readSocket(client.New(client.Config{Socket: os.Args[2]}))
	}
	ended := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(ended)
	}()
	for last := uint64(0); ; {
		token, err := read(os.Args[2])
		if err == nil && (token.Generation < max(last, 1) || len(token.AccessToken) < 32) {
			err = fmt.Errorf("generation %d, %d bytes, after generation %d", token.Generation, len(token.AccessToken), last)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		if last == 0 {
			fmt.Println("reads")
		}
		last = token.Generation
		select {
		case <-ended:
			return
		case <-time.After(time.Millisecond): // sixty-four of them share two cores
		}
	}
}

func readFile(path string) (token wire.Token, err error) {
	file, err := os.Open(path)
	if err != nil {
		return token, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return token, err
	}
	if info.Mode() != 0o640 {
		return token, fmt.Errorf("mode is %v", info.Mode())
	}
	content, err := io.ReadAll(file)
	if err != nil {
		return token, err
	}
	return token, json.Unmarshal(content, &token)
}

func readSocket(daemon *client.Client) func(string) (wire.Token, error) {
	return func(string) (wire.Token, error) { return daemon.Token(context.Background(), "ops", 0) }
}

// TestReadersSeeAWholeTokenWhileItRotates lets 64 processes read while one token
// follows the other. WEBEX_TOKEND_READING is how long, 2 s if it is not set.
func TestReadersSeeAWholeTokenWhileItRotates(t *testing.T) {
	if testing.Short() {
		t.Skip("reading for a while is not short")
	}
	during, err := time.ParseDuration(cmp.Or(os.Getenv("WEBEX_TOKEND_READING"), "2s"))
	if err != nil {
		t.Fatal(err)
	}
	e := newEstate(t)
	e.declare(`
grant "ops" {
  integration = "crm"
  file {
    path   = "/run/webex-tokend/tokens/ops"
    format = "json"
    mode   = "0640"
  }
}
`)
	e.start()
	e.register("ops", emulator.REST)
	const file, socket = "/run/webex-tokend/tokens/ops", "/run/webex-tokend/api.sock"
	e.until("the file is there", func() bool { _, err := os.Stat(e.path(file)); return err == nil })
	for _, from := range [][2]string{{"file", file}, {"socket", socket}} {
		t.Run("from a "+from[0], func(t *testing.T) {
			faults := e.readBy(64, from[0], from[1], func() {
				for end := time.Now().Add(during); time.Now().Before(end); {
					e.output("webex-tokend", "refresh", "ops")
				}
			})
			if faults != "" {
				t.Error(faults)
			}
		})
	}
	t.Run("a file that is written in place is found out", func(t *testing.T) {
		content := e.read(file)
		e.write("plain", content)
		if err := os.Chmod(e.path("plain"), 0o640); err != nil {
			t.Fatal(err)
		}
		faults := e.readBy(8, "file", "plain", func() {
			for range 1000 {
				e.write("plain", "")
				time.Sleep(time.Millisecond)
				e.write("plain", content)
			}
		})
		if faults == "" {
			t.Error("the readers saw nothing")
		}
	})
}

// readBy runs change while readers read, all of them, and returns what the
// unhappy ones say.
func (e *estate) readBy(readers int, kind, path string, change func()) (faults string) {
	e.t.Helper()
	var commands []*exec.Cmd
	var inputs []io.Closer
	var outputs []*bufio.Reader
	says := make([]bytes.Buffer, readers)
	for i := range readers {
		cmd := e.command("token-reader", kind, e.path(path))
		cmd.Stderr = &says[i]
		input, err := cmd.StdinPipe()
		if err != nil {
			e.t.Fatal(err)
		}
		output, err := cmd.StdoutPipe()
		if err != nil {
			e.t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			e.t.Fatal(err)
		}
		commands, inputs, outputs = append(commands, cmd), append(inputs, input), append(outputs, bufio.NewReader(output))
	}
	for _, output := range outputs {
		_, _ = output.ReadString('\n') // one that fails at once ends without
	}
	change()
	for i, cmd := range commands {
		_ = inputs[i].Close()
		if err := cmd.Wait(); err != nil {
			faults += fmt.Sprintf("%v: %s", err, &says[i])
		}
	}
	return faults
}
