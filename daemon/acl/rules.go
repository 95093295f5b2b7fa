package acl

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"webex-tokend/daemon/accounts"
)

// An Action is a kind of request.
type Action string

const (
	// Metrics: read the figures of grants, and their names in them.
	Metrics Action = "metrics"
	Status  Action = "status"  // see that a grant is there and how it fares
	Token   Action = "token"   // have its access token
	Refresh Action = "refresh" // ask for a new one
	Admin   Action = "admin"   // everything
)

// A Block lets users, groups and units do actions on grants. A peer matches by
// its user, its group, a supplementary group or its unit, a remote one by its
// name alone.
type Block struct {
	Users  []string // names or numbers
	Groups []string
	Units  []string // full names; "worker@.service" means every instance
	// WebUsers and ClientNames name remote visitors of the pages.
	WebUsers, ClientNames []string

	Actions []Action
	Grants  []string // names, or prefixes with a star behind them
}

// Config holds what Rules are made of. The zero value lets root and the
// daemon's own user do everything, remote visitors read metrics, and nobody else
// do anything.
type Config struct {
	Blocks []Block
	// Own is the daemon's user; nil means that of this process.
	Own *uint32
	// Overflow says that user and group 65534 stand for everybody who has no
	// number in the daemon's user namespace; nil asks the kernel.
	Overflow *bool
}

// Rules are safe for concurrent use and never change: New resolves the names
// of users and groups, so that a new account counts from the next reload on.
type Rules struct {
	own    uint32
	shared bool // Config.Overflow
	blocks []resolved
	// Warnings name what is not known on this host, one line each.
	Warnings []string
}

type resolved struct {
	uids, gids []uint32
	units      []string
	// webUsers and clientNames are of remote peers.
	webUsers, clientNames []string

	actions []Action
	grants  []string
}

// New resolves names to numbers. A name that this host does not know lets
// nobody in and is listed in Warnings.
func New(cfg Config) *Rules {
	r := &Rules{own: uint32(os.Geteuid())}
	if cfg.Own != nil {
		r.own = *cfg.Own
	}
	if cfg.Overflow != nil {
		r.shared = *cfg.Overflow
	} else {
		r.shared = overflows()
	}
	for _, b := range cfg.Blocks {
		r.blocks = append(r.blocks, resolved{
			uids:  r.numbers(b.Users, "user", accounts.UserID),
			gids:  r.numbers(b.Groups, "group", accounts.GroupID),
			units: b.Units,

			webUsers:    b.WebUsers,
			clientNames: b.ClientNames,

			actions: b.Actions,
			grants:  b.Grants,
		})
	}
	return r
}

func (r *Rules) numbers(names []string, kind string, number func(string) (uint32, error)) []uint32 {
	var list []uint32
	for _, name := range names {
		n, err := number(name)
		if err != nil {
			r.Warnings = append(r.Warnings, fmt.Sprintf("allow names %s %q, which this host does not know", kind, name))
			continue
		}
		list = append(list, n)
	}
	return list
}

// Allowed reports whether the peer may do this to that grant, whether or not
// the grant exists. An empty grant asks about the daemon as a whole, which
// needs a block for all grants.
func (r *Rules) Allowed(p Peer, a Action, grant string) bool {
	return r.everything(p) || r.scrapes(p, a) || slices.ContainsFunc(r.blocks, func(b resolved) bool {
		return r.names(b, p) && b.permits(a) && b.covers(grant)
	})
}

// scrapes reports whether the action is metrics and the peer a remote visitor of
// whom no block speaks: what has a password is a Prometheus, as a rule.
func (r *Rules) scrapes(p Peer, a Action) bool {
	return a == Metrics && p.Remote != nil && !r.Named(p)
}

// UnitAllowed is Allowed for a unit whoever it runs as, even as root.
func (r *Rules) UnitAllowed(unit string, a Action, grant string) bool {
	return slices.ContainsFunc(r.blocks, func(b resolved) bool {
		return b.runs(unit) && b.permits(a) && b.covers(grant)
	})
}

// OnlyGrant returns the grant that a unit may do this to when the rules name
// one and no other; a pattern is never one.
func (r *Rules) OnlyGrant(unit string, a Action) (string, bool) {
	var only []string
	for _, b := range r.blocks {
		if b.runs(unit) && b.permits(a) {
			only = append(only, b.grants...)
		}
	}
	only = slices.Compact(slices.Sorted(slices.Values(only)))
	if len(only) != 1 || strings.HasSuffix(only[0], "*") {
		return "", false
	}
	return only[0], true
}

// View returns which grants the peer may see; nil means all of them.
func (r *Rules) View(p Peer) func(grant string) bool { return r.ViewTo(p, Status) }

// ViewTo returns to which grants the peer may do this; nil means all of them.
func (r *Rules) ViewTo(p Peer, a Action) func(grant string) bool {
	if r.everything(p) || r.scrapes(p, a) {
		return nil
	}
	var mine []resolved
	for _, b := range r.blocks {
		if r.names(b, p) && b.permits(a) {
			if slices.Contains(b.grants, "*") {
				return nil
			}
			mine = append(mine, b)
		}
	}
	return func(grant string) bool {
		return slices.ContainsFunc(mine, func(b resolved) bool { return b.covers(grant) })
	}
}

// May reports whether the peer may do this to any grant at all.
func (r *Rules) May(p Peer, a Action) bool {
	return r.everything(p) || r.scrapes(p, a) || slices.ContainsFunc(r.blocks, func(b resolved) bool { return r.names(b, p) && b.permits(a) })
}

// Named reports whether the rules speak of the peer at all. One they do not
// speak of is refused even an empty list.
func (r *Rules) Named(p Peer) bool {
	return r.everything(p) || slices.ContainsFunc(r.blocks, func(b resolved) bool { return r.names(b, p) })
}

// unique reports whether a number of a user or group is that of one alone.
func (r *Rules) unique(id uint32) bool { return id != overflow || !r.shared }

// Owner reports whether the peer is root or the daemon's own user, who may do
// everything and to whom no share applies.
func (r *Rules) Owner(p Peer) bool { return r.everything(p) }

// everything leaves a shared user out even where the daemon itself runs as
// that one.
func (r *Rules) everything(p Peer) bool {
	return p.Remote == nil && r.unique(p.UID) && (p.UID == 0 || p.UID == r.own)
}

func (r *Rules) names(b resolved, p Peer) bool {
	if p.Remote != nil {
		return p.Remote.User != "" && slices.Contains(b.webUsers, p.Remote.User) ||
			p.Remote.Client != "" && slices.Contains(b.clientNames, p.Remote.Client)
	}
	if !r.unique(p.UID) {
		return false
	}
	in := func(gid uint32) bool { return r.unique(gid) && slices.Contains(b.gids, gid) }
	return slices.Contains(b.uids, p.UID) || in(p.GID) || slices.ContainsFunc(p.Groups, in) || b.runs(p.Unit)
}

func (b resolved) runs(unit string) bool {
	return unit != "" && slices.ContainsFunc(b.units, func(rule string) bool { return sameUnit(rule, unit) })
}

func (b resolved) permits(a Action) bool {
	switch a {
	case Metrics:
		return len(b.actions) > 0
	case Status:
		return slices.ContainsFunc(b.actions, func(allowed Action) bool { return allowed != Metrics })
	}
	return slices.Contains(b.actions, Admin) || slices.Contains(b.actions, a)
}

func (b resolved) covers(grant string) bool {
	return slices.ContainsFunc(b.grants, func(g string) bool {
		prefix, pattern := strings.CutSuffix(g, "*")
		return g == grant || pattern && strings.HasPrefix(grant, prefix)
	})
}
