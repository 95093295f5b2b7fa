package main

import (
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
)

const (
	// queuedBytes bounds the lines that wait for a reader who does not read:
	// some thousand.
	queuedBytes = 1 << 20
	// lineCost is what a line takes beside its text, about.
	lineCost = 64
	// flushWithin is how long the end of the process waits for the reader.
	flushWithin = 2 * time.Second
)

// A lineQueue takes whole lines without ever waiting for who reads them, and
// writes them in a goroutine of its own. Lines that find it full, or that
// cannot be written, are dropped and counted; as soon as something can be
// written again, one line says how many.
type lineQueue struct {
	out   io.Writer
	lost  func(n uint64) string // the line that reports lost ones
	wake  chan struct{}         // holds one note that there is something to write
	ended chan struct{}         // closed when all is written after close

	mu      sync.Mutex
	lines   [][]byte
	bytes   int
	dropped uint64
	closed  bool
}

func newLineQueue(out io.Writer, lost func(n uint64) string) *lineQueue {
	q := &lineQueue{out: out, lost: lost, wake: make(chan struct{}, 1), ended: make(chan struct{})}
	go q.run()
	return q
}

// Write never fails and never waits.
func (q *lineQueue) Write(line []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if cost := len(line) + lineCost; q.bytes+cost > queuedBytes {
		q.dropped++
	} else {
		q.bytes += cost
		q.lines = append(q.lines, append([]byte(nil), line...))
	}
	q.note()
	return len(line), nil
}

func (q *lineQueue) note() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// Dropped returns how many lines nobody will see.
func (q *lineQueue) Dropped() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.dropped
}

// close writes what waits, as far as the reader takes it within a moment.
func (q *lineQueue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.note()
	late := time.NewTimer(flushWithin)
	defer late.Stop()
	select {
	case <-q.ended:
	case <-late.C:
	}
}

func (q *lineQueue) run() {
	defer close(q.ended)
	reported, broken := uint64(0), false
	for range q.wake {
		for {
			line, dropped, closed := q.next()
			if dropped > reported {
				text := q.lost(dropped - reported)
				if broken {
					text = "\n" + text
				}
				if _, err := io.WriteString(q.out, text); err == nil {
					reported, broken = dropped, false
				}
			}
			if line == nil {
				if closed {
					return
				}
				break
			}
			if broken {
				// What was cut off is ended first: a line stands by itself.
				line = append([]byte("\n"), line...)
			}
			if n, err := q.out.Write(line); err != nil {
				q.drop()
				broken = n > 0 && n < len(line)
			} else {
				broken = false
			}
		}
	}
}

// next takes the oldest line; nil: there is none.
func (q *lineQueue) next() (line []byte, dropped uint64, closed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.lines) > 0 {
		line = q.lines[0]
		q.lines[0], q.lines = nil, q.lines[1:]
		q.bytes -= len(line) + lineCost
	}
	return line, q.dropped, q.closed
}

func (q *lineQueue) drop() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.dropped++
}

// lossOf returns what says in the log how many lines were lost. asJSON is asked
// when there is something to say, and whether it is to be a line of JSON.
func lossOf(asJSON *atomic.Bool) func(n uint64) string {
	priority := ""
	if os.Getenv("JOURNAL_STREAM") != "" {
		priority = "<4>"
	}
	return func(n uint64) string {
		text := plural(int(n), "line") + " lost: nobody read the log"
		if !asJSON.Load() {
			return priority + "webex-tokend: " + text + "\n"
		}
		var line strings.Builder
		hclog.New(&hclog.LoggerOptions{Name: "webex-tokend", Output: &line, JSONFormat: true}).Warn(text, "lines", n)
		return line.String()
	}
}

// lastingOutput makes a command independent of whoever reads what it writes: it
// survives a reader that goes away, and does not wait for one that stalls.
func (c *console) lastingOutput() {
	// A handler, instead of ignoring the signal: programs that the daemon starts
	// would inherit that.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	lost := lossOf(&c.logsJSON)
	errors, out := newLineQueue(c.err, lost), newLineQueue(c.out, lost)
	c.err, c.out, c.dropped = errors, out, errors.Dropped
	c.flush = func() {
		out.close()
		errors.close()
	}
}
