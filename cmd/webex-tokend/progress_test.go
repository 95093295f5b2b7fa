package main

import (
	"bytes"
	"testing"
	"time"
)

func TestProgressIsOneLineThatFitsAndIsLeftFree(t *testing.T) {
	for _, c := range []struct {
		name     string
		on       screen
		done, of int64
		drawn    string
	}{
		{"nobody watches", screen{}, 1, 2, ""},
		{"half is done", screen{terminal: true, width: 80}, 1, 2, "\r[###############...............]  50%  1 line\x1b[K\r\x1b[K"},
		{"more came than was expected", screen{terminal: true, width: 80}, 3, 2, "\r[##############################] 100%  1 line\x1b[K\r\x1b[K"},
		{"the end is not known", screen{terminal: true, width: 80}, 1, 0, "\r1 line\x1b[K\r\x1b[K"},
		{"the screen is narrow", screen{terminal: true, width: 20}, 1, 2, "\r[###############...\x1b[K\r\x1b[K"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			bar := progress{w: &out, on: c.on, begin: time.Now()}
			bar.show(c.done, c.of, "%s", plural(1, "line"))
			bar.end()
			bar.end()
			if out.String() != c.drawn {
				t.Errorf("drawn is %q", out.String())
			}
		})
	}
}
