package flow_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"webex-tokend/daemon/emulator"
	"webex-tokend/daemon/flow"
	"webex-tokend/daemon/registry"
	"webex-tokend/daemon/tokenfile"
	"webex-tokend/daemon/wire"
)

func TestARenewalByTheSamePersonReplaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, emulator.Config{}, "")
		h.done(h.authorize("ops", flow.Options{}, accept(alex)))
		before := h.token("ops")
		time.Sleep(30 * 24 * time.Hour)
		out := h.done(h.authorize("ops", flow.Options{}, accept(alex)))
		if out.Result != "replaced" || out.Window != wire.WindowLater || out.Grant.Generation != 2 || h.token("ops") == before {
			t.Errorf("renewal %+v", out)
		}
	})
}

func TestARenewalBySomebodyElseChangesNothing(t *testing.T) {
	for _, row := range []struct {
		name, person, why string
		imported          bool // the first tokens came by import, nobody was asked then
	}{
		{"a colleague", kim, "another person", false},
		{"a stranger", "alex.morgan@rival.example", "another person", false},
		{"a colleague, after an import", kim, "another person", true},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t, emulator.Config{}, "")
				if row.imported {
					issued := h.webex.Issue(emulator.REST, emulator.Consent{Email: alex})
					parsed, err := tokenfile.Parse(issued.Response, tokenfile.Auto)
					if err != nil {
						t.Fatal(err)
					}
					if _, err := h.fleet.Registry.Register(t.Context(), "ops", registry.Registration{Answer: parsed.Answer}); err != nil {
						t.Fatal(err)
					}
				} else {
					h.done(h.authorize("ops", flow.Options{}, accept(alex)))
				}
				before := h.token("ops")
				h.failed(h.authorize("ops", flow.Options{}, accept(row.person)), row.why, "webex-tokend authorize ops --other-user")
				if h.token("ops") != before {
					t.Error("the tokens were replaced")
				}
				if err := h.fleet.Refresher.Refresh(t.Context(), "ops"); err != nil {
					t.Errorf("the tokens before: %v", err)
				}
				out := h.done(h.authorize("ops", flow.Options{OtherUser: true}, accept(row.person)))
				if out.Result != "replaced" || out.Person.Email != row.person {
					t.Errorf("with --other-user: %+v", out)
				}
				// From now on it is theirs.
				h.failed(h.authorize("ops", flow.Options{}, accept(alex)), "another person", "--other-user")
			})
		})
	}
}

func TestTheSameRefreshTokenKeepsItsWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, emulator.Config{SameOnConsent: true, Window: emulator.Fixed}, "")
		first := h.done(h.authorize("ops", flow.Options{}, accept(alex)))
		time.Sleep(20 * 24 * time.Hour)
		again := h.done(h.authorize("ops", flow.Options{}, accept(alex)))
		if again.Window != wire.WindowSame || again.Grant.WindowEndsAt.Sub(*first.Grant.WindowEndsAt).Abs() > time.Minute {
			t.Errorf("window %s, ends %v, before %v", again.Window, again.Grant.WindowEndsAt, first.Grant.WindowEndsAt)
		}
		if !slices.ContainsFunc(again.Warnings, func(w string) bool { return strings.Contains(w, "did not move") }) {
			t.Errorf("warnings %q", again.Warnings)
		}
		if again.Grant.Generation != 2 || again.Result != "replaced" {
			t.Errorf("the access token of the renewal was not taken: %+v", again)
		}
		if again.Grant.Window != "fixed" {
			t.Errorf("what was observed before is lost: window is %s", again.Grant.Window)
		}
	})
}

func TestNarrowedScopesAreNamedAndFlagged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, emulator.Config{}, "")
		out := h.done(h.authorize("ops", flow.Options{}, accept(alex, "spark:people_read")))
		if !slices.Equal(out.Missing, []string{"spark:rooms_read"}) || !slices.Contains(out.Warnings, "not granted: spark:rooms_read") {
			t.Errorf("missing %q, warnings %q", out.Missing, out.Warnings)
		}
		g, err := h.report.Grant(t.Context(), "ops")
		if err != nil || g.State != "ok" || g.Reason != "scopes_missing" || g.Action != "webex-tokend authorize ops" {
			t.Errorf("grant %+v, %v", g, err)
		}
		p, err := h.fleet.Registry.Probe(t.Context(), "ops")
		if err != nil || p.Verdict != "alive" || len(p.Checks) != 3 || p.Checks[1].Result != "scope_missing" ||
			!strings.Contains(p.Checks[1].Detail, "spark:rooms_read") || p.Checks[1].TrackingID == "" {
			t.Errorf("probe %+v, %v", p, err)
		}
		if p.Person == nil || p.Person.DisplayName != "Alex Morgan" || p.ExpiryOff == nil || *p.ExpiryOff < -60 || *p.ExpiryOff > 60 {
			t.Errorf("probe %+v", p)
		}
		// Without the scope for people/me nobody can be verified, and it is said.
		out = h.done(h.authorize("ops", flow.Options{}, accept(alex, "spark:rooms_read")))
		if out.Person != nil || !slices.ContainsFunc(out.Warnings, func(w string) bool { return strings.Contains(w, "spark:people_read was not granted") }) {
			t.Errorf("person %+v, warnings %q", out.Person, out.Warnings)
		}
		// The grant is still whose it was.
		h.failed(h.authorize("ops", flow.Options{}, accept(kim)), "another person", "--other-user")
	})
}

func TestAnAPIThatIsAwayDoesNotStandAgainstAConsent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, emulator.Config{}, "")
		h.between = func(req *http.Request, pass http.RoundTripper) (*http.Response, error) {
			if strings.HasSuffix(req.URL.Path, "/people/me") {
				req.URL.Path = "/nowhere"
			}
			return pass.RoundTrip(req)
		}
		out := h.done(h.authorize("ops", flow.Options{}, accept(alex)))
		if out.Person != nil || len(out.Warnings) != 1 || !strings.Contains(out.Warnings[0], "no people/me") {
			t.Errorf("outcome %+v", out)
		}
	})
}

func TestRevokingTellsWhatTheBrokerSaid(t *testing.T) {
	for _, row := range []struct {
		name, more string
		status     int // of the endpoint; 0: the emulator's own answer
		result     string
		state      string // of the grant afterwards
	}{
		{"it is revoked, and forgotten", "", 0, "revoked", "pending"},
		{"the endpoint does not exist", "", http.StatusNotFound, "unsupported", "ok"},
		{"the endpoint is in trouble", "", http.StatusBadGateway, "unknown", "ok"},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t, emulator.Config{}, `revoke_url = "https://webex.test/idb/oauth2/v1/revoke"`)
				h.done(h.authorize("ops", flow.Options{}, accept(alex)))
				token := h.token("ops")
				h.between = func(req *http.Request, pass http.RoundTripper) (*http.Response, error) {
					if row.status != 0 && strings.HasSuffix(req.URL.Path, "/revoke") {
						return &http.Response{StatusCode: row.status, Header: http.Header{}, Body: http.NoBody}, nil
					}
					return pass.RoundTrip(req)
				}
				out, err := h.fleet.Registry.Revoke(t.Context(), "ops")
				if err != nil || out.Result != row.result || out.Detail == "" {
					t.Errorf("revocation %+v, %v", out, err)
				}
				if strings.Contains(out.Detail, token) {
					t.Error("the detail has the token in it")
				}
				if g, err := h.report.Grant(t.Context(), "ops"); err != nil || g.State != row.state {
					t.Errorf("grant %s, %v", g.State, err)
				}
			})
		})
	}
}
