package refresh

import (
	"cmp"
	"context"
	"errors"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/refusal"
	"webex-tokend/daemon/stopwatch"
	"webex-tokend/store"
)

// Current is the access token in force, and what goes beside it into the files
// of its grant.
type Current struct {
	Grant string
	store.Token
	Generation uint64

	State store.State
	User  string // as the answer named it, else its mail address; empty: not known
	Site  string // of Meetings; empty: not known
}

// patienceOfReaders is how long Token waits for a refresh: a little longer
// than the exchange itself may take.
const patienceOfReaders = 35 * time.Second

// Current returns the access token as stored, even an expired or empty one, and
// never refreshes.
func (x *Refresher) Current(ctx context.Context, name string) (Current, error) {
	cfg := x.cfg.Config()
	stored, err := x.cfg.States.Read(ctx, cfg, name)
	if err != nil {
		return Current{}, err
	}
	return x.current(cfg, stored), nil
}

// current takes what readers get out of a record. The site that the operator
// wrote counts more than the one of an answer, which may be a mere number.
func (x *Refresher) current(cfg *config.Config, s store.Stored) Current {
	c := Current{
		Grant:      s.Name,
		Token:      s.Token,
		Generation: s.Generation,
		State:      x.cfg.States.Condition(s.Record).State,
		User:       cmp.Or(s.User, s.Email),
		Site:       s.Site,
	}
	if in, _, ok := cfg.Rules(s.Name); ok {
		c.Site = cmp.Or(in.Site, s.Site)
	}
	return c
}

// Token returns an access token that lives at least minValid longer. A live
// one is given in every state that has one; where it does not live long
// enough, a refresh is joined or started as far as interval and budget allow.
// An expired token is never returned.
func (x *Refresher) Token(ctx context.Context, name string, minValid time.Duration) (Current, error) {
	cfg := x.cfg.Config()
	stored, err := x.cfg.States.Read(ctx, cfg, name)
	if err != nil {
		return Current{}, err
	}
	if serves(stored.Token, x.cfg.Now(), minValid) {
		return x.current(cfg, stored), nil
	}
	c := x.cfg.States.Condition(stored.Record)
	live := serves(stored.Token, x.cfg.Now(), 0)
	static := stored.Kind == string(config.Static)
	switch c.State {
	case store.Paused, store.Reauthorize, store.Unverified:
		if !live {
			return Current{}, x.cfg.States.Refuse(name, c, "has no live token")
		}
		return Current{}, x.cfg.States.Later(name, c, time.Minute, "its token does not live that long and is not refreshed now")
	}
	if static {
		return Current{}, x.cfg.States.Later(name, c, time.Hour, "its token does not live that long, and nobody can refresh it")
	}

	ctx, cancel := stopwatch.WithTimeout(ctx, patienceOfReaders)
	defer cancel()
	refused := x.refresh(ctx, name, demanded)
	stored, err = x.cfg.States.Read(context.WithoutCancel(ctx), cfg, name)
	if err != nil {
		return Current{}, err
	}
	if serves(stored.Token, x.cfg.Now(), minValid) {
		return x.current(cfg, stored), nil
	}
	return Current{}, x.unserved(stored, refused)
}

// unserved explains why a refresh did not help.
func (x *Refresher) unserved(s store.Stored, refused error) error {
	c, now := x.cfg.States.Condition(s.Record), x.cfg.Now()
	wait := max(s.DueAt.Sub(now), time.Second)
	if r, ok := refusal.As(refused); ok {
		copied := *r // all that waited for the flight share it
		if r.Kind == refusal.Broker {
			copied.Kind, copied.RetryAfter = refusal.Unavailable, wait
		}
		return &copied
	}
	switch {
	case errors.Is(refused, context.DeadlineExceeded):
		return x.cfg.States.Later(s.Name, c, wait, "the refresh takes longer than readers are made to wait")
	case refused != nil:
		return x.cfg.States.Later(s.Name, c, wait, refused.Error())
	}
	return x.cfg.States.Later(s.Name, c, wait, "no token lives that long")
}

func serves(t store.Token, now time.Time, minValid time.Duration) bool {
	return !t.Access.Empty() && (t.ExpiresAt.IsZero() || now.Before(t.ExpiresAt) && t.ExpiresAt.Sub(now) >= minValid)
}
