package configfile

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"webex-tokend/daemon/acl"
	"webex-tokend/daemon/attribute"
	"webex-tokend/daemon/config"
	"webex-tokend/daemon/grantname"
)

func readAllows(blocks []*allowBlock, pages *config.HTTP, r *reader) []config.Allow {
	var all []config.Allow
	for _, b := range blocks {
		all = append(all, b.read(r))
		for _, a := range []*hcl.Attribute{b.WebUsers, b.ClientNames} {
			if a != nil && (pages == nil || pages.WebConfigFile == "") {
				r.Fault(a.Expr.Range(), a.Name+" names users of no file", `The web_config_file of the http block says who they are; users = ["..."] are those of the host.`)
			}
		}
	}
	return all
}

func (b *allowBlock) read(r *reader) config.Allow {
	var a config.Allow
	found := len(r.Found)
	a.Users = r.accounts(b.Users, true)
	a.Groups = r.accounts(b.Groups, false)
	a.Units = units(b.Units, r)
	a.WebUsers = visitors(b.WebUsers, "web user", r)
	a.ClientNames = visitors(b.ClientNames, "client name", r)
	if len(a.Users)+len(a.Groups)+len(a.Units)+len(a.WebUsers)+len(a.ClientNames) == 0 && len(r.Found) == found {
		r.Fault(b.At, "allow names nobody", `Say who may: users = ["..."], groups = ["..."], units = ["..."], web_users = ["..."] or client_names = ["..."].`)
	}
	for _, i := range r.Some(b.Actions, b.At, "actions", "Say what they may do: metrics, status, token, refresh or admin.") {
		r.OneOf("action", i, "metrics", "status", "token", "refresh", "admin")
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

// visitors are names of users of web_config_file, or in client certificates.
func visitors(a *hcl.Attribute, what string, r *reader) []string {
	var list []string
	for _, i := range r.Items(a) {
		if i.Text == "" || strings.TrimSpace(i.Text) != i.Text || i.Text == "*" {
			r.Fault(i.At, fmt.Sprintf("%q is no %s", i.Text, what), "Write the name as web_config_file or the certificate has it; there is no pattern for all of them.")
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
