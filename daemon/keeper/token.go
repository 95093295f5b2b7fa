package keeper

import (
	"context"
	"errors"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/store"
)

// Current is the access token in force.
type Current struct {
	Grant string
	store.Token
	Generation uint64
}

// patienceOfReaders is how long Token waits for a refresh: a little longer
// than the exchange itself may take.
const patienceOfReaders = 35 * time.Second

// Current returns the access token as stored, even an expired or empty one, and
// never refreshes.
func (k *Keeper) Current(ctx context.Context, name string) (Current, error) {
	stored, err := k.read(ctx, k.config.Load(), name)
	if err != nil {
		return Current{}, err
	}
	return Current{name, stored.Token, stored.Generation}, nil
}

// Token returns an access token that lives at least minValid longer. A live
// one is given in every state that has one; where it does not live long
// enough, a refresh is joined or started as far as interval and budget allow.
// An expired token is never returned.
func (k *Keeper) Token(ctx context.Context, name string, minValid time.Duration) (Current, error) {
	cfg := k.config.Load()
	stored, err := k.read(ctx, cfg, name)
	if err != nil {
		return Current{}, err
	}
	if serves(stored.Token, k.now(), minValid) {
		return Current{name, stored.Token, stored.Generation}, nil
	}
	c := k.condition(stored.Record)
	live := serves(stored.Token, k.now(), 0)
	static := stored.Kind == string(config.Static)
	switch c.State {
	case store.Paused, store.Reauthorize, store.Unverified:
		if !live {
			return Current{}, refuse(name, c, stored.Kind, "has no live token")
		}
		return Current{}, later(name, c, time.Minute, "its token does not live that long and is not refreshed now")
	}
	if static {
		return Current{}, later(name, c, time.Hour, "its token does not live that long, and nobody can refresh it")
	}

	ctx, cancel := context.WithTimeout(ctx, patienceOfReaders)
	defer cancel()
	refused := k.refresh(ctx, name, demanded)
	stored, err = k.read(context.WithoutCancel(ctx), cfg, name)
	if err != nil {
		return Current{}, err
	}
	if serves(stored.Token, k.now(), minValid) {
		return Current{name, stored.Token, stored.Generation}, nil
	}
	return Current{}, k.unserved(stored, refused)
}

// unserved explains why a refresh did not help.
func (k *Keeper) unserved(s store.Stored, refused error) error {
	c, now := k.condition(s.Record), k.now()
	if r, ok := asRefusal(refused); ok && (r.Kind == Unavailable || r.Kind == Conflict) {
		return r
	}
	wait := max(s.DueAt.Sub(now), time.Second)
	switch {
	case errors.Is(refused, context.DeadlineExceeded):
		return later(s.Name, c, wait, "the refresh takes longer than readers are made to wait")
	case refused != nil:
		return later(s.Name, c, wait, refused.Error())
	}
	return later(s.Name, c, wait, "no token lives that long")
}

func serves(t store.Token, now time.Time, minValid time.Duration) bool {
	return !t.Access.Empty() && (t.ExpiresAt.IsZero() || now.Before(t.ExpiresAt) && t.ExpiresAt.Sub(now) >= minValid)
}

func asRefusal(err error) (*Refusal, bool) { return errors.AsType[*Refusal](err) }
