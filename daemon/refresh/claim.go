package refresh

import (
	"context"
	"errors"
	"fmt"
	"time"

	"webex-tokend/daemon/boottime"
	"webex-tokend/daemon/duration"
	"webex-tokend/daemon/flight"
	"webex-tokend/daemon/state"
	"webex-tokend/store"
)

// departsWithin is how old an intent may be when its request departs. What
// comes later could meet the request of another host that has waited long enough.
const departsWithin = 10 * time.Second

var (
	errLate      = errors.New("the machine stood still between the intent and the request, which is begun anew")
	errNotActing = errors.New("this host is not in office any more")
)

// intend makes the intent of a plan durable, over the one that is open already
// for an earlier attempt or has grown old. store.ErrConflict: the record, or what
// is open, is not what it was.
func (x *Refresher) intend(ctx context.Context, p *plan) error {
	name, begin := p.name(), x.cfg.Now()
	claimed := boottime.Here()
	intent, err := x.cfg.Store.Claim(context.WithoutCancel(ctx), name, p.stored.Revision, store.Intent{
		At:          begin,
		Attempt:     p.attempt,
		Generation:  p.stored.Generation,
		Fingerprint: x.cfg.Store.Fingerprint(p.stored.Refresh.Value),
		Owner:       x.cfg.Hosts.Member,
	}, x.cfg.Flights.Intent(name))
	switch {
	case errors.Is(err, store.ErrConflict):
		return x.meet(ctx, p)
	case errors.Is(err, store.ErrNoOffice):
		return x.cfg.States.Later(name, p.stored.Condition(), time.Second, errNotActing.Error())
	case err != nil:
		// It may stand all the same. Nothing is sent, so it is to be replaced.
		x.cfg.Flights.Stands(name, intent)
		x.cfg.Trust.Refused(name, begin, err)
		x.cfg.Log.Error("intent refused by the store, nothing sent", "grant", name, "error", err)
		return fmt.Errorf("store intent of grant %s: %w", name, err)
	}
	x.cfg.Meter.Committed(x.cfg.Now().Sub(begin))
	x.cfg.Trust.Accepted()
	x.cfg.Flights.Intend(name, p.attempt, begin, intent)
	p.claimed = claimed
	return nil
}

// meet looks at what is open for a grant where it is not what this process knew,
// and returns store.ErrConflict when the next try may succeed.
func (x *Refresher) meet(ctx context.Context, p *plan) error {
	name := p.name()
	there, err := x.cfg.Store.Intent(context.WithoutCancel(ctx), name)
	known := x.cfg.Flights.Intent(name)
	switch {
	case errors.Is(err, store.ErrNotFound):
		x.cfg.Flights.Stands(name, nil)
	case err != nil:
		return fmt.Errorf("look for the intent of grant %s: %w", name, err)
	case known != nil && known.Same(there):
		if now, err := x.cfg.Store.Get(ctx, name); err == nil && now.Revision == p.stored.Revision {
			return x.cfg.States.Later(name, p.stored.Condition(), time.Second, "the process that began its last refresh is still registered")
		}
		// The record is another one.
	case x.cfg.Hosts.foreign(there):
		return x.cfg.States.Later(name, p.stored.Condition(), time.Second, "another host has a refresh of this grant open")
	default:
		x.cfg.Flights.Recall(name, flight.Outcome{Attempts: max(there.Attempt, 1), Since: there.At, Intent: &there})
	}
	return store.ErrConflict
}

// Hosts are those that share the store. The zero value is a single host, which
// is always in office, and to which every intent belongs that is open.
type Hosts struct {
	// Member names this process among them.
	Member string
	// Foreign reports whether an open intent may be in the hands of another one.
	Foreign func(store.OpenIntent) bool
	// MayAct reports whether this one is in office.
	MayAct func() bool
	// Wish asks the one in office for a refresh; ordered: an operator said so.
	Wish func(ctx context.Context, grant string, ordered bool) error
}

func (h Hosts) acts() bool { return h.MayAct == nil || h.MayAct() }

func (h Hosts) foreign(i store.OpenIntent) bool { return h.Foreign != nil && h.Foreign(i) }

// mayDepart is asked when the first byte of a request is about to leave.
func (p *plan) mayDepart(h Hosts) error {
	if p.claimed.Passed() >= departsWithin {
		return errLate
	}
	if !h.acts() {
		return errNotActing
	}
	return nil
}

// withdraw ends an intent whose request was not sent. The outcome of an
// earlier one stays open. Where the store refuses, the intent stands until the
// next one replaces it, or costs one request after a restart.
func (x *Refresher) withdraw(p *plan) {
	name := p.name()
	intent := x.cfg.Flights.Intent(name)
	if p.attempt > 1 || intent == nil {
		return
	}
	err := x.cfg.Store.Withdraw(context.Background(), *intent)
	x.cfg.Flights.Close(name)
	if err != nil {
		x.cfg.Flights.Stands(name, intent)
		x.cfg.Trust.Refused(name, x.cfg.Now(), err)
	}
}

// looks is how often a host that is not in office looks whether the one that is
// has refreshed what it wished for.
const looks = 50 * time.Millisecond

// refresh lets the host in office refresh a grant, and waits until its record says
// how that went, unless the gate refuses it.
func (h Hosts) refresh(ctx context.Context, kept *store.Store, states *state.Book, name string, why cause, gate func(*store.Record) error) error {
	before, err := kept.Get(ctx, name)
	if err != nil {
		return err
	}
	if err := gate(before.Record); err != nil {
		return err // it would be refused there, where nobody can be told
	}
	if err := h.Wish(ctx, name, why == ordered); err != nil {
		return states.Later(name, before.Condition(), time.Second, err.Error())
	}
	for {
		if !duration.Wait(ctx, looks) {
			return ctx.Err()
		}
		now, err := kept.Get(ctx, name)
		if err != nil || now.LastAttemptAt.After(before.LastAttemptAt) {
			return err
		}
	}
}
