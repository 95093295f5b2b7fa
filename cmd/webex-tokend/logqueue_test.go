package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
)

func lostLines(n uint64) string { return fmt.Sprintf("%d lost\n", n) }

// A reader of the log that stalled held whoever logged, and with that every
// refresh.
func TestAStalledReaderOfTheLogHoldsUpNobodyAndIsToldWhatItMissed(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	q := newLineQueue(w, lostLines)
	line := strings.Repeat("x", 1023) + "\n"
	const lines = 5000
	for range lines {
		if _, err := io.WriteString(q, line); err != nil {
			t.Fatal(err)
		}
	}
	dropped := q.Dropped()
	if dropped < lines/2 {
		t.Fatalf("only %d of %d lines are dropped, so that the reader did not stall", dropped, lines)
	}
	read := make(chan string)
	go func() {
		text, _ := io.ReadAll(r)
		read <- string(text)
	}()
	q.close()
	w.Close()
	text := <-read
	if n := strings.Count(text, line); n != lines-int(dropped) {
		t.Errorf("%d lines are written, %d dropped, of %d", n, dropped, lines)
	}
	// The writer may have begun before the reader stalled, and so report in parts.
	var reported uint64
	for part := range strings.SplitSeq(text, "\n") {
		if n, ok := strings.CutSuffix(part, " lost"); ok {
			lines, err := strconv.ParseUint(n, 10, 64)
			if err != nil {
				t.Errorf("%q is no report", part)
			}
			reported += lines
		}
	}
	if reported != dropped {
		t.Errorf("%d lines are reported as lost, %d were dropped", reported, dropped)
	}
}

// SIGPIPE on standard error ended the daemon.
func TestAReaderOfTheLogThatGoesAwayEndsNothing(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	q := newLineQueue(w, lostLines)
	for range 10 {
		fmt.Fprintln(q, "a line")
	}
	q.close()
	if n := q.Dropped(); n != 10 {
		t.Errorf("%d lines are counted as lost", n)
	}
}

func TestALineThatWasCutOffIsEnded(t *testing.T) {
	out := &cutting{at: 3}
	q := newLineQueue(out, lostLines)
	fmt.Fprintln(q, "first")
	fmt.Fprintln(q, "second")
	q.close()
	if got := out.text.String(); got != "fir1 lost\nsecond\n" && got != "fir\nsecond\n1 lost\n" && got != "fir\n1 lost\nsecond\n" {
		t.Errorf("it writes %q", got)
	}
}

// A cutting writer has room for a few bytes the first time, as a full disk.
type cutting struct {
	text strings.Builder
	at   int
}

func (c *cutting) Write(p []byte) (int, error) {
	if c.at > 0 {
		n := c.at
		c.at = 0
		c.text.Write(p[:n])
		return n, syscall.ENOSPC
	}
	return c.text.Write(p)
}

// Hand-outs to a program that asks often were left out as repetitions.
func TestEachHandOutIsALineHoweverManyAreAlike(t *testing.T) {
	for _, asJSON := range []bool{false, true} {
		var out strings.Builder
		log := hclog.New(&hclog.LoggerOptions{JSONFormat: asJSON, Output: &logLines{out: &out, now: fixedNow}})
		for range 100 {
			log.Info("request", "uid", 1000, "pid", 7, "action", "token", "grant", "ops", "allowed", true)
		}
		if n := strings.Count(out.String(), "ops"); n != 100 {
			t.Errorf("%d of 100 are there", n)
		}
	}
}

func fixedNow() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

// Where the log is JSON, the lines about lost and repeated lines were none.
func TestEveryLineOfAJSONLogIsJSON(t *testing.T) {
	var asJSON atomic.Bool
	asJSON.Store(true)
	var out bytes.Buffer
	out.WriteString(lossOf(&asJSON)(7))
	now := time.Now()
	lines := &logLines{out: &out, json: true, now: func() time.Time { return now }}
	log := hclog.New(&hclog.LoggerOptions{Output: lines, JSONFormat: true})
	for range repeatable + 3 {
		log.Error("disk full")
	}
	now = now.Add(2 * repeatWithin)
	log.Error("disk full")
	said := 0
	for line := range strings.Lines(out.String()) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil || fields["@message"] == nil {
			t.Errorf("%q: %v", line, err)
		}
		if fields["lines"] != nil {
			said++
		}
	}
	if said != 2 {
		t.Errorf("%d lines of %q say how many are missing", said, out.String())
	}
	asJSON.Store(false)
	if text := lossOf(&asJSON)(1); !strings.HasSuffix(text, "webex-tokend: 1 line lost: nobody read the log\n") {
		t.Errorf("for people: %q", text)
	}
}
