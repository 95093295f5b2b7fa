package main

import (
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// A screen has the width of an output and whether it shows colour.
type screen struct {
	terminal bool
	width    int // columns; 0: as many as one likes, for files and pipes
	height   int // lines; 0 as for width
	color    bool
}

// screenOf looks at what w is connected to. NO_COLOR counts when it is not
// empty, as no-color.org asks.
func screenOf(w io.Writer) screen {
	if q, ok := w.(*lineQueue); ok {
		w = q.out
	}
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return screen{}
	}
	s := screen{terminal: true, width: 80, color: os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
	if width, height, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
		s.width, s.height = width, height
	}
	return s
}

func isTerminal(r io.Reader) bool {
	f, ok := r.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// wrap breaks text between words where the screen ends, and begins what follows
// at a column. A word that is longer than a line stays whole.
func (s screen) wrap(text string, column int) string {
	if s.width == 0 {
		return text
	}
	var b strings.Builder
	at := column
	for word := range strings.FieldsSeq(text) {
		n := utf8.RuneCountInString(word)
		switch {
		case at == column:
		case at+1+n > s.width:
			b.WriteString("\n" + strings.Repeat(" ", column))
			at = column
		default:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(word)
		at += n
	}
	return b.String()
}

// A tint is a way to stress text. It never carries a meaning alone.
type tint string

const (
	plain  tint = ""
	bold   tint = "1"
	faint  tint = "2"
	red    tint = "1;31"
	green  tint = "32"
	yellow tint = "33"
)

// paint stresses text where the screen can.
func (s screen) paint(t tint, text string) string {
	if !s.color || t == plain || text == "" {
		return text
	}
	return "\x1b[" + string(t) + "m" + text + "\x1b[0m"
}
