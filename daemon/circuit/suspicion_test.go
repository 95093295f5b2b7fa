package circuit_test

import (
	"testing"
	"time"

	"webex-tokend/daemon/circuit"
	"webex-tokend/daemon/config"
)

func TestWhoseFaultARefusalIsDependsOnTheOtherGrants(t *testing.T) {
	in := &config.Integration{Name: "ops"}
	now := time.UnixMilli(1_800_000_000_000).UTC()
	for name, row := range map[string]struct {
		before func(c *circuit.Circuits)
		want   circuit.Blame
	}{
		"nothing is known":                        {func(*circuit.Circuits) {}, circuit.Unclear},
		"another was accepted lately":             {func(c *circuit.Circuits) { c.Accepted("ops", "g2", now.Add(-time.Minute)) }, circuit.TheGrant},
		"another was accepted long ago":           {func(c *circuit.Circuits) { c.Accepted("ops", "g2", now.Add(-time.Hour)) }, circuit.Unclear},
		"this very one was accepted lately":       {func(c *circuit.Circuits) { c.Accepted("ops", "g1", now.Add(-time.Minute)) }, circuit.Unclear},
		"another is refused, and looked into":     {func(c *circuit.Circuits) { c.Blame(in, "g2", now) }, circuit.TheClient},
		"it was found to be its own":              {func(c *circuit.Circuits) { c.Blame(in, "g1", now); c.Settled(in, "g1", true, now) }, circuit.TheGrant},
		"it was found to be its own, weeks ago":   {func(c *circuit.Circuits) { c.Settled(in, "g1", true, now.Add(-30*24*time.Hour)) }, circuit.Unclear},
		"it was found to be the client's, before": {func(c *circuit.Circuits) { c.Blame(in, "g1", now); c.Settled(in, "g1", false, now) }, circuit.Unclear},
	} {
		r := newRoom(t, nil)
		row.before(r.circuits)
		if got := r.circuits.Blame(in, "g1", now); got != row.want {
			t.Errorf("%s: %d, want %d", name, got, row.want)
		}
	}
}
