package main

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
)

func TestEqualLinesAreCountedAndNotWrittenForEver(t *testing.T) {
	for _, asJSON := range []bool{false, true} {
		var out bytes.Buffer
		now := time.Now()
		lines := &logLines{out: &out, now: func() time.Time { return now }}
		log := hclog.New(&hclog.LoggerOptions{Name: "webex-tokend", Output: lines, JSONFormat: asJSON})
		for range 100 {
			log.Error("disk full", "grant", "ops")
			now = now.Add(time.Millisecond)
		}
		log.Error("disk full", "grant", "crm")
		if n := strings.Count(out.String(), "disk full"); n != repeatable+1 {
			t.Errorf("%d lines are there:\n%s", n, out.String())
		}
		out.Reset()
		now = now.Add(repeatWithin)
		log.Error("disk full", "grant", "ops")
		if text := out.String(); !strings.Contains(text, "95 lines left out") || strings.Count(text, "disk full") != 1 {
			t.Errorf("a minute later it says\n%s", text)
		}
	}
}

func TestAStormOfDifferentLinesTakesNoMemory(t *testing.T) {
	lines := &logLines{out: io.Discard, now: time.Now}
	log := hclog.New(&hclog.LoggerOptions{Output: lines})
	for i := range 3 * remembered {
		log.Info("refreshed", "grant", i)
	}
	if len(lines.counts) != remembered || lines.left != 0 {
		t.Errorf("%d lines are remembered, %d left out", len(lines.counts), lines.left)
	}
}

func TestJournaldIsToldThePriority(t *testing.T) {
	var out bytes.Buffer
	log := hclog.New(&hclog.LoggerOptions{Name: "webex-tokend", Level: hclog.Trace, DisableTime: true,
		Output: &logLines{out: &out, journal: true, now: time.Now}})
	log.Error("a")
	log.Warn("b")
	log.Info("c")
	log.Debug("d")
	want := "<3>[ERROR] webex-tokend: a\n<4>[WARN]  webex-tokend: b\n<6>[INFO]  webex-tokend: c\n<7>[DEBUG] webex-tokend: d\n"
	if out.String() != want {
		t.Errorf("it writes\n%s", out.String())
	}
}
