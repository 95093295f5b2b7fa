// Package report shows the fleet to people: a grant, the list in the order of
// urgency, the summary, the forecast. It reads the store and changes nothing.
//
// It promises that every place shows the same verdict of a grant, that a page
// costs what it shows however large the fleet is, and that a damaged record hides
// no other.
package report

import (
	"context"
	"sync"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/meter"
	"webex-tokend/daemon/verdict"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
)

// States is what is known of grants beside their records. *state.Book is one.
type States interface {
	// Facts returns what is known of a grant beside its record.
	Facts(name, integration string) verdict.Facts
	// Unindexed lists the grants of which something is known that no index has.
	Unindexed() []string
	// FoundDamaged notes a record that does not open.
	FoundDamaged(*store.DamagedError) store.Condition
	// PendingNames lists the declared grants without a record, in order;
	// PendingCondition says why one has none.
	PendingNames() []string
	PendingFacts(cfg *config.Config, name string) verdict.Facts
	// Absent explains a grant that there is not.
	Absent(cfg *config.Config, name string) error
}

// Trust is whether the store takes answers. *state.Trust is one.
type Trust interface {
	// Held lists the grants with an answer that is in memory alone, in order.
	Held() []string
	// Error is why the store refuses to be written; empty: it does not.
	Error() string
}

// Clients are those of integrations. *circuit.Circuits knows them.
type Clients interface {
	// Refusals are the integrations whose client is refused.
	Refusals() map[string]store.Condition
}

// Endpoints are the token endpoints. *endpoint.Set knows them.
type Endpoints interface {
	// WidestSkew is that of the endpoint whose clock is furthest from ours.
	WidestSkew() time.Duration
}

// A Config says what is shown. Store, Config, States, Trust, Clients and
// Endpoints are needed.
type Config struct {
	Store *store.Store
	// Config returns the configuration in force.
	Config    func() *config.Config
	States    States
	Trust     Trust
	Clients   Clients
	Endpoints Endpoints
	// Meter says how sweeps and commits fare; nil: nobody measures.
	Meter *meter.Meter
	// Outputs reports where the token of a grant stands; nil: nowhere.
	Outputs func(name string) []wire.Output
	// Failing lists the grants of which an output failed at its last try; nil:
	// none.
	Failing func() []string
	// Consumers reports who was given the token of a grant; nil: nobody.
	Consumers func(name string) []wire.Consumer
	// Unheard reports why alerts do not arrive; nil: there are none.
	Unheard func() string
	// Refused reports why the configuration that was saved last is not in force;
	// nil: it always is.
	Refused func() string
	// StoreKey reports whether the store will open again; nil: it is not sealed.
	StoreKey func(ctx context.Context) *wire.StoreKey
	// Host fills in what is of this host alone, its pages and its disk, and what is
	// known of others that share the store; nil: nothing is.
	Host func(*wire.Status)
	// Now is the wall clock; nil means time.Now.
	Now func() time.Time
}

func (c Config) withDefaults() Config {
	if c.Meter == nil {
		c.Meter = new(meter.Meter)
	}
	if c.Outputs == nil {
		c.Outputs = func(string) []wire.Output { return nil }
	}
	if c.Failing == nil {
		c.Failing = func() []string { return nil }
	}
	if c.Consumers == nil {
		c.Consumers = func(string) []wire.Consumer { return []wire.Consumer{} }
	}
	if c.Unheard == nil {
		c.Unheard = func() string { return "" }
	}
	if c.Refused == nil {
		c.Refused = func() string { return "" }
	}
	if c.StoreKey == nil {
		c.StoreKey = func(context.Context) *wire.StoreKey { return nil }
	}
	if c.Host == nil {
		c.Host = func(*wire.Status) {}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// A Report is safe for concurrent use.
type Report struct {
	cfg Config

	mu      sync.Mutex
	aligned bool              // the indexes are those of this build
	filed   map[string]filing // where the index has damaged records
}

// New returns a report that has read nothing yet.
func New(cfg Config) *Report {
	return &Report{cfg: cfg.withDefaults(), filed: make(map[string]filing)}
}

// A View limits what a caller may see; nil shows everything.
type View func(grant string) bool

func (v View) shows(grant string) bool { return v == nil || v(grant) }

// page is how many entries or records are read at once.
const page = 1024

func (r *Report) now() time.Time { return r.cfg.Now().UTC().Truncate(time.Millisecond) }
