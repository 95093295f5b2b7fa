package main

import (
	"cmp"
	"fmt"
	"strings"

	"rsc.io/qr"

	"webex-tokend/daemon/wire"
)

// showDevice tells where to enter which code, on a terminal with a QR code for
// the camera of a phone above it, if both fit: address and code must not scroll
// away.
func (c *console) showDevice(a wire.Authorization) {
	on := screenOf(c.err)
	const below = 4 // lines of text under the code, the cursor's among them
	drawn := drawQR(cmp.Or(a.URLComplete, a.URL))
	if on.terminal && drawn != "" && strings.Count(drawn, "\n")+below <= on.height {
		fmt.Fprint(c.err, drawn)
	}
	fmt.Fprintf(c.err, "Scan, or open:       %s\nand enter the code:  %s\n", a.URL, a.UserCode)
	fmt.Fprintf(c.err, "Waiting until %s; Ctrl-C ends it.\n", a.ExpiresAt.Local().Format("15:04:05"))
}

// quiet is the white border that readers of QR codes want, in modules; the
// standard has 4, and 2 are enough beside the dark of a terminal.
const quiet = 2

// drawQR draws two rows of modules in each line of text, dark on light
// whatever the colours of the terminal are. What no code can hold gives "".
func drawQR(text string) string {
	code, err := qr.Encode(text, qr.L)
	if err != nil {
		return ""
	}
	dark := func(x, y int) bool { return x >= 0 && y >= 0 && x < code.Size && y < code.Size && code.Black(x, y) }
	var b strings.Builder
	for y := -quiet; y < code.Size+quiet; y += 2 {
		b.WriteString("  \x1b[30;107m")
		for x := -quiet; x < code.Size+quiet; x++ {
			switch upper, lower := dark(x, y), dark(x, y+1); {
			case upper && lower:
				b.WriteString("█")
			case upper:
				b.WriteString("▀")
			case lower:
				b.WriteString("▄")
			default:
				b.WriteString(" ")
			}
		}
		b.WriteString("\x1b[0m\n")
	}
	return b.String()
}
