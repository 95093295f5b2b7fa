package main

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// printsAtLast runs a program until what it prints matches.
func printsAtLast(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: until PATTERN PROGRAM ARG...")
	}
	wanted, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	pause := 20 * time.Millisecond
	for end := time.Now().Add(patience); ; time.Sleep(pause) {
		err := ts.Exec(args[1], args[2:]...)
		if wanted.MatchString(ts.ReadFile("stdout")) {
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("never printed %q (%v)", args[0], err)
		}
		pause = min(pause*3/2, time.Second/2)
	}
}

// signalTo sends a signal to a process that the script started with &.
func signalTo(ts *testscript.TestScript, neg bool, args []string) {
	signals := map[string]os.Signal{"HUP": syscall.SIGHUP, "TERM": syscall.SIGTERM, "KILL": syscall.SIGKILL,
		"INT": syscall.SIGINT, "USR1": syscall.SIGUSR1}
	if neg || len(args) != 2 || signals[args[0]] == nil {
		ts.Fatalf("usage: signal HUP|INT|USR1|TERM|KILL WORD")
	}
	for _, process := range slices.Backward(ts.BackgroundCmds()) {
		if slices.Contains(process.Args, args[1]) {
			ts.Check(process.Process.Signal(signals[args[0]]))
			return
		}
	}
	ts.Fatalf("no process in the background has %q among its arguments", args[1])
}

func printed(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: [!] json PATH VALUE")
	}
	if got := lookUp(ts, args[0]); (got == args[1]) == neg {
		ts.Fatalf("%s is %s", args[0], got)
	}
}

func get(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: get VARIABLE PATH")
	}
	ts.Setenv(args[0], lookUp(ts, args[1]))
}

// lookUp returns text as it is and anything else as JSON.
func lookUp(ts *testscript.TestScript, path string) string {
	var value any
	decoder := json.NewDecoder(strings.NewReader(ts.ReadFile("stdout")))
	decoder.UseNumber()
	ts.Check(decoder.Decode(&value))
	for key := range strings.SplitSeq(path, ".") {
		found := false
		switch v := value.(type) {
		case map[string]any:
			value, found = v[key]
		case []any:
			if i, err := strconv.Atoi(key); err == nil && 0 <= i && i < len(v) {
				value, found = v[i], true
			}
		}
		if !found {
			ts.Fatalf("there is no %s", path)
		}
	}
	if text, ok := value.(string); ok {
		return text
	}
	text, err := json.Marshal(value)
	ts.Check(err)
	return string(text)
}

func instant(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: instant VARIABLE FROM LATER")
	}
	from := time.Now().UTC().Truncate(time.Second)
	if args[1] != "now" {
		var err error
		from, err = time.Parse(time.RFC3339, args[1])
		ts.Check(err)
	}
	later, err := time.ParseDuration(args[2])
	ts.Check(err)
	at := from.Add(later)
	ts.Setenv(args[0], at.Format(time.RFC3339Nano))
	ts.Setenv(args[0]+"_UNIX", strconv.FormatInt(at.Unix(), 10))
}

func same(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: [!] same A B")
	}
	if (args[0] == args[1]) == neg {
		ts.Fatalf("%s and %s", args[0], args[1])
	}
}
