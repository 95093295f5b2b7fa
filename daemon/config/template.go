package config

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"text/template"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// A Fill is what the template of an output can name. AccessToken alone is
// secret, so that a file holds a secret only where the operator wrote it.
type Fill struct {
	Grant       string
	AccessToken string
	TokenType   string
	ExpiresAt   Instant
	Generation  uint64
	Scope       string
	Labels      map[string]string // a label that the grant has not is an error
	Site        string            // of Meetings
	User        string
}

// An Instant prints as RFC 3339 in UTC, and as nothing when it is not known.
// Templates may also call the methods of time.Time on it.
type Instant struct{ time.Time }

func (i Instant) String() string {
	if i.IsZero() {
		return ""
	}
	return i.UTC().Format(time.RFC3339Nano)
}

// errNoTemplate is met when a file was not readable at the start.
var errNoTemplate = errors.New("template_file could not be read when the configuration was; reload once it can")

// Execute fills the template of an output of format template.
func (f File) Execute(fill Fill) ([]byte, error) {
	if f.Template == "" {
		return nil, errNoTemplate
	}
	t, err := template.New("template").Option("missingkey=error").Parse(f.Template)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := t.Execute(&out, fill); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// template reads the text of an output of format template, and tries it, so
// that a misspelt name is a fault of the configuration and not of the first
// token.
func (r *reader) template(b *fileBlock, f *File, g *Grant) {
	given := b.Template
	if given == nil {
		given = b.TemplateFile
	}
	switch {
	case f.Format != "template":
		if given != nil {
			r.fault(given.NameRange, given.Name+" without format template", `Only format = "template" uses one.`)
		}
		return
	case given == nil:
		r.fault(b.At, "Missing template", `Format "template" needs template or template_file.`)
		return
	case b.Template != nil && b.TemplateFile != nil:
		r.fault(b.TemplateFile.NameRange, "Both template and template_file", "Remove one of them.")
		return
	}
	if given == b.Template {
		f.Template = r.text(given, "")
	} else {
		f.TemplateFile = r.path(given, "")
		f.Template = r.templateFile(given, f.TemplateFile)
	}
	if f.Template == "" {
		return
	}
	_, err := f.Execute(Fill{
		Grant: "name", AccessToken: "token", TokenType: "Bearer", ExpiresAt: Instant{time.Unix(0, 0)},
		Generation: 1, Scope: "scope", Labels: g.Labels, Site: "site", User: "user",
	})
	if err == nil {
		return
	}
	line, what := misfit(err)
	if given == b.Template {
		r.fault(r.lineOf(given.Expr, line), "Bad template", what)
	} else {
		r.fault(given.Expr.Range(), "Bad template", fmt.Sprintf("Line %d of the file: %s", line, what))
	}
}

// templateFile looks at no file when the configuration is to be read alone.
func (r *reader) templateFile(a *hcl.Attribute, path string) string {
	if path == "" || r.disk == nil {
		return ""
	}
	text, err := os.ReadFile(path)
	switch {
	case err != nil:
		r.doubt(a.Expr.Range(), "Cannot read template_file", sentence(err)+" Until it can be read, the output is not written.")
	case len(text) == 0:
		r.fault(a.Expr.Range(), "template_file is empty", "Write what the output shall hold.")
	}
	r.checkClosed(a.Expr.Range(), "template", path)
	return string(text)
}

// atLine takes apart what text/template says: where, perhaps with a column and
// the action, and what.
var atLine = regexp.MustCompile(`(?s)^template: template:(\d+)(?::\d+)?: (?:executing "template" at )?(.*)$`)

func misfit(err error) (line int, what string) {
	m := atLine.FindStringSubmatch(err.Error())
	if m == nil {
		return 1, sentence(err)
	}
	line, _ = strconv.Atoi(m[1])
	what, unknown := strings.CutSuffix(m[2], " in type config.Fill")
	what = sentence(errors.New(what))
	if unknown {
		what += " Known: .Grant, .AccessToken, .TokenType, .ExpiresAt, .Generation, .Scope, .Labels, .Site, .User."
	}
	return line, what
}

// lineOf finds the place of a line of text in the source. Where the text
// stands in a heredoc, its lines are lines of the source.
func (r *reader) lineOf(e hcl.Expression, line int) hcl.Range {
	t, ok := e.(*hclsyntax.TemplateExpr)
	if !ok || len(t.Parts) == 0 {
		return e.Range()
	}
	at := hcl.RangeBetween(t.Parts[0].Range(), t.Parts[len(t.Parts)-1].Range())
	if at.Start.Line == at.End.Line {
		return e.Range()
	}
	end := at.End.Byte
	for n := range bytes.Lines(r.src[at.Start.Byte:end]) {
		next := hcl.Pos{Line: at.Start.Line + 1, Column: 1, Byte: at.Start.Byte + len(n)}
		at.End = hcl.Pos{Line: at.Start.Line, Column: len(n), Byte: next.Byte - 1}
		if line--; line < 1 || next.Byte >= end {
			break
		}
		at.Start = next
	}
	return at
}
