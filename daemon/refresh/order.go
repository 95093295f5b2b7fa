package refresh

import (
	"context"

	"webex-tokend/daemon/flight"
	"webex-tokend/store"
)

// A cause names the reason for which a refresh starts. Each may pass gates that others may not.
type cause int

const (
	scheduled cause = iota // the sweep found it due: all gates hold
	demanded               // a consumer wants a longer life than is left
	ordered                // the operator said so: exempt from budget and interval
	asked                  // a caller with rights to no more than this said so: interval and budget hold
	resumed                // an intent was found open: exempt like an order
)

// fly starts an exchange for the grant, or joins the one in flight: joined
// reports which.
func (x *Refresher) fly(name string, why cause) (f *flight.Flight, joined bool) {
	return x.cfg.Flights.Start(name, func(ctx context.Context) (bool, error) { return x.exchange(ctx, name, why) })
}

// refresh runs an exchange for one caller. A flight that it joined may have
// ended at a gate that this caller passes; then its own one follows.
func (x *Refresher) refresh(ctx context.Context, name string, why cause) error {
	if !x.cfg.Hosts.acts() {
		return x.cfg.Hosts.refresh(ctx, x.cfg.Store, x.cfg.States, name, why, func(r *store.Record) error {
			in, _, declared := x.cfg.Config().Rules(name)
			if now := x.cfg.Now(); why == asked && declared {
				if wait, reason := tooEarly(r, in.MinInterval, now); wait > 0 {
					return tooMany(name, r.Condition(), now, wait, reason)
				}
			}
			return nil
		})
	}
	f, joined := x.fly(name, why)
	atGate, err := f.Wait(ctx)
	if joined && atGate {
		f, _ = x.fly(name, why)
		_, err = f.Wait(ctx)
	}
	return err
}

// Wished does what another host wishes for, as far as interval and budget allow
// unless it is an order.
func (x *Refresher) Wished(name string, order bool) {
	why := demanded
	if order {
		why = ordered
	}
	_, _ = x.fly(name, why)
}

// Due starts the refresh of a grant that is due, or joins the one in flight.
func (x *Refresher) Due(name string) *flight.Flight {
	f, _ := x.fly(name, scheduled)
	return f
}

// Again starts a refresh that the store held up, as an order.
func (x *Refresher) Again(name string) *flight.Flight {
	f, _ := x.fly(name, ordered)
	return f
}

// Ask refreshes a grant as Refresh does, as far as interval and budget allow: what
// a delegate or a script may order again and again costs the account one access
// token each time, and Webex locks out one that holds too many.
func (x *Refresher) Ask(ctx context.Context, name string) error {
	return x.refresh(ctx, name, asked)
}

// Refresh renews a grant now and waits for the outcome, or joins the exchange
// in flight. It is exempt from budget and interval, not from what the endpoint
// asked for.
func (x *Refresher) Refresh(ctx context.Context, name string) error {
	return x.refresh(ctx, name, ordered)
}
