package report

import (
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/state"
	"webex-tokend/daemon/verdict"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
)

// A Trouble describes a fault that holds back more than one grant.
type Trouble struct {
	// Rejected are the integrations whose client is refused. One is missing here
	// while it is tried again: only a refresh proves that it is accepted.
	Rejected map[string]store.Condition
	// Unpersisted are the grants with an answer that is in memory alone, in order.
	Unpersisted []string
	// StoreError is why the store refuses to be written; empty: it does not, as
	// far as is known: perhaps nobody has tried yet. StoreAction is a
	// command that helps.
	StoreError, StoreAction string
	// DiskError is why the store's disk may soon have no room; empty: it has.
	DiskError string
	// Overdue counts refreshes that should have begun more than 5 minutes ago, as
	// the last sweep found.
	Overdue int
	// Hosts is what is wrong with those that share the store.
	Hosts []verdict.HostTrouble
}

// Trouble returns what there is at this moment.
func (r *Report) Trouble() Trouble {
	var host wire.Status
	r.cfg.Host(&host)
	return Trouble{
		DiskError:   host.Keeper.DiskError,
		Hosts:       verdict.OfHosts(host),
		Rejected:    r.cfg.Clients.Refusals(),
		Unpersisted: r.cfg.Trust.Held(),
		StoreError:  r.cfg.Trust.Error(),
		StoreAction: state.DiskAction(r.cfg.Config()),
		Overdue:     r.cfg.Meter.Health().Overdue,
	}
}

// Pending are the declared grants without a record.
type Pending struct {
	// Late wait so long for their first tokens that it is a warning, in order.
	Late []string
	// Early counts the others.
	Early int
}

// Pending returns those of this moment.
func (r *Report) Pending() (p Pending) {
	cfg, now := r.cfg.Config(), r.now()
	for _, name := range r.cfg.States.PendingNames() {
		if r.vacant(cfg, name, now).Cause == verdict.Unregistered {
			p.Late = append(p.Late, name)
		} else {
			p.Early++
		}
	}
	return p
}

// vacant judges a declared grant without a record.
func (r *Report) vacant(cfg *config.Config, name string, now time.Time) verdict.Verdict {
	return verdict.Of(&store.Record{Name: name}, r.cfg.States.PendingFacts(cfg, name), now)
}
