// Package circuit knows of each integration whether its OAuth client is refused
// or accepted: since when, with which secrets, and for which grants. All grants of
// a client that is refused show as misconfigured, and one request now and then
// tries it.
package circuit

import (
	"context"
	"crypto/sha256"
	"maps"
	"reflect"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/provider"
	"webex-tokend/store"
)

// ProbePause is how long an integration waits before its client is tried again
// without any change of its secret.
const ProbePause = 15 * time.Minute

// Notes are where a refusal outlasts a restart. *store.Store is one.
type Notes interface {
	Blob(ctx context.Context, key string) (store.Blob, error)
	SwapBlob(ctx context.Context, key string, expect store.Revision, value []byte) (store.Revision, error)
	Fingerprint(secret store.Secret) store.Fingerprint
}

// A Config says what Circuits work with. Notes is needed.
type Config struct {
	Notes Notes
	// Log gets one line per event; nil means none.
	Log hclog.Logger
}

// Circuits are those of all integrations. They are safe for concurrent use.
type Circuits struct {
	notes Notes
	log   hclog.Logger

	mu sync.Mutex
	// open are the integrations whose client is refused.
	open map[string]*circuit
	// refusals are, by integration, the grants for which its client was refused
	// when it was tried for them last.
	refusals map[string]map[string]bool
	// stored are the integrations of which the store has a refusal.
	stored map[string]struct{}
	// suspicions are, by integration, what speaks for its client.
	suspicions map[string]*suspicion
}

// A circuit is that of a client which is refused.
type circuit struct {
	since   time.Time
	reason  string
	probeAt time.Time
	secrets [sha256.Size]byte // what the client proved itself with
}

// New returns circuits that are all closed.
func New(cfg Config) *Circuits {
	if cfg.Log == nil {
		cfg.Log = hclog.NewNullLogger()
	}
	return &Circuits{
		notes:      cfg.Notes,
		log:        cfg.Log,
		open:       make(map[string]*circuit),
		refusals:   make(map[string]map[string]bool),
		stored:     make(map[string]struct{}),
		suspicions: make(map[string]*suspicion),
	}
}

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

// Refusal returns the condition that a refused client puts its grants in.
func (c *Circuits) Refusal(integration string) (is store.Condition, refused bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	open := c.open[integration]
	if open == nil {
		return store.Condition{}, false
	}
	return open.condition(), true
}

// Refusals returns the conditions of all clients that are refused, by integration.
func (c *Circuits) Refusals() map[string]store.Condition {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make(map[string]store.Condition, len(c.open))
	for name, open := range c.open {
		all[name] = open.condition()
	}
	return all
}

func (c *circuit) condition() store.Condition {
	return store.Condition{State: store.Misconfigured, Reason: c.reason, Since: c.since}
}

// SetBack keeps pauses as long as they are when the clock by which they began
// was set back.
func (c *Circuits) SetBack(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, open := range c.open {
		open.probeAt = open.probeAt.Add(-by)
	}
}
