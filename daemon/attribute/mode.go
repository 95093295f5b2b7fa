package attribute

import (
	"regexp"
	"strconv"
	"sync"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

var octal = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^0?[0-7]{3}$`)
})

// mode accepts octal text alone. HCL knows no octal numbers: a bare 0640 would
// arrive as six hundred and forty.
func (r *Reader) Mode(a *hcl.Attribute, def uint32) uint32 {
	if a == nil {
		return def
	}
	v, ok := r.Value(a.Expr)
	switch {
	case !ok:
		return def
	case v.Type() == cty.Number:
		r.Fault(a.Expr.Range(), "mode is not in quotes", `Write the octal digits in quotes, such as mode = "0640"; a bare number would be taken as decimal.`)
		return def
	case v.Type() != cty.String || !octal().MatchString(v.AsString()):
		r.Fault(a.Expr.Range(), "Bad mode", `Write three octal digits in quotes, with or without a leading zero, such as mode = "0640".`)
		return def
	}
	bits, _ := strconv.ParseUint(v.AsString(), 8, 32)
	return uint32(bits)
}
