package attribute

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// An Item is one element of a list.
type Item struct {
	Text string
	At   hcl.Range
}

func (r *Reader) Items(a *hcl.Attribute) []Item {
	if a == nil {
		return nil
	}
	elements, diags := hcl.ExprList(a.Expr)
	if diags.HasErrors() {
		r.Fault(a.Expr.Range(), a.Name+" is not a list", fmt.Sprintf("Write %s = [\"...\", \"...\"].", a.Name))
		return nil
	}
	var list []Item
	for _, e := range elements {
		v, ok := r.Value(e)
		switch {
		case !ok:
		case v.Type() != cty.String || v.AsString() == "":
			r.Fault(e.Range(), a.Name+" holds something that is not text", "Write every element in quotes.")
		case slices.ContainsFunc(list, func(i Item) bool { return i.Text == v.AsString() }):
			r.Warn(e.Range(), fmt.Sprintf("%q stands twice in %s", v.AsString(), a.Name), "")
		default:
			list = append(list, Item{v.AsString(), e.Range()})
		}
	}
	return list
}

// some is items for a list that has to be there and to hold something.
func (r *Reader) Some(a *hcl.Attribute, block hcl.Range, name, detail string) []Item {
	if !r.Required(a, block, name, detail) {
		return nil
	}
	found := len(r.Found)
	list := r.Items(a)
	if len(list) == 0 && len(r.Found) == found {
		r.Fault(a.Expr.Range(), name+" is empty", detail)
	}
	return list
}

func (r *Reader) List(a *hcl.Attribute) []string {
	var list []string
	for _, i := range r.Items(a) {
		list = append(list, i.Text)
	}
	return list
}

// Texts reads an object of texts; example is one, as a fault shows it.
func (r *Reader) Texts(a *hcl.Attribute, example string) map[string]string {
	if a == nil {
		return nil
	}
	v, ok := r.Value(a.Expr)
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
		r.Fault(a.Expr.Range(), "Bad "+a.Name, "Write "+a.Name+" = "+example+": every value in quotes.")
		return nil
	}
	return labels
}
