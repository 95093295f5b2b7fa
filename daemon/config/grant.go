package config

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"webex-tokend/daemon/duration"
	"webex-tokend/daemon/grantname"
)

// grants checks references against the names of the integration blocks, not
// against what became of them: a fault in one is no fault in its grants.
func (r *reader) grants(blocks []*grantBlock, integrations []*integrationBlock) []*Grant {
	known := make(map[string]bool)
	for _, i := range integrations {
		known[i.Name] = true
	}
	first := make(map[string]hcl.Range)
	var all []*Grant
	for _, b := range blocks {
		if err := grantname.ValidPattern(b.Name); err != nil {
			r.fault(b.NameAt, "Bad name of grant", sentence(err))
		}
		r.unique("grant", b.Name, b.NameAt, first)
		all = append(all, r.grant(b, known))
	}
	return all
}

func (r *reader) grant(b *grantBlock, integrations map[string]bool) *Grant {
	g := &Grant{Name: b.Name, Labels: r.labels(b.Labels)}
	if r.required(b.Integration, b.At, "integration", "Name the integration block that this consent belongs to.") {
		g.Integration = r.text(b.Integration, "")
		if g.Integration != "" && !integrations[g.Integration] {
			detail := "There is no integration block."
			if len(integrations) > 0 {
				detail = "Declared: " + strings.Join(slices.Sorted(maps.Keys(integrations)), ", ") + "."
			}
			r.fault(b.Integration.Expr.Range(), fmt.Sprintf("Unknown integration %q", g.Integration), detail)
		}
	}
	g.Seed = r.seed(b.Seed, g)
	g.Refresh = r.refresh(b.Refresh)
	for _, f := range b.File {
		g.Files = append(g.Files, r.file(f, g))
	}
	for _, h := range b.Hook {
		g.Hooks = append(g.Hooks, r.hook(h))
	}
	return g
}

func (r *reader) seed(b *seedBlock, g *Grant) *Seed {
	if b == nil {
		return nil
	}
	if g.Pattern() {
		r.fault(b.At, "A pattern cannot have a seed", "A seed registers one grant. Give that grant a block of its own.")
	}
	r.required(b.File, b.At, "file", "Name the file that holds the token response.")
	s := &Seed{
		File:   r.path(b.File, ""),
		Format: r.choice(b.Format, "auto", "auto", "response", "wxc-sdk", "wtr", "refresh-token"),
	}
	r.checkSeed(b.File, s.File)
	return s
}

func (r *reader) refresh(b *refreshBlock) Refresh {
	var rule Refresh
	if b == nil {
		return rule
	}
	rule.Calendar, rule.CalendarSpec = r.cron(b.Calendar)
	s, ok := r.str(b.At)
	if !ok {
		return rule
	}
	at := b.At.Expr.Range()
	if percent, ok := strings.CutSuffix(s, "%"); ok {
		n, err := strconv.ParseFloat(percent, 64)
		if err != nil || !(n >= 1 && n <= 95) {
			r.fault(at, "Bad share of the token's life", `Write a percentage from "1%" to "95%".`)
			return rule
		}
		rule.Fraction = n / 100
		return rule
	}
	before, err := duration.Parse(s)
	if err != nil || before < time.Second {
		r.fault(at, "Bad refresh time", `Write a share of the token's life, such as "50%", or a time before its expiry, such as "6h".`)
		return rule
	}
	rule.Before = before
	return rule
}
