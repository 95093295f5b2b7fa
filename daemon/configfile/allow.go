package configfile

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"

	"webex-tokend/daemon/acl"
	"webex-tokend/daemon/attribute"
	"webex-tokend/daemon/config"
	"webex-tokend/daemon/grantname"
)

func readAllows(blocks []*allowBlock, r *reader) []config.Allow {
	var all []config.Allow
	for _, b := range blocks {
		all = append(all, b.read(r))
	}
	return all
}

func (b *allowBlock) read(r *reader) config.Allow {
	var a config.Allow
	found := len(r.Found)
	a.Users = r.accounts(b.Users, true)
	a.Groups = r.accounts(b.Groups, false)
	a.Units = units(b.Units, r)
	if len(a.Users)+len(a.Groups)+len(a.Units) == 0 && len(r.Found) == found {
		r.Fault(b.At, "allow names nobody", `Say who may: users = ["..."], groups = ["..."] or units = ["..."].`)
	}
	for _, i := range r.Some(b.Actions, b.At, "actions", "Say what they may do: status, token, refresh or admin.") {
		r.OneOf("action", i, "status", "token", "refresh", "admin")
		a.Actions = append(a.Actions, i.Text)
	}
	for _, i := range r.Some(b.Grants, b.At, "grants", `Say for which grants: names, patterns, or "*" for all.`) {
		if err := grantname.ValidPattern(i.Text); err != nil {
			r.Fault(i.At, "Bad name of grant", attribute.Sentence(err))
		}
		a.Grants = append(a.Grants, i.Text)
	}
	return a
}

func units(a *hcl.Attribute, r *reader) []string {
	var list []string
	for _, i := range r.Items(a) {
		if !acl.ValidUnit(i.Text) {
			r.Fault(i.At, fmt.Sprintf("%q is no unit of systemd", i.Text),
				`Write the full name, such as "crm.service"; "worker@.service" means every instance.`)
		}
		list = append(list, i.Text)
	}
	return list
}

// accounts are names or numbers of users, else of groups.
func (r *reader) accounts(a *hcl.Attribute, users bool) []string {
	var list []string
	for _, i := range r.Items(a) {
		r.disk.account(i.Text, i.At, users)
		list = append(list, i.Text)
	}
	return list
}
