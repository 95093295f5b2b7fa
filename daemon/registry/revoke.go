package registry

import (
	"context"
	"errors"
	"fmt"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/provider"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
)

// Results of a revocation.
const (
	revoked            = "revoked"
	revokedUnsupported = "unsupported"
	revokedUnknown     = "unknown"
)

// Revoke ends the tokens of a grant at the broker and forgets the grant as
// Remove does, its outputs with it. When the broker did not confirm, nothing
// here changes: tokens that may still work are needed to try again.
//
// The refresh tokens go first: an access token ends by itself.
func (g *Registry) Revoke(ctx context.Context, name string) (wire.Revocation, error) {
	cfg := g.cfg.Config()
	if is := g.cfg.Flights.Of(name); is != nil {
		// What it brings is to be revoked too. Its own outcome is reported elsewhere.
		if _, _ = is.Wait(ctx); ctx.Err() != nil {
			return wire.Revocation{}, ctx.Err()
		}
	}
	stored, err := g.cfg.States.Read(ctx, cfg, name)
	if err != nil {
		return wire.Revocation{}, err
	}
	in, _, declared := cfg.Rules(name)
	if !declared {
		return wire.Revocation{}, g.cfg.States.Refuse(name, g.cfg.States.Condition(stored.Record), "is not revoked")
	}
	out := g.revokeAll(ctx, in, stored.Record)
	g.cfg.Log.Info("revoked by the operator", "grant", name, "result", out.Result, "detail", out.Detail)
	if out.Result != revoked {
		return out, nil
	}
	out.Detail = g.afterlife(ctx, in, stored.Record)
	return out, g.Remove(ctx, name)
}

func (g *Registry) revokeAll(ctx context.Context, in *config.Integration, r *store.Record) wire.Revocation {
	out := wire.Revocation{Grant: r.Name, Result: revoked}
	tokens := []store.RefreshToken{r.Refresh}
	for _, t := range append(tokens, r.Fallbacks...) {
		if t.Value.Empty() {
			continue
		}
		if err := g.cfg.Provider.Revoke(ctx, in, t.Value, provider.HintRefresh); err != nil {
			return unrevoked(out, err)
		}
	}
	if r.Token.Access.Empty() {
		return out
	}
	err := g.cfg.Provider.Revoke(ctx, in, r.Token.Access, provider.HintAccess)
	f, _ := errors.AsType[*provider.Failure](err)
	// A broker may revoke refresh tokens alone, RFC 7009 section 2.
	if f != nil && (r.Refresh.Value.Empty() || f.Code != provider.CodeUnsupported) {
		return unrevoked(out, err)
	}
	return out
}

func unrevoked(out wire.Revocation, err error) wire.Revocation {
	out.Result = revokedUnknown
	f, ok := errors.AsType[*provider.Failure](err)
	switch {
	case !ok:
		out.Detail = err.Error()
		return out
	case f.Code == provider.CodeUnsupported:
		out.Result = revokedUnsupported
		out.Detail = f.Description
		if f.Status != 0 {
			out.Detail = fmt.Sprintf("the revocation endpoint answered %d", f.Status)
		}
		return out
	case f.Status != 0:
		out.Detail = fmt.Sprintf("the revocation endpoint answered %d %s", f.Status, f.Code)
	default:
		out.Detail = "the revocation endpoint was not reached, " + f.Code
	}
	if f.Description != "" && f.Status != 0 {
		out.Detail += ": " + f.Description
	}
	return out
}

// afterlife asks the API whether the access token is dead as well. Webex says
// yes to every revocation, and caches may know the token for a while.
func (g *Registry) afterlife(ctx context.Context, in *config.Integration, r *store.Record) string {
	if in.APIURL == "" || in.Kind == config.Meetings || r.Token.Access.Empty() {
		return "the broker confirmed it"
	}
	_, err := g.cfg.Provider.Get(ctx, in, "/people/me", r.Token.Access)
	f, failed := errors.AsType[*provider.Failure](err)
	switch {
	case failed && f.Status == 401:
		return "the broker confirmed it, and the access token no longer works"
	case !failed || f.Status == 403:
		return "the broker confirmed it; the access token still works for now"
	}
	return "the broker confirmed it"
}
