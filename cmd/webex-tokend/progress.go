package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// A progress is one line on a terminal, drawn anew as things go on.
type progress struct {
	w     io.Writer
	on    screen
	begin time.Time
	drawn time.Time
}

func newProgress(w io.Writer) *progress {
	return &progress{w: w, on: screenOf(w), begin: time.Now()}
}

// show draws how much of it all is done, where that is known, and a text
// behind: at most ten times a second, and nothing where nobody watches.
func (p *progress) show(done, of int64, format string, args ...any) {
	now := time.Now()
	if !p.on.terminal || now.Sub(p.drawn) < 100*time.Millisecond {
		return
	}
	p.drawn = now
	text := fmt.Sprintf(format, args...)
	if of > 0 {
		text = gauge(float64(done)/float64(of)) + "  " + text
	}
	fmt.Fprintf(p.w, "\r%s\x1b[K", cut(text, p.on.width-1))
}

// rate is how many of them a second there were so far.
func (p *progress) rate(n int) float64 {
	return float64(n) / max(time.Since(p.begin).Seconds(), 0.001)
}

// end leaves the line free.
func (p *progress) end() {
	if !p.drawn.IsZero() {
		p.drawn = time.Time{}
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}

func gauge(part float64) string {
	const cells = 30
	part = min(max(part, 0), 1)
	full := int(part * cells)
	return fmt.Sprintf("[%s%s] %3.0f%%", strings.Repeat("#", full), strings.Repeat(".", cells-full), part*100)
}

// mebibytes is a size for a line that is soon drawn anew.
func mebibytes(n int64) string { return fmt.Sprintf("%d MiB", n>>20) }
