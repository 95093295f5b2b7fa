package config

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"webex-tokend/daemon/grantname"
)

var variableForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func (r *reader) file(b *fileBlock, g *Grant) File {
	f := File{Format: "raw", Variable: "WEBEX_ACCESS_TOKEN"}
	if r.required(b.Path, b.At, "path", "Name the file that receives the token.") {
		f.Path = r.outputPath(b.Path, g)
	}
	f.Format = r.choice(b.Format, f.Format, "raw", "json", "env", "header", "wxc-sdk", "xml", "template")
	r.template(b, &f, g)
	f.Meta = r.flag(b.Meta, false)
	f.Variable = r.text(b.Variable, f.Variable)
	switch {
	case b.Variable == nil:
	case f.Format != "env":
		r.fault(b.Variable.Range, "variable without format env", `Only format = "env" writes a variable.`)
	case !variableForm.MatchString(f.Variable):
		r.fault(b.Variable.Expr.Range(), "Bad variable", "It takes letters, digits and underscores, and begins with no digit.")
	}
	f.Owner = r.account(b.Owner, true)
	f.Group = r.account(b.Group, false)
	f.Mode = 0o600
	if f.Group != "" {
		f.Mode = 0o640
	}
	f.Mode = r.mode(b.Mode, f.Mode)
	switch {
	case f.Mode&0o002 != 0:
		r.fault(b.Mode.Expr.Range(), "Everyone could change the token", "Take the last digit's write permission away.")
	case f.Mode&0o004 != 0:
		r.warn(b.Mode.Expr.Range(), "every local user can read the token", "A group and mode 0640 would narrow it.")
	}
	return f
}

// side returns the file beside f that tells of the token without holding it.
func (f File) side() File {
	return File{Path: f.Path + ".meta.json", Format: "meta", Mode: f.Mode, Owner: f.Owner, Group: f.Group}
}

func (r *reader) outputPath(a *hcl.Attribute, g *Grant) string {
	p := r.path(a, "")
	if p == "" {
		return ""
	}
	p = grantname.Normal(p)
	rest := strings.ReplaceAll(p, grantname.Variable, "")
	at := a.Expr.Range()
	switch {
	case strings.Contains(rest, "{{") || strings.Contains(rest, "}}"):
		r.fault(at, "Unknown part in braces", "A path knows {{ .Grant }} and no other.")
		return ""
	case g.Pattern() && rest == p:
		r.fault(at, fmt.Sprintf("Every grant of %q would write this file", g.Name), "A pattern's path needs {{ .Grant }} in it.")
		return ""
	}
	return p
}

// xmlFiles checks what an output of format xml says beside the token: a site and
// a user. Answers name them for Meetings, and may for kind generic.
func (r *reader) xmlFiles(blocks []*grantBlock, c *Config) {
	for n, g := range c.Grants {
		in := c.Integrations[g.Integration]
		if in == nil || in.Kind == Meetings || in.Kind == Generic {
			continue
		}
		for m, f := range g.Files {
			if f.Format != "xml" {
				continue
			}
			at := blocks[n].File[m].Format.Expr.Range()
			if in.Site == "" {
				r.doubt(at, "Format xml without a site", fmt.Sprintf("No answer of kind %s names one. Set it in integration %q, such as site = \"acme\" for acme.webex.com.", in.Kind, in.Name))
			} else {
				r.warn(at, fmt.Sprintf("no answer of kind %s names a user, without whom this file is not written", in.Kind), "What is imported would have to hold user_name.")
			}
		}
	}
}
