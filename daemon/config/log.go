package config

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// LogAreas are the parts of the daemon whose log can have a level of its own:
// what stands behind "webex-tokend." in their lines.
func LogAreas() []string {
	return []string{"alert", "api", "consent", "credential", "cron", "inbox", "keeper", "metrics", "publish", "seed", "store", "watch", "web"}
}

func logLevels() []string { return []string{"trace", "debug", "info", "warn", "error"} }

// levels reads a level for each of some areas.
func (r *reader) levels(a *hcl.Attribute) map[string]string {
	if a == nil {
		return nil
	}
	pairs, diags := hcl.ExprMap(a.Expr)
	if diags.HasErrors() {
		r.fault(a.Expr.Range(), a.Name+" has no areas", `Write log_levels = { keeper = "debug" }.`)
		return nil
	}
	levels := make(map[string]string)
	for _, p := range pairs {
		area, ok := r.value(p.Key)
		level, also := r.value(p.Value)
		if !ok || !also {
			continue
		}
		if area.Type() != cty.String || level.Type() != cty.String {
			r.fault(p.Value.Range(), a.Name+" holds something that is not text", "Write every level in quotes.")
			continue
		}
		if !r.oneOf("area in "+a.Name, item{area.AsString(), p.Key.Range()}, LogAreas()...) ||
			!r.oneOf("log level", item{level.AsString(), p.Value.Range()}, logLevels()...) {
			continue
		}
		if _, twice := levels[area.AsString()]; twice {
			r.fault(p.Key.Range(), fmt.Sprintf("%q stands twice in %s", area.AsString(), a.Name), "Keep one of them.")
		}
		levels[area.AsString()] = level.AsString()
	}
	return levels
}
