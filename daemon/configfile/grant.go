package configfile

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"webex-tokend/daemon/attribute"
	"webex-tokend/daemon/config"
	"webex-tokend/daemon/duration"
	"webex-tokend/daemon/grantname"
)

// readGrants checks references against the names of the integration blocks, not
// against what became of them: a fault in one is no fault in its grants.
func readGrants(blocks []*grantBlock, integrations []*integrationBlock, r *reader) []*config.Grant {
	known := make(map[string]bool)
	for _, i := range integrations {
		known[i.Name] = true
	}
	first := make(map[string]hcl.Range)
	var all []*config.Grant
	for _, b := range blocks {
		if err := grantname.ValidPattern(b.Name); err != nil {
			r.Fault(b.NameAt, "Bad name of grant", attribute.Sentence(err))
		}
		unique("grant", b.Name, b.NameAt, first, r)
		all = append(all, b.read(r, known))
	}
	return all
}

func (b *grantBlock) read(r *reader, integrations map[string]bool) *config.Grant {
	g := &config.Grant{Name: b.Name, Labels: r.Texts(b.Labels, `{ team = "tenants" }`)}
	if r.Required(b.Integration, b.At, "integration", "Name the integration block that this consent belongs to.") {
		g.Integration = r.Text(b.Integration, "")
		if g.Integration != "" && !integrations[g.Integration] {
			detail := "There is no integration block."
			if len(integrations) > 0 {
				detail = "Declared: " + strings.Join(slices.Sorted(maps.Keys(integrations)), ", ") + "."
			}
			r.Fault(b.Integration.Expr.Range(), fmt.Sprintf("Unknown integration %q", g.Integration), detail)
		}
	}
	g.Seed = b.Seed.read(r, g)
	g.Refresh = b.Refresh.read(r)
	for _, f := range b.File {
		g.Files = append(g.Files, f.read(r, g))
	}
	for _, h := range b.Hook {
		g.Hooks = append(g.Hooks, h.read(r))
	}
	return g
}

func (b *seedBlock) read(r *reader, g *config.Grant) *config.Seed {
	if b == nil {
		return nil
	}
	if g.Pattern() {
		r.Fault(b.At, "A pattern cannot have a seed", "A seed registers one grant. Give that grant a block of its own.")
	}
	r.Required(b.File, b.At, "file", "Name the file that holds the token response.")
	s := &config.Seed{
		File:   r.Path(b.File, ""),
		Format: r.Choice(b.Format, "auto", "auto", "response", "wxc-sdk", "wtr", "refresh-token"),
	}
	r.disk.seed(b.File, s.File)
	return s
}

func (b *refreshBlock) read(r *reader) config.Refresh {
	var rule config.Refresh
	if b == nil {
		return rule
	}
	rule.Calendar, rule.CalendarSpec = r.cron(b.Calendar)
	s, ok := r.Str(b.At)
	if !ok {
		return rule
	}
	at := b.At.Expr.Range()
	if percent, ok := strings.CutSuffix(s, "%"); ok {
		n, err := strconv.ParseFloat(percent, 64)
		if err != nil || !(n >= 1 && n <= 95) {
			r.Fault(at, "Bad share of the token's life", `Write a percentage from "1%" to "95%".`)
			return rule
		}
		rule.Fraction = n / 100
		return rule
	}
	before, err := duration.Parse(s)
	if err != nil || before < time.Second {
		r.Fault(at, "Bad refresh time", `Write a share of the token's life, such as "50%", or a time before its expiry, such as "6h".`)
		return rule
	}
	rule.Before = before
	return rule
}
