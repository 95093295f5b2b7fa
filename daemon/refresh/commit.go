package refresh

import (
	"context"
	"errors"
	"fmt"
	"time"

	"webex-tokend/daemon/duration"
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
func (x *Refresher) commit(base store.Stored, intent intentChange, apply func(*store.Record)) (*store.Record, error) {
	name := base.Name
	defer x.cfg.Trust.Release(name)
	hold := storeRetry{refresher: x, retry: time.Second}
	for {
		next := *base.Record
		apply(&next)
		begin := x.cfg.Now()
		err := x.write(base, &next, intent)
		if err == nil {
			x.cfg.Meter.Committed(x.cfg.Now().Sub(begin))
			x.settle(name, intent, hold.spared)
			return &next, nil
		}
		if errors.Is(err, store.ErrIntentLost) {
			// The answer is stored all the same: it may be the only one.
			x.cfg.Log.Warn("another host has taken the refresh of this grant over", "grant", name)
			x.cfg.Flights.Close(name)
			intent = keepIntent
			continue
		}
		if !errors.Is(err, store.ErrConflict) {
			if err := hold.wait(&next, begin, err); err != nil {
				return nil, err
			}
		}
		// Whether a failed write came through is not known until it is read.
		fresh, err := x.cfg.Store.Get(context.Background(), name)
		bad, damaged := errors.AsType[*store.DamagedError](err)
		_, held := x.cfg.Trust.HeldSince(name)
		switch {
		case damaged:
			base.Revision = bad.Revision // what is in memory is whole
		case err == nil && fresh.Removed:
			x.settle(name, keepIntent, hold.spared)
			return nil, &refusal.Error{Kind: refusal.Conflict, Detail: fmt.Sprintf("grant %s was removed meanwhile", name)}
		case err == nil && held && sameOutcome(fresh.Record, &next):
			x.settle(name, intent, hold.spared)
			return fresh.Record, nil
		case err == nil:
			base = fresh
		case errors.Is(err, store.ErrNotFound):
			x.settle(name, keepIntent, hold.spared)
			return nil, &refusal.Error{Kind: refusal.NoSuchGrant, Detail: fmt.Sprintf("grant %s was removed meanwhile", name)}
		default:
			if err := hold.wait(&next, begin, err); err != nil {
				return nil, err
			}
		}
	}
}

// write stores a record in the place of base.
func (x *Refresher) write(base store.Stored, next *store.Record, intent intentChange) error {
	u := store.Update{
		Record: next, Expect: base.Revision, ReadBack: true,
		Unpublished: x.cfg.Config().HasOutputs(base.Name) && !sameToken(base.Token, next.Token),
	}
	if intent == closeIntent {
		u.Close = x.cfg.Flights.Intent(base.Name)
	}
	_, err := x.cfg.Store.Put(context.Background(), u)
	return err
}

// A storeRetry is a store that refuses one record.
type storeRetry struct {
	refresher *Refresher
	retry     time.Duration // before the store is asked again; it doubles
	spared    bool          // the spool has been given a copy
}

// wait gives the spool a copy, the first time, and waits before the store is
// asked again. Its error says that the daemon ends meanwhile.
func (h *storeRetry) wait(r *store.Record, since time.Time, refused error) error {
	x := h.refresher
	x.hold(r.Name, since, refused)
	if !h.spared {
		x.spare(r)
		h.spared = true
	}
	if !duration.Wait(x.abandoned, h.retry) {
		x.cfg.Log.Error("answer given up at the stop, the store does not accept it", "grant", r.Name, "error", refused)
		return fmt.Errorf("store outcome of grant %s: %w", r.Name, refused)
	}
	h.retry = min(2*h.retry, 30*time.Second)
	return nil
}

// settle follows the store: in what it knows of open intents, and in what no
// longer needs to be spared.
func (x *Refresher) settle(name string, intent intentChange, spared bool) {
	if spared {
		x.dropSpare(name)
		x.cfg.Trust.Accepted()
	}
	if intent == keepIntent {
		return
	}
	x.cfg.Flights.Close(name)
}

// sameOutcome reports whether a write that seemed to fail is there after all.
func sameOutcome(there, meant *store.Record) bool {
	return there.Generation == meant.Generation && there.LastAttemptAt.Equal(meant.LastAttemptAt) &&
		there.Refresh.Value.Equal(meant.Refresh.Value) && sameToken(there.Token, meant.Token)
}

func sameToken(a, b store.Token) bool {
	return a.Access.Equal(b.Access) && a.ExpiresAt.Equal(b.ExpiresAt)
}

// hold notes that an answer is in memory only, and that the store is not to be
// trusted with another refresh for now.
func (x *Refresher) hold(name string, since time.Time, err error) {
	if x.cfg.Trust.Hold(name, since) {
		x.cfg.Log.Error("answer not stored, trying again", "grant", name, "error", err)
	}
	x.cfg.Trust.Refused(name, since, err)
}
