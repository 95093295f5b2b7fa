// Package keeper is the core of the daemon: everything that acts on a grant
// goes through it, everything that reacts to one subscribes to its events.
package keeper

import (
	"context"
	"time"

	"github.com/hashicorp/go-hclog"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/provider"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
)

type Config struct {
	Store    *store.Store
	Config   *config.Config
	Provider *provider.Client
	// Outputs reports where the token of a grant stands; nil: nowhere.
	Outputs func(name string) []wire.Output
	// Now is the wall clock; nil means time.Now.
	Now func() time.Time
	Log hclog.Logger
}

type Keeper struct{}

func New(cfg Config) *Keeper { panic("stub") }

// A View limits what a caller may see; nil shows everything.
type View func(grant string) bool

// A Query asks for a page of grants.
type Query struct {
	View   View
	States []store.State // empty: all
	After  string        // cursor of the page before
	Limit  int           // 0 means 100, at most 1,000
	ByName bool          // else by urgency
}

// Current is the access token in force.
type Current struct {
	Grant string
	store.Token
	Generation uint64
}

// A Registration is a token response or imported file on its way in.
type Registration struct {
	provider.Answer
	// IssuedAt is when the tokens were issued; zero: not known, then lives
	// count from now and are assumed.
	IssuedAt time.Time
}

func (k *Keeper) Status(ctx context.Context, view View) (wire.Status, error) { panic("stub") }
func (k *Keeper) Grants(ctx context.Context, q Query) (wire.Grants, error)   { panic("stub") }
func (k *Keeper) Grant(ctx context.Context, name string) (wire.Grant, error) { panic("stub") }
func (k *Keeper) Current(ctx context.Context, name string) (Current, error)  { panic("stub") } // as stored, even expired; never refreshes; for publish
func (k *Keeper) Token(ctx context.Context, name string, minValid time.Duration) (Current, error) {
	panic("stub")
}
func (k *Keeper) Register(ctx context.Context, name string, r Registration) (wire.Imported, error) {
	panic("stub")
}
func (k *Keeper) Refresh(ctx context.Context, name string) (wire.Grant, error) { panic("stub") }
func (k *Keeper) Pause(ctx context.Context, name string) (wire.Grant, error)   { panic("stub") }
func (k *Keeper) Resume(ctx context.Context, name string) (wire.Grant, error)  { panic("stub") }
func (k *Keeper) Remove(ctx context.Context, name string) error                { panic("stub") }

// Published notes that all outputs of a grant carry that generation.
func (k *Keeper) Published(ctx context.Context, name string, generation uint64) error { panic("stub") }

// Unpublished lists grants after that name whose outputs are behind.
func (k *Keeper) Unpublished(ctx context.Context, after string, limit int) ([]string, error) {
	panic("stub")
}
