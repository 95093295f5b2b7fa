package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/endpoint"
	"webex-tokend/daemon/provider"
	"webex-tokend/daemon/refusal"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
)

// Verdicts of a probe, and results of its checks.
const (
	verdictAlive   = "alive"
	verdictDead    = "dead"
	verdictUnknown = "unknown"

	checkOK           = "ok"
	checkScopeMissing = "scope_missing" // the token is alive
	checkDead         = "dead"
	checkUnsupported  = "unsupported" // the API has no such route
	checkFailed       = "failed"
)

// A trial is one request of a probe and the scope that Webex documents for it.
type trial struct {
	path  string
	scope string
}

const expiryPath = "/authorizations/tokenExpiry"

func trials(kind config.Kind) []trial {
	list := []trial{{"/people/me", "spark:people_read"}, {"/rooms?max=1", "spark:rooms_read"}}
	if kind == config.Generic {
		return list
	}
	return append(list, trial{expiryPath, ""})
}

// Probe tries the access token of a grant on the API, reading only. Nothing in
// the record changes, whatever comes of it.
func (g *Registry) Probe(ctx context.Context, name string) (wire.Probe, error) {
	cfg := g.cfg.Config()
	stored, err := g.cfg.States.Read(ctx, cfg, name)
	if err != nil {
		return wire.Probe{}, err
	}
	in, _, declared := cfg.Rules(name)
	switch {
	case !declared:
		return wire.Probe{}, g.cfg.States.Refuse(name, g.cfg.States.Condition(stored.Record), "is not probed")
	case stored.Token.Access.Empty():
		return wire.Probe{}, &refusal.Error{Kind: refusal.Conflict, Detail: fmt.Sprintf("grant %s has no access token yet", name), Action: "webex-tokend refresh " + name}
	case in.Kind == config.Meetings:
		return wire.Probe{}, &refusal.Error{Kind: refusal.Conflict, Detail: fmt.Sprintf("grant %s is of kind meetings, whose API has no routes to probe", name)}
	case in.APIURL == "":
		return wire.Probe{}, &refusal.Error{Kind: refusal.Conflict, Detail: fmt.Sprintf("integration %s has no api_url to probe", in.Name)}
	}
	p := wire.Probe{Grant: name, Verdict: verdictUnknown}
	for _, t := range trials(in.Kind) {
		g.try(ctx, in, stored.Record, t, &p)
	}
	g.cfg.Log.Info("probed", "grant", name, "verdict", p.Verdict)
	return p, nil
}

// try sends one request. An answer that bears the token out, as 200 and 403
// do, outweighs a 401 of another route.
func (g *Registry) try(ctx context.Context, in *config.Integration, r *store.Record, t trial, p *wire.Probe) {
	sentAt := g.cfg.Now()
	answer, err := g.cfg.Provider.Get(ctx, in, t.path, r.Token.Access)
	failure, failed := errors.AsType[*provider.Failure](err)
	check := wire.Check{Request: "GET " + t.path, Status: answer.Status, Result: checkOK}
	date := answer.Date
	if failed {
		date = failure.Date
		check.Status, check.TrackingID = failure.Status, failure.TrackingID
		check.Result, check.Detail = checkResult(failure, t)
	}
	switch {
	case check.Result == checkOK, check.Result == checkScopeMissing:
		p.Verdict = verdictAlive
	case check.Result == checkDead && p.Verdict == verdictUnknown:
		p.Verdict = verdictDead
	}
	if !date.IsZero() {
		seconds := endpoint.Skew(date, sentAt, g.cfg.Now()).Seconds()
		p.ClockSkew = &seconds
	}
	if check.Result == checkOK {
		readTrial(answer, t, r, p)
	}
	p.Checks = append(p.Checks, check)
}

func readTrial(answer provider.APIAnswer, t trial, r *store.Record, p *wire.Probe) {
	if person, ok := answer.Person(); ok && t.path == "/people/me" {
		p.Person = &wire.Person{ID: person.ID, DisplayName: person.DisplayName, Email: person.Email, OrgID: person.OrgID}
	}
	end, ok := answer.Instant("exp")
	if !ok || t.path != expiryPath {
		return
	}
	p.ExpiresAt = &end
	if !r.Token.ExpiresAt.IsZero() {
		off := end.Sub(r.Token.ExpiresAt).Seconds()
		p.ExpiryOff = &off
	}
}

// checkResult reads a refusal of the API. Webex answers 403 to a token that works
// and lacks the scope, 401 to one that does not work.
func checkResult(f *provider.Failure, t trial) (result, detail string) {
	switch f.Status {
	case http.StatusForbidden:
		if t.scope == "" {
			return checkScopeMissing, "the token is alive, and lacks a scope for this"
		}
		return checkScopeMissing, "the token is alive, and lacks the scope " + t.scope
	case http.StatusUnauthorized:
		return checkDead, "the token does not work"
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		return checkUnsupported, "the API has no such route"
	case 0:
		return checkFailed, f.Code
	}
	if f.Description != "" {
		return checkFailed, f.Code + ": " + f.Description
	}
	return checkFailed, f.Code
}
