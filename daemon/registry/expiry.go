package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/event"
	"webex-tokend/daemon/outcome"
	"webex-tokend/daemon/provider"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
)

// AskExpiry asks Webex when the access token of a grant ends, where no answer
// and no token has said it exactly: a response that was kept for a while before
// it was imported ends sooner than it seems, a personal token after 12 hours.
// Nothing is asked where it is known, and of kinds whose API has no such route.
// An error means that asking again may help.
func (g *Registry) AskExpiry(ctx context.Context, name string) error {
	cfg := g.cfg.Config()
	in, _, declared := cfg.Rules(name)
	if !declared || !tellsExpiry(in) {
		return nil
	}
	stored, err := g.cfg.Store.Get(ctx, name)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil
	case err != nil:
		return fmt.Errorf("look for grant %s: %w", name, err)
	case !expiryOpen(stored.Record):
		return nil
	}
	asked := stored.Token.Access
	answer, err := g.cfg.Provider.TokenExpiry(ctx, in, asked)
	if f, failed := errors.AsType[*provider.Failure](err); failed {
		return g.finalAnswer(name, f)
	}
	for expiryOpen(stored.Record) && stored.Token.Access.Equal(asked) {
		before := g.cfg.States.Condition(stored.Record)
		r := *stored.Record
		endAt(&r, answer.End.UTC().Truncate(time.Millisecond))
		bringForward(cfg, &r)
		_, err := g.cfg.Store.Put(ctx, store.Update{Record: &r, Expect: stored.Revision, Unpublished: g.cfg.Config().HasOutputs(name)})
		if err == nil {
			g.cfg.Log.Info("learned when the token ends", "grant", name, "expires_at", wire.Stamp(r.Token.ExpiresAt), "due_at", wire.Stamp(r.DueAt))
			g.cfg.States.Announce(event.ExpiryConfirmed, stored.Record, before, &r)
			return nil
		}
		if !errors.Is(err, store.ErrConflict) {
			return fmt.Errorf("store grant %s: %w", name, err)
		}
		if stored, err = g.cfg.Store.Get(ctx, name); err != nil {
			return fmt.Errorf("look for grant %s: %w", name, err)
		}
	}
	return nil
}

func tellsExpiry(in *config.Integration) bool {
	switch in.Kind {
	case config.REST, config.ServiceApp, config.Static:
		return in.APIURL != ""
	}
	return false
}

// expiryOpen reports whether the end of the token is not known for certain.
func expiryOpen(r *store.Record) bool {
	return !r.Removed && !r.Token.Access.Empty() && (r.AssumedAccess || r.Token.ExpiresAt.IsZero())
}

// finalAnswer is nil where asking again would bring nothing else: of a token that
// does not work, and where there is no such route.
func (g *Registry) finalAnswer(name string, f *provider.Failure) error {
	switch f.Status {
	case http.StatusUnauthorized:
		g.cfg.Log.Warn("the API does not take the access token", "grant", name, "tracking_id", f.TrackingID)
		return nil
	case http.StatusOK, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed:
		return nil
	}
	return f
}

// endAt gives the token its end. Its life was right and only its beginning was
// assumed, so that moves with the end, though no later than it stood.
func endAt(r *store.Record, end time.Time) {
	if moved := end.Sub(r.Token.ExpiresAt); !r.Token.ExpiresAt.IsZero() && moved < 0 {
		r.Token.IssuedAt = r.Token.IssuedAt.Add(moved)
	}
	r.Token.ExpiresAt, r.AssumedAccess = end, false
}

// bringForward lets a token that ends sooner than assumed fall due sooner. One
// that nobody refreshes is looked at again when it ends.
func bringForward(cfg *config.Config, r *store.Record) {
	in, grant, ok := cfg.Rules(r.Name)
	switch {
	case !ok:
	case in.Kind == config.Static:
		r.DueAt = r.Token.ExpiresAt
	default:
		r.DueAt = outcome.Earlier(r.DueAt, outcome.Due(r, outcome.RuleOf(in, grant)))
	}
}
