package configfile

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"webex-tokend/daemon/attribute"
	"webex-tokend/daemon/config"
)

// template reads the text of an output of format template, and tries it, so
// that a misspelt name is a fault of the configuration and not of the first
// token.
func (b *fileBlock) template(r *reader, f *config.File, g *config.Grant) {
	given := b.Template
	if given == nil {
		given = b.TemplateFile
	}
	switch {
	case f.Format != "template":
		if given != nil {
			r.Fault(given.NameRange, given.Name+" without format template", `Only format = "template" uses one.`)
		}
		return
	case given == nil:
		r.Fault(b.At, "Missing template", `Format "template" needs template or template_file.`)
		return
	case b.Template != nil && b.TemplateFile != nil:
		r.Fault(b.TemplateFile.NameRange, "Both template and template_file", "Remove one of them.")
		return
	}
	if given == b.Template {
		f.Template = r.Text(given, "")
	} else {
		f.TemplateFile = r.Path(given, "")
		f.Template = templateFile(given, r, f.TemplateFile)
	}
	if f.Template == "" {
		return
	}
	_, err := f.Execute(config.Fill{
		Grant: "name", AccessToken: "token", TokenType: "Bearer", ExpiresAt: config.Instant{Time: time.Unix(0, 0)},
		Generation: 1, Scope: "scope", Labels: g.Labels, Site: "site", User: "user",
	})
	if err == nil {
		if reader, function := interpreted(f.Path, f.Template); reader != "" {
			if value := bareValue(f.Template); value != "" {
				r.Warn(given.Expr.Range(), "the template writes "+value+" bare, for "+reader+" to read", "A server chose its characters. Write {{ "+value+" | "+function+" }}.")
			}
		}
		return
	}
	line, what := misfit(err)
	if given == b.Template {
		r.Fault(r.lineOf(given.Expr, line), "Bad template", what)
	} else {
		r.Fault(given.Expr.Range(), "Bad template", fmt.Sprintf("Line %d of the file: %s", line, what))
	}
}

// templateFile looks at no file when the configuration is to be read alone.
func templateFile(a *hcl.Attribute, r *reader, path string) string {
	if path == "" || r.disk == nil {
		return ""
	}
	text, err := r.disk.read(path)
	switch {
	case err != nil:
		r.disk.doubt(a.Expr.Range(), "Cannot read template_file", err, "Until it can be read, the output is not written.")
	case len(text) == 0:
		r.Fault(a.Expr.Range(), "template_file is empty", "Write what the output shall hold.")
	}
	r.disk.closed(a.Expr.Range(), "template", path)
	return string(text)
}

// atLine takes apart what text/template says: where, perhaps with a column and
// the action, and what.
var atLine = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?s)^template: template:(\d+)(?::\d+)?: (?:executing "template" at )?(.*)$`)
})

func misfit(err error) (line int, what string) {
	m := atLine().FindStringSubmatch(err.Error())
	if m == nil {
		return 1, attribute.Sentence(err)
	}
	line, _ = strconv.Atoi(m[1])
	what, unknown := strings.CutSuffix(m[2], " in type config.Fill")
	what = attribute.Sentence(errors.New(what))
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
