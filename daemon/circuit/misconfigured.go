package circuit

import (
	"maps"
	"reflect"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/provider"
)

// Refused opens the circuit after the client was refused for a grant, and leaves
// that to the next start.
func (c *Circuits) Refused(in *config.Integration, grant string, f *provider.Failure, now time.Time) {
	if c.trip(in, grant, f, now) {
		c.persist(in)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refusals[in.Name] == nil {
		c.refusals[in.Name] = make(map[string]bool)
	}
	c.refusals[in.Name][grant] = true
}

// trip opens a circuit and reports whether this is the first refusal of these
// secrets.
func (c *Circuits) trip(in *config.Integration, grant string, f *provider.Failure, now time.Time) (first bool) {
	secrets := digest(in)
	c.mu.Lock()
	defer c.mu.Unlock()
	is := c.open[in.Name]
	first = is == nil || is.secrets != secrets
	if is == nil {
		is = &circuit{since: now, reason: f.Code}
		c.open[in.Name] = is
		c.log.Error("client rejected", "integration", in.Name, "grant", grant, "code", f.Code, "description", f.Description, "tracking_id", f.TrackingID)
	}
	is.secrets = secrets
	is.probeAt = now.Add(max(ProbePause, f.RetryAfter))
	return first
}

// Accepted closes the circuit after the client was accepted for a grant.
func (c *Circuits) Accepted(integration, grant string, now time.Time) {
	c.mu.Lock()
	c.vouch(integration, grant, now)
	_, open := c.open[integration]
	_, stored := c.stored[integration]
	delete(c.open, integration)
	delete(c.stored, integration)
	delete(c.refusals[integration], grant)
	c.mu.Unlock()
	if open {
		c.log.Info("client accepted again", "integration", integration)
	}
	if stored {
		c.swap(integration, nil)
	}
}

// Reconfigure closes the circuits of integrations that changed: that may be what
// the client was refused for. One that is as it was stays refused: without
// proof, nothing is to look fixed. It opens those whose secrets cannot be read,
// so that this shows now and not when the first grant falls due.
func (c *Circuits) Reconfigure(before, cfg *config.Config, now time.Time) {
	changed := func(name string) bool {
		return !reflect.DeepEqual(before.Integrations[name], cfg.Integrations[name])
	}
	c.mu.Lock()
	maps.DeleteFunc(c.open, func(name string, _ *circuit) bool { return changed(name) })
	maps.DeleteFunc(c.refusals, func(name string, _ map[string]bool) bool { return changed(name) })
	maps.DeleteFunc(c.suspicions, func(name string, _ *suspicion) bool { return changed(name) })
	c.mu.Unlock()
	for _, in := range cfg.Integrations {
		if f := provider.Unreadable(in); f != nil {
			c.trip(in, "", f, now)
		}
	}
}
