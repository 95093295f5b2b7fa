package keeper

import (
	"context"
	"errors"
	"fmt"
	"time"

	"webex-tokend/daemon/refusal"
	"webex-tokend/store"
)

// An intentChange says what a commit does to the open intent of its grant.
type intentChange bool

const (
	keepIntent  intentChange = false
	closeIntent intentChange = true
)

// commit makes a change to a record durable and returns the record as stored.
// apply may run more than once, each time on the record as it then is: when
// somebody else was faster, the change is made to what they left.
//
// A store that refuses is asked again until it accepts: what apply brings may
// be the only copy of a refresh token in the world. So a second one goes to the
// spool at once. Meanwhile the grant shows as unpersisted and no refresh of any
// grant is sent.
func (k *Keeper) commit(base store.Stored, intent intentChange, apply func(*store.Record)) (*store.Record, error) {
	name := base.Name
	defer k.trust.Release(name)
	hold := holdup{keeper: k, retry: time.Second}
	for {
		next := *base.Record
		apply(&next)
		begin := k.now()
		err := k.write(base, &next, intent)
		if err == nil {
			k.meter.Committed(k.now().Sub(begin))
			k.settle(name, intent, hold.spared)
			return &next, nil
		}
		if !errors.Is(err, store.ErrConflict) {
			if err := hold.wait(&next, begin, err); err != nil {
				return nil, err
			}
		}
		// Whether a failed write came through is not known until it is read.
		fresh, err := k.store.Get(context.Background(), name)
		bad, damaged := errors.AsType[*store.DamagedError](err)
		_, held := k.trust.HeldSince(name)
		switch {
		case damaged:
			base.Revision = bad.Revision // what is in memory is whole
		case err == nil && fresh.Removed:
			k.settle(name, keepIntent, hold.spared)
			return nil, &refusal.Error{Kind: refusal.Conflict, Detail: fmt.Sprintf("grant %s was removed meanwhile", name)}
		case err == nil && held && sameOutcome(fresh.Record, &next):
			k.settle(name, intent, hold.spared)
			return fresh.Record, nil
		case err == nil:
			base = fresh
		case errors.Is(err, store.ErrNotFound):
			k.settle(name, keepIntent, hold.spared)
			return nil, &refusal.Error{Kind: refusal.NoSuchGrant, Detail: fmt.Sprintf("grant %s was removed meanwhile", name)}
		default:
			if err := hold.wait(&next, begin, err); err != nil {
				return nil, err
			}
		}
	}
}

// write stores a record in the place of base.
func (k *Keeper) write(base store.Stored, next *store.Record, intent intentChange) error {
	revision, err := k.store.Put(context.Background(), store.Update{
		Record: next, Expect: base.Revision, CloseIntent: bool(intent),
		Unpublished: k.hasOutputs(base.Name) && !sameToken(base.Token, next.Token),
	})
	if err != nil {
		return err
	}
	return k.readBack(base.Name, revision, next)
}

// A holdup is a store that refuses one record.
type holdup struct {
	keeper *Keeper
	retry  time.Duration // before the store is asked again; it doubles
	spared bool          // the spool has been given a copy
}

// wait gives the spool a copy, the first time, and waits before the store is
// asked again. Its error says that the daemon ends meanwhile.
func (h *holdup) wait(r *store.Record, since time.Time, refused error) error {
	k := h.keeper
	k.hold(r.Name, since, refused)
	if !h.spared {
		k.spare(r)
		h.spared = true
	}
	if pause(k.abandoned, h.retry) != nil {
		k.log.Error("answer given up at the stop, the store does not accept it", "grant", r.Name, "error", refused)
		return fmt.Errorf("store outcome of grant %s: %w", r.Name, refused)
	}
	h.retry = min(2*h.retry, 30*time.Second)
	return nil
}

// readBack opens what was just written as the next reader will.
func (k *Keeper) readBack(name string, revision store.Revision, meant *store.Record) error {
	there, err := k.store.Get(context.Background(), name)
	switch {
	case err != nil:
		return fmt.Errorf("read back: %w", err)
	case there.Revision == revision && !sameOutcome(there.Record, meant):
		return errors.New("read back: the store holds something else than was written")
	}
	return nil // with another revision, somebody has changed what they read of it
}

// settle follows the store: in what it knows of open intents, and in what no
// longer needs to be spared.
func (k *Keeper) settle(name string, intent intentChange, spared bool) {
	if spared {
		k.dropSpare(name)
		k.trust.Accepted()
	}
	if intent == keepIntent {
		return
	}
	k.flights.Close(name)
}

// sameOutcome tells whether a write that seemed to fail is there after all.
func sameOutcome(there, meant *store.Record) bool {
	return there.Generation == meant.Generation && there.LastAttemptAt.Equal(meant.LastAttemptAt) &&
		there.Refresh.Value.Equal(meant.Refresh.Value) && sameToken(there.Token, meant.Token)
}

func sameToken(a, b store.Token) bool {
	return a.Access.Equal(b.Access) && a.ExpiresAt.Equal(b.ExpiresAt)
}

// hold notes that an answer is in memory only, and that the store is not to be
// trusted with another refresh for now.
func (k *Keeper) hold(name string, since time.Time, err error) {
	if k.trust.Hold(name, since) {
		k.log.Error("answer not stored, trying again", "grant", name, "error", err)
	}
	k.trust.Refused(name, since, err)
}

func (k *Keeper) hasOutputs(name string) bool {
	g, ok := k.config.Load().Grant(name)
	return ok && g.HasOutputs()
}
