package main

import "testing"

func TestTextIsTypesetAsItWasMarked(t *testing.T) {
	const text = "# NAME\n\nx - y\n\n= `--once`, WORD \nwhat it does\n\n| a | b |\n| 1 | `2` |\n\nrun it:\n  .x 'a-b'\n'tis \\ said"
	const want = `'\" t
.nr HY 0
.TH X 8
.ad l
.SH NAME
x - y
.TP
\fB\-\-once\fR, WORD
what it does
.TS
lb lbx
lb lx.
T{
a
T}	T{
b
T}
T{
1
T}	T{
\fB2\fR
T}
.TE
.PP
run it:
.RS 4
.PP
.EX
\&.x \(aqa\-b\(aq
.EE
.RE
.PP
\&'tis \e said
`
	if got := typeset("X 8", text); got != want {
		t.Errorf("typeset as\n%s", got)
	}
}
