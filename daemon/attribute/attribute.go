// Package attribute reads the attributes of HCL blocks and collects every fault
// it meets, each with its place in the source.
package attribute

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"webex-tokend/daemon/duration"
)

// A Reader takes values out of attributes and collects what is wrong with
// them. Its methods return the default for an attribute that is absent, null
// or faulty, so that one fault does not draw others after it.
type Reader struct {
	Found hcl.Diagnostics // so far
	// Lenient makes warnings of what Doubt reports: for a start, which has to
	// go on with what it has.
	Lenient bool
}

func (r *Reader) Fault(at hcl.Range, summary, detail string) {
	r.Found = append(r.Found, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: detail, Subject: &at})
}

func (r *Reader) Warn(at hcl.Range, summary, detail string) {
	r.Found = append(r.Found, &hcl.Diagnostic{Severity: hcl.DiagWarning, Summary: summary, Detail: detail, Subject: &at})
}

// Doubt is a fault for those who may refuse and a warning for a start, which
// must not fail over what harms nobody or one grant alone.
func (r *Reader) Doubt(at hcl.Range, summary, detail string) {
	if !r.Lenient {
		r.Fault(at, summary, detail)
	} else {
		r.Warn(at, summary, detail)
	}
}

// required reports whether the attribute is there, and faults when it is not.
func (r *Reader) Required(a *hcl.Attribute, block hcl.Range, name, detail string) bool {
	if a == nil {
		r.Fault(block, "Missing "+name, detail)
	}
	return a != nil
}

// value evaluates without any variable or function: a configuration holds
// constants, and a fault's text can then show no value but the source's own.
func (r *Reader) Value(e hcl.Expression) (cty.Value, bool) {
	v, diags := e.Value(nil)
	if diags.HasErrors() {
		r.Found = append(r.Found, diags...)
		return cty.NilVal, false
	}
	return v, !v.IsNull() && v.IsKnown()
}

// str is false for an attribute that is absent, null or faulty.
func (r *Reader) Str(a *hcl.Attribute) (string, bool) {
	if a == nil {
		return "", false
	}
	v, ok := r.Value(a.Expr)
	if !ok {
		return "", false
	}
	if v.Type() != cty.String {
		r.Fault(a.Expr.Range(), a.Name+" is not text", fmt.Sprintf("Write it in quotes: %s = \"...\".", a.Name))
		return "", false
	}
	return v.AsString(), true
}

// text is for values that must say something when they are given.
func (r *Reader) Text(a *hcl.Attribute, def string) string {
	s, ok := r.Str(a)
	if ok && s == "" {
		r.Fault(a.Expr.Range(), a.Name+" is empty", "Give a value or remove the line.")
		return def
	}
	if !ok {
		return def
	}
	return s
}

func (r *Reader) Choice(a *hcl.Attribute, def string, allowed ...string) string {
	s, ok := r.Str(a)
	if !ok || !r.OneOf(a.Name, Item{s, a.Expr.Range()}, allowed...) {
		return def
	}
	return s
}

func (r *Reader) OneOf(what string, i Item, allowed ...string) bool {
	if slices.Contains(allowed, i.Text) {
		return true
	}
	r.Fault(i.At, fmt.Sprintf("Unknown %s %q", what, i.Text), "Known: "+strings.Join(allowed, ", ")+".")
	return false
}

func (r *Reader) Flag(a *hcl.Attribute, def bool) bool {
	if a == nil {
		return def
	}
	v, ok := r.Value(a.Expr)
	if !ok {
		return def
	}
	if v.Type() != cty.Bool {
		r.Fault(a.Expr.Range(), a.Name+" is neither true nor false", "Write true or false, without quotes.")
		return def
	}
	return v.True()
}

func (r *Reader) Count(a *hcl.Attribute, def, least, most int) int {
	if a == nil {
		return def
	}
	v, ok := r.Value(a.Expr)
	if !ok {
		return def
	}
	if v.Type() == cty.Number {
		if n, exact := v.AsBigFloat().Int64(); exact == big.Exact && n >= int64(least) && n <= int64(most) {
			return int(n)
		}
	}
	r.Fault(a.Expr.Range(), "Bad "+a.Name, fmt.Sprintf("Write a whole number from %d to %d, without quotes.", least, most))
	return def
}

func (r *Reader) Duration(a *hcl.Attribute, def, least time.Duration) time.Duration {
	s, ok := r.Str(a)
	if !ok {
		return def
	}
	d, err := duration.Parse(s)
	switch {
	case err != nil:
		r.Fault(a.Expr.Range(), "Bad duration", Sentence(err))
	case d < least:
		r.Fault(a.Expr.Range(), a.Name+" is too short", fmt.Sprintf("The least is %v.", least))
	default:
		return d
	}
	return def
}

// Sentence makes one of an error, for the detail of a fault.
func Sentence(err error) string {
	s := err.Error()
	return strings.ToUpper(s[:1]) + s[1:] + "."
}
