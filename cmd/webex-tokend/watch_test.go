package main

import (
	"strings"
	"testing"
)

// A glass shows what a terminal of that size would that does not wrap.
type glass struct {
	rows   [][]rune
	width  int
	line   int
	column int
}

func newGlass(width, height int) *glass {
	g := &glass{width: width}
	for range height {
		g.rows = append(g.rows, []rune(strings.Repeat(" ", width)))
	}
	return g
}

func (g *glass) write(text string) {
	for text != "" {
		switch {
		case strings.HasPrefix(text, "\x1b[H"):
			g.line, g.column, text = 0, 0, text[3:]
		case strings.HasPrefix(text, "\x1b[K"):
			g.clear(g.line, g.column)
			text = text[3:]
		case strings.HasPrefix(text, "\x1b[J"):
			for line := g.line; line < len(g.rows); line++ {
				g.clear(line, g.column)
			}
			text = text[3:]
		case text[0] == '\n':
			g.line, g.column, text = g.line+1, 0, text[1:]
			if g.line == len(g.rows) { // it scrolls
				g.rows, g.line = append(g.rows[1:], []rune(strings.Repeat(" ", g.width))), g.line-1
			}
		default:
			g.rows[g.line][g.column] = rune(text[0])
			g.column, text = min(g.column+1, g.width-1), text[1:]
		}
	}
}

func (g *glass) clear(line, column int) {
	for ; column < g.width; column++ {
		g.rows[line][column] = ' '
	}
}

func (g *glass) String() string {
	var lines []string
	for _, row := range g.rows {
		lines = append(lines, strings.TrimRight(string(row), " "))
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}

func TestAPictureTakesThePlaceOfTheOneBeforeToItsLastCharacter(t *testing.T) {
	const width, height = 10, 6
	g := newGlass(width, height)
	for _, picture := range []string{
		"a long one\nand beyond\n",
		"short\n\nwith a gap\n",
		"1234567890\n1234567890\n1234567890\n1234567890\n1234567890\n",
		"",
		"back\n",
	} {
		g.write(string(frame([]byte(picture), height)))
		if want := strings.TrimRight(picture, "\n"); g.String() != want {
			t.Errorf("the screen shows\n%s\nand not\n%s", g, want)
		}
	}
	// More than fits is cut at the end, and nothing scrolls.
	g.write(string(frame([]byte(strings.Repeat("line\n", 9)), height)))
	if got := g.String(); strings.Count(got, "line") != height-1 {
		t.Errorf("of nine lines it shows\n%s", got)
	}
}
