package configfile

import (
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/hashicorp/hcl/v2"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/grantname"
)

var variableForm = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
})

func (b *fileBlock) read(r *reader, g *config.Grant) config.File {
	f := config.File{Format: "raw", Variable: "WEBEX_ACCESS_TOKEN"}
	if r.Required(b.Path, b.At, "path", "Name the file that receives the token.") {
		f.Path = outputPath(b.Path, r, g)
	}
	f.Format = r.Choice(b.Format, f.Format, "raw", "json", "env", "header", "wxc-sdk", "xml", "template")
	b.template(r, &f, g)
	f.Meta = r.Flag(b.Meta, false)
	f.Variable = r.Text(b.Variable, f.Variable)
	switch {
	case b.Variable == nil:
	case f.Format != "env":
		r.Fault(b.Variable.Range, "variable without format env", `Only format = "env" writes a variable.`)
	case !variableForm().MatchString(f.Variable):
		r.Fault(b.Variable.Expr.Range(), "Bad variable", "It takes letters, digits and underscores, and begins with no digit.")
	}
	f.Owner = r.account(b.Owner, true)
	f.Group = r.account(b.Group, false)
	f.Mode = 0o600
	if f.Group != "" {
		f.Mode = 0o640
	}
	f.Mode = r.Mode(b.Mode, f.Mode)
	switch {
	case f.Mode&0o002 != 0:
		r.Fault(b.Mode.Expr.Range(), "Everyone could change the token", "Take the last digit's write permission away.")
	case f.Mode&0o004 != 0:
		r.Warn(b.Mode.Expr.Range(), "every local user can read the token", "A group and mode 0640 would narrow it.")
	}
	return f
}

func outputPath(a *hcl.Attribute, r *reader, g *config.Grant) string {
	p := r.Path(a, "")
	if p == "" {
		return ""
	}
	p = grantname.Normal(p)
	rest := strings.ReplaceAll(p, grantname.Variable, "")
	at := a.Expr.Range()
	switch {
	case strings.Contains(rest, "{{") || strings.Contains(rest, "}}"):
		r.Fault(at, "Unknown part in braces", "A path knows {{ .Grant }} and no other.")
		return ""
	case g.Pattern() && rest == p:
		r.Fault(at, fmt.Sprintf("Every grant of %q would write this file", g.Name), "A pattern's path needs {{ .Grant }} in it.")
		return ""
	}
	return p
}

// checkXML checks what an output of format xml says beside the token: a site and
// a user. Answers name them for Meetings, and may for kind generic.
func checkXML(blocks []*grantBlock, c *config.Config, r *reader) {
	for n, g := range c.Grants {
		in := c.Integrations[g.Integration]
		if in == nil || in.Kind == "" || in.Kind == config.Meetings || in.Kind == config.Generic {
			continue
		}
		for m, f := range g.Files {
			if f.Format != "xml" {
				continue
			}
			at := blocks[n].File[m].Format.Expr.Range()
			if in.Site == "" {
				r.Doubt(at, "Format xml without a site", fmt.Sprintf("No answer of kind %s names one. Set it in integration %q, such as site = \"acme\" for acme.webex.com.", in.Kind, in.Name))
			} else {
				r.Warn(at, fmt.Sprintf("no answer of kind %s names a user, without whom this file is not written", in.Kind), "What is imported would have to hold user_name.")
			}
		}
	}
}
