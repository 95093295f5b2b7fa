package configfile

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"webex-tokend/daemon/attribute"
	"webex-tokend/daemon/config"
)

func logLevels() []string { return []string{"trace", "debug", "info", "warn", "error"} }

// levels reads a level for each of some areas.
func levels(a *hcl.Attribute, r *reader) map[string]string {
	if a == nil {
		return nil
	}
	pairs, diags := hcl.ExprMap(a.Expr)
	if diags.HasErrors() {
		r.Fault(a.Expr.Range(), a.Name+" has no areas", `Write log_levels = { keeper = "debug" }.`)
		return nil
	}
	levels := make(map[string]string)
	for _, p := range pairs {
		area, ok := r.Value(p.Key)
		level, also := r.Value(p.Value)
		if !ok || !also {
			continue
		}
		if area.Type() != cty.String || level.Type() != cty.String {
			r.Fault(p.Value.Range(), a.Name+" holds something that is not text", "Write every level in quotes.")
			continue
		}
		if !r.OneOf("area in "+a.Name, attribute.Item{Text: area.AsString(), At: p.Key.Range()}, config.LogAreas()...) ||
			!r.OneOf("log level", attribute.Item{Text: level.AsString(), At: p.Value.Range()}, logLevels()...) {
			continue
		}
		if _, twice := levels[area.AsString()]; twice {
			r.Fault(p.Key.Range(), fmt.Sprintf("%q stands twice in %s", area.AsString(), a.Name), "Keep one of them.")
		}
		levels[area.AsString()] = level.AsString()
	}
	return levels
}
