package configfile

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/hcl/v2"
)

// Faults is everything that is wrong with one configuration, in the order of
// the file, together with what is only doubtful.
type Faults struct {
	list  hcl.Diagnostics // of both severities
	files map[string]*hcl.File
}

// Error returns the text of Lines. It shows no line of the file, because errors
// end in logs and the file may be no configuration at all: a token, a key.
func (f *Faults) Error() string { return strings.Join(f.Lines(), "\n") }

// Print writes, for whoever edits the file, every fault and warning with its place,
// its source line and what to do about it. Details wrap at width columns, 0 meaning
// never; color marks the severity for a terminal.
func (f *Faults) Print(w io.Writer, width uint, color bool) error {
	return hcl.NewDiagnosticTextWriter(w, f.files, width, color).WriteDiagnostics(f.list)
}

// Lines returns one line per fault, for a log.
func (f *Faults) Lines() []string { return lines(f.list, hcl.DiagError) }

// Warnings returns one line per warning beside the faults.
func (f *Faults) Warnings() []string { return lines(f.list, hcl.DiagWarning) }

func newFaults(list hcl.Diagnostics, filename string, src []byte, file *hcl.File) *Faults {
	shown := &hcl.File{Bytes: mask(src)}
	if file != nil {
		shown.Body, shown.Nav = file.Body, file.Nav
	}
	return &Faults{list: list, files: map[string]*hcl.File{filename: shown}}
}

// inOrder sorts by place and drops what two checks found alike.
func inOrder(list hcl.Diagnostics) hcl.Diagnostics {
	slices.SortStableFunc(list, func(a, b *hcl.Diagnostic) int { return place(a).Byte - place(b).Byte })
	return slices.CompactFunc(list, func(a, b *hcl.Diagnostic) bool {
		return place(a) == place(b) && a.Summary == b.Summary && a.Detail == b.Detail
	})
}

func place(d *hcl.Diagnostic) hcl.Pos {
	if d.Subject == nil {
		return hcl.Pos{}
	}
	return d.Subject.Start
}

func lines(list hcl.Diagnostics, severity hcl.DiagnosticSeverity) []string {
	var out []string
	for _, d := range list {
		if d.Severity != severity {
			continue
		}
		line := d.Summary
		if d.Detail != "" {
			line += ". " + d.Detail
		}
		if d.Subject != nil {
			line = fmt.Sprintf("%s:%d: %s", d.Subject.Filename, d.Subject.Start.Line, line)
		}
		out = append(out, line)
	}
	return out
}

// The printed source lines must show no secret that somebody wrote into the
// file although it has no place there: neither the value of a key that sounds
// like one nor the user part of a URL.
var (
	secretKey = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?i)([a-z0-9_-]*(?:secret|token|passw|passphrase|bearer|credential|verifier|api_?key)[a-z0-9_-]*)"?[ \t]*[=:][ \t]*([^\r\n]+)`)
	})
	userInfo = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`://([^/\s"@]+)@`)
	})
)

// known are keys of the grammar that secretKey finds although they hold none.
var known = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(client_secret_(file|credential|file_next)|(device_)?token_url|webhook_secret_file|credential_socket)$`)
})

// mask blanks what looks like a secret and keeps every position.
func mask(src []byte) []byte {
	out := bytes.Clone(src)
	for _, m := range secretKey().FindAllSubmatchIndex(src, -1) {
		if !known().Match(src[m[2]:m[3]]) {
			blank(out[m[4]:m[5]])
		}
	}
	for _, m := range userInfo().FindAllSubmatchIndex(src, -1) {
		blank(out[m[2]:m[3]])
	}
	return out
}

func blank(b []byte) {
	for i := range b {
		b[i] = '*'
	}
}
