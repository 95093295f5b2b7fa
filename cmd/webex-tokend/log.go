package main

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"io"
	"os"
	"regexp"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"webex-tokend/daemon/config"
)

// newLog writes lines for people, or for journald, which adds its own time and
// reads the priority from the start of the line.
func newLog(c *console, cfg *config.Config) (hclog.Logger, *verbosity) {
	journal := cfg.Log.Format == "text" && os.Getenv("JOURNAL_STREAM") != ""
	asJSON := cfg.Log.Format == "json"
	c.logsJSON.Store(asJSON)
	v := newVerbosity(hclog.LoggerOptions{
		Name:        "webex-tokend",
		Output:      &logLines{out: c.err, journal: journal, json: asJSON, now: time.Now},
		JSONFormat:  asJSON,
		DisableTime: journal,
	})
	v.configure(cfg)
	return v.log, v
}

const (
	// repeatable is how often equal lines are written within repeatWithin.
	repeatable   = 5
	repeatWithin = time.Minute
	// remembered is how many different lines of a minute are counted. In a storm
	// of refreshes there are more, each of which says something new.
	remembered = 4096
)

// A logLines writer leaves out lines that were written again and again, and
// says how many they were when the minute is over and something is written.
type logLines struct {
	out     io.Writer
	journal bool
	json    bool
	now     func() time.Time

	mu     sync.Mutex
	since  time.Time
	seed   maphash.Seed
	counts map[uint64]int // by hash of the line, without its time
	left   int            // out
}

// Write stands in for LevelWrite where no level is known.
func (l *logLines) Write(line []byte) (int, error) { return l.LevelWrite(hclog.Info, line) }

// LevelWrite writes one line of the logger.
func (l *logLines) LevelWrite(level hclog.Level, line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := l.now(); l.counts == nil || now.Sub(l.since) >= repeatWithin {
		if l.left > 0 {
			l.tellLeft()
		}
		l.since, l.seed, l.counts, l.left = now, maphash.MakeSeed(), make(map[uint64]int), 0
	}
	if audited(line) {
		return l.write(level, line)
	}
	key := maphash.Bytes(l.seed, withoutTime(line))
	if n, known := l.counts[key]; known || len(l.counts) < remembered {
		l.counts[key] = n + 1
		if n >= repeatable {
			l.left++
			return len(line), nil
		}
	}
	return l.write(level, line)
}

// tellLeft says how many lines were left out, as a line like the others.
func (l *logLines) tellLeft() {
	text := fmt.Sprintf("%s left out of the log, each was there %d times in a minute", plural(l.left, "line"), repeatable)
	if l.json {
		hclog.New(&hclog.LoggerOptions{Name: "webex-tokend", Output: l.out, JSONFormat: true}).Warn(text, "lines", l.left)
		return
	}
	fmt.Fprintf(l.out, "%swebex-tokend: %s\n", l.priority(hclog.Warn), text)
}

func (l *logLines) write(level hclog.Level, line []byte) (int, error) {
	if _, err := fmt.Fprintf(l.out, "%s%s", l.priority(level), line); err != nil {
		return 0, err
	}
	return len(line), nil
}

// audited recognises the lines of the api and of credentials that say who was
// given or refused what: each counts, however many are alike.
func audited(line []byte) bool {
	return bytes.Contains(line, []byte(" allowed=")) || bytes.Contains(line, []byte(`"allowed":`))
}

// priority is how sd-daemon(3) marks a line's level.
func (l *logLines) priority(level hclog.Level) string {
	if !l.journal {
		return ""
	}
	switch level {
	case hclog.Error:
		return "<3>"
	case hclog.Warn:
		return "<4>"
	case hclog.Debug, hclog.Trace:
		return "<7>"
	}
	return "<6>"
}

var jsonTime = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`"@timestamp":"[^"]*"`)
})

// withoutTime is what makes lines of different moments equal.
func withoutTime(line []byte) []byte {
	if bytes.HasPrefix(line, []byte("{")) {
		return jsonTime().ReplaceAll(line, nil)
	}
	if _, rest, found := bytes.Cut(line, []byte("[")); found {
		return rest
	}
	return line
}
