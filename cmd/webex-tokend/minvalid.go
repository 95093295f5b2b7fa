package main

import (
	"context"
	"errors"
	"time"

	"webex-tokend/daemon/client"
	"webex-tokend/daemon/config"
	"webex-tokend/daemon/wire"
)

// tokenFor asks for a token that lives long enough. The daemon's "later" is no
// advice where none ever will: then it says for how long one can be had.
func tokenFor(ctx context.Context, daemon *client.Client, grant string, minValid time.Duration) (wire.Token, error) {
	t, err := daemon.Token(ctx, grant, minValid)
	p, ok := errors.AsType[*client.Problem](err)
	if !ok || minValid == 0 || p.RetryAfter == 0 {
		return t, err
	}
	g, unknown := daemon.Grant(ctx, grant)
	if unknown != nil {
		return t, err
	}
	if most, bounded := longestToken(g, time.Now()); bounded && minValid > most {
		return t, &failure{exitFailed, err, "no waiting helps; ask for less than " + span(most)}
	}
	return t, err
}

// longestToken is how long a token of a grant can be good for, where that is
// known: what is left of a static one, else the life that the last refresh brought.
func longestToken(g wire.Grant, now time.Time) (most time.Duration, bounded bool) {
	switch {
	case g.AccessExpiresAt == nil:
		return 0, false
	case g.Kind == string(config.Static):
		return g.AccessExpiresAt.Sub(now), true
	case g.LastRefreshAt == nil || g.RefreshDueAt == nil:
		return 0, false
	}
	most = g.AccessExpiresAt.Sub(*g.LastRefreshAt)
	// An answer that repeats an old token says nothing of a new one's life. The
	// daemon then tries again before long.
	return most, g.RefreshDueAt.Sub(*g.LastRefreshAt) > most/4
}
