package config

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"

	"webex-tokend/daemon/acl"
	"webex-tokend/daemon/grantname"
)

func (r *reader) allows(blocks []*allowBlock) []Allow {
	var all []Allow
	for _, b := range blocks {
		all = append(all, r.allow(b))
	}
	return all
}

func (r *reader) allow(b *allowBlock) Allow {
	var a Allow
	found := len(r.diags)
	a.Users = r.accounts(b.Users, true)
	a.Groups = r.accounts(b.Groups, false)
	a.Units = r.units(b.Units)
	if len(a.Users)+len(a.Groups)+len(a.Units) == 0 && len(r.diags) == found {
		r.fault(b.At, "allow names nobody", `Say who may: users = ["..."], groups = ["..."] or units = ["..."].`)
	}
	for _, i := range r.some(b.Actions, b.At, "actions", "Say what they may do: status, token, refresh or admin.") {
		r.oneOf("action", i, "status", "token", "refresh", "admin")
		a.Actions = append(a.Actions, i.text)
	}
	for _, i := range r.some(b.Grants, b.At, "grants", `Say for which grants: names, patterns, or "*" for all.`) {
		if err := grantname.ValidPattern(i.text); err != nil {
			r.fault(i.at, "Bad name of grant", sentence(err))
		}
		a.Grants = append(a.Grants, i.text)
	}
	return a
}

func (r *reader) units(a *hcl.Attribute) []string {
	var list []string
	for _, i := range r.items(a) {
		if !acl.ValidUnit(i.text) {
			r.fault(i.at, fmt.Sprintf("%q is no unit of systemd", i.text),
				`Write the full name, such as "crm.service"; "worker@.service" means every instance.`)
		}
		list = append(list, i.text)
	}
	return list
}

// accounts are names or numbers of users, else of groups.
func (r *reader) accounts(a *hcl.Attribute, users bool) []string {
	var list []string
	for _, i := range r.items(a) {
		r.checkAccount(i.text, i.at, users)
		list = append(list, i.text)
	}
	return list
}
