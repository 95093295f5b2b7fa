package config

import (
	"fmt"
	"math/big"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"webex-tokend/daemon/duration"
)

// A reader takes values out of attributes and collects what is wrong with
// them. Its methods return the default for an attribute that is absent, null
// or faulty, so that one fault does not draw others after it.
type reader struct {
	diags hcl.Diagnostics
	src   []byte // of the configuration
	disk  *disk  // nil: look at no file
}

func (r *reader) fault(at hcl.Range, summary, detail string) {
	r.diags = append(r.diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: detail, Subject: &at})
}

func (r *reader) warn(at hcl.Range, summary, detail string) {
	r.diags = append(r.diags, &hcl.Diagnostic{Severity: hcl.DiagWarning, Summary: summary, Detail: detail, Subject: &at})
}

// required reports whether the attribute is there, and faults when it is not.
func (r *reader) required(a *hcl.Attribute, block hcl.Range, name, detail string) bool {
	if a == nil {
		r.fault(block, "Missing "+name, detail)
	}
	return a != nil
}

// value evaluates without any variable or function: a configuration holds
// constants, and a fault's text can then show no value but the source's own.
func (r *reader) value(e hcl.Expression) (cty.Value, bool) {
	v, diags := e.Value(nil)
	if diags.HasErrors() {
		r.diags = append(r.diags, diags...)
		return cty.NilVal, false
	}
	return v, !v.IsNull() && v.IsKnown()
}

// str is false for an attribute that is absent, null or faulty.
func (r *reader) str(a *hcl.Attribute) (string, bool) {
	if a == nil {
		return "", false
	}
	v, ok := r.value(a.Expr)
	if !ok {
		return "", false
	}
	if v.Type() != cty.String {
		r.fault(a.Expr.Range(), a.Name+" is not text", fmt.Sprintf("Write it in quotes: %s = \"...\".", a.Name))
		return "", false
	}
	return v.AsString(), true
}

// text is for values that must say something when they are given.
func (r *reader) text(a *hcl.Attribute, def string) string {
	s, ok := r.str(a)
	if ok && s == "" {
		r.fault(a.Expr.Range(), a.Name+" is empty", "Give a value or remove the line.")
		return def
	}
	if !ok {
		return def
	}
	return s
}

func (r *reader) choice(a *hcl.Attribute, def string, allowed ...string) string {
	s, ok := r.str(a)
	if !ok || !r.oneOf(a.Name, item{s, a.Expr.Range()}, allowed...) {
		return def
	}
	return s
}

func (r *reader) oneOf(what string, i item, allowed ...string) bool {
	if slices.Contains(allowed, i.text) {
		return true
	}
	r.fault(i.at, fmt.Sprintf("Unknown %s %q", what, i.text), "Known: "+strings.Join(allowed, ", ")+".")
	return false
}

func (r *reader) flag(a *hcl.Attribute, def bool) bool {
	if a == nil {
		return def
	}
	v, ok := r.value(a.Expr)
	if !ok {
		return def
	}
	if v.Type() != cty.Bool {
		r.fault(a.Expr.Range(), a.Name+" is neither true nor false", "Write true or false, without quotes.")
		return def
	}
	return v.True()
}

func (r *reader) count(a *hcl.Attribute, def, least, most int) int {
	if a == nil {
		return def
	}
	v, ok := r.value(a.Expr)
	if !ok {
		return def
	}
	if v.Type() == cty.Number {
		if n, exact := v.AsBigFloat().Int64(); exact == big.Exact && n >= int64(least) && n <= int64(most) {
			return int(n)
		}
	}
	r.fault(a.Expr.Range(), "Bad "+a.Name, fmt.Sprintf("Write a whole number from %d to %d, without quotes.", least, most))
	return def
}

func (r *reader) duration(a *hcl.Attribute, def, least time.Duration) time.Duration {
	s, ok := r.str(a)
	if !ok {
		return def
	}
	d, err := duration.Parse(s)
	switch {
	case err != nil:
		r.fault(a.Expr.Range(), "Bad duration", sentence(err))
	case d < least:
		r.fault(a.Expr.Range(), a.Name+" is too short", fmt.Sprintf("The least is %v.", least))
	default:
		return d
	}
	return def
}

// An item is one element of a list.
type item struct {
	text string
	at   hcl.Range
}

func (r *reader) items(a *hcl.Attribute) []item {
	if a == nil {
		return nil
	}
	elements, diags := hcl.ExprList(a.Expr)
	if diags.HasErrors() {
		r.fault(a.Expr.Range(), a.Name+" is not a list", fmt.Sprintf("Write %s = [\"...\", \"...\"].", a.Name))
		return nil
	}
	var list []item
	for _, e := range elements {
		v, ok := r.value(e)
		switch {
		case !ok:
		case v.Type() != cty.String || v.AsString() == "":
			r.fault(e.Range(), a.Name+" holds something that is not text", "Write every element in quotes.")
		case slices.ContainsFunc(list, func(i item) bool { return i.text == v.AsString() }):
			r.warn(e.Range(), fmt.Sprintf("%q stands twice in %s", v.AsString(), a.Name), "")
		default:
			list = append(list, item{v.AsString(), e.Range()})
		}
	}
	return list
}

// some is items for a list that has to be there and to hold something.
func (r *reader) some(a *hcl.Attribute, block hcl.Range, name, detail string) []item {
	if !r.required(a, block, name, detail) {
		return nil
	}
	found := len(r.diags)
	list := r.items(a)
	if len(list) == 0 && len(r.diags) == found {
		r.fault(a.Expr.Range(), name+" is empty", detail)
	}
	return list
}

func (r *reader) list(a *hcl.Attribute) []string {
	var list []string
	for _, i := range r.items(a) {
		list = append(list, i.text)
	}
	return list
}

func (r *reader) labels(a *hcl.Attribute) map[string]string {
	if a == nil {
		return nil
	}
	v, ok := r.value(a.Expr)
	if !ok {
		return nil
	}
	good := v.Type().IsObjectType()
	labels := make(map[string]string)
	if good {
		for key, value := range v.AsValueMap() {
			if value.IsNull() || value.Type() != cty.String {
				good = false
				break
			}
			labels[key] = value.AsString()
		}
	}
	if !good {
		r.fault(a.Expr.Range(), "Bad labels", `Write labels = { team = "tenants" }: every value in quotes.`)
		return nil
	}
	return labels
}

// path is absolute and comes out clean: a daemon's working folder is no place
// to reckon from.
func (r *reader) path(a *hcl.Attribute, def string) string {
	s := r.text(a, "")
	switch {
	case s == "":
		return def
	case strings.ContainsRune(s, 0):
		r.fault(a.Expr.Range(), a.Name+" holds a NUL", "No path can.")
		return def
	case !filepath.IsAbs(s):
		r.fault(a.Expr.Range(), a.Name+" is a relative path", "Write it from the root, beginning with a slash.")
		return def
	}
	return filepath.Clean(s)
}

var octal = regexp.MustCompile(`^0?[0-7]{3}$`)

// mode accepts octal text alone. HCL knows no octal numbers: a bare 0640 would
// arrive as six hundred and forty.
func (r *reader) mode(a *hcl.Attribute, def uint32) uint32 {
	if a == nil {
		return def
	}
	v, ok := r.value(a.Expr)
	switch {
	case !ok:
		return def
	case v.Type() == cty.Number:
		r.fault(a.Expr.Range(), "mode is not in quotes", `Write the octal digits in quotes, such as mode = "0640"; a bare number would be taken as decimal.`)
		return def
	case v.Type() != cty.String || !octal.MatchString(v.AsString()):
		r.fault(a.Expr.Range(), "Bad mode", `Write three octal digits in quotes, with or without a leading zero, such as mode = "0640".`)
		return def
	}
	bits, _ := strconv.ParseUint(v.AsString(), 8, 32)
	return uint32(bits)
}

// account is the name or number of a user or group.
func (r *reader) account(a *hcl.Attribute, users bool) string {
	s := r.text(a, "")
	if s != "" {
		r.checkAccount(s, a.Expr.Range(), users)
	}
	return s
}

// sentence makes one of an error, for the detail of a fault.
func sentence(err error) string {
	s := err.Error()
	return strings.ToUpper(s[:1]) + s[1:] + "."
}
