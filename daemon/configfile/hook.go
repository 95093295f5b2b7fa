package configfile

import (
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/grantname"
)

func (b *hookBlock) read(r *reader) config.Hook {
	h := config.Hook{Timeout: 30 * time.Second}
	switch {
	case b.Command == nil && b.PIDFile == nil:
		r.Fault(b.At, "Missing command", "Give the command to run, or the pid_file of the process to signal.")
	case b.Command != nil && b.PIDFile != nil:
		r.Fault(b.PIDFile.NameRange, "Both command and pid_file", "Write two hook blocks.")
	case b.Command != nil:
		h.Command = r.command(b.Command)
	}
	belongs(r, b.Command, "command", b.Timeout, b.Stdin)
	belongs(r, b.PIDFile, "pid_file", b.Signal)
	h.Timeout = r.Duration(b.Timeout, h.Timeout, time.Second)
	h.Stdin = r.Flag(b.Stdin, false)
	if h.PIDFile = grantname.Normal(r.Path(b.PIDFile, "")); b.PIDFile != nil {
		h.Signal = r.Choice(b.Signal, "HUP", "HUP", "INT", "QUIT", "TERM", "USR1", "USR2", "WINCH")
	}
	return h
}

// belongs refuses attributes that mean nothing without another one.
func belongs(r *reader, owner *hcl.Attribute, name string, attributes ...*hcl.Attribute) {
	for _, a := range attributes {
		if a != nil && owner == nil {
			r.Fault(a.NameRange, a.Name+" without "+name, "Only a hook with "+name+" has one.")
		}
	}
}

// command is a program and its arguments. No shell looks at them, and so the
// program is found without a search path.
func (r *reader) command(a *hcl.Attribute) []string {
	elements, diags := hcl.ExprList(a.Expr)
	if diags.HasErrors() || len(elements) == 0 {
		r.Fault(a.Expr.Range(), a.Name+" is not a list", `Write the program and each argument by itself: command = ["/usr/bin/systemctl", "reload", "crm"].`)
		return nil
	}
	sound := true
	var argv []string
	for _, e := range elements {
		v, ok := r.Value(e)
		if !ok || v.Type() != cty.String || strings.ContainsRune(v.AsString(), 0) {
			r.Fault(e.Range(), a.Name+" holds something that is not text", "Write every element in quotes.")
			sound = false
			continue
		}
		argv = append(argv, grantname.Normal(v.AsString()))
	}
	if !sound {
		return nil
	}
	if !filepath.IsAbs(argv[0]) {
		r.Fault(elements[0].Range(), "The program has no full path", "No shell looks for it. Write the path from the root, such as /usr/bin/systemctl.")
		return nil
	}
	r.disk.program(elements[0].Range(), argv[0])
	return argv
}
