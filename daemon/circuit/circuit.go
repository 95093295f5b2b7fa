// Package circuit knows of each integration whether its OAuth client is refused
// or accepted: since when, with which secrets, and for which grants. All grants of
// a client that is refused show as misconfigured, and one request now and then
// tries it.
package circuit

import (
	"context"
	"crypto/sha256"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

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

// Rest forgets what was found out, but not what is stored of it.
func (c *Circuits) Rest() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.open)
	clear(c.refusals)
	clear(c.suspicions)
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
