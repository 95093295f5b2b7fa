package api_test

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"

	"webex-tokend/daemon/acl"
	"webex-tokend/daemon/wire"
)

// guarded are all routes that ask the rules, with an example of each.
var guarded = []string{
	"GET /v1/status", "GET /v1/events", "GET /v1/grants", "POST /v1/import",
	"GET /v1/grants/ops", "GET /v1/grants/ops/token", "PUT /v1/grants/ops", "DELETE /v1/grants/ops",
	"POST /v1/grants/ops/refresh", "POST /v1/grants/ops/pause", "POST /v1/grants/ops/resume",
	"POST /v1/reload",
	"GET /v1/forecast", "GET /metrics", "POST /v1/web", "POST /v1/grants/ops/revoke", "POST /v1/grants/ops/adopt",
	"POST /v1/grants/ops/probe", "POST /v1/grants/ops/authorizations", "GET /v1/authorizations/1",
	"PUT /v1/authorizations/1", "POST /v1/drain", "POST /v1/key/rotate", "GET /v1/backup", "POST /v1/key/recovery",
	"GET /v1/key/slots", "DELETE /v1/key/slots/1",
}

func TestAUserWhomNoBlockNamesIsRefusedEverywhere(t *testing.T) {
	h := begin(t)
	h.register(t, "ops", "access-token-of-ops")
	for _, route := range guarded {
		method, path, _ := strings.Cut(route, " ")
		status, body := ask(t, h.as(t, stranger), method, path)
		if status != http.StatusForbidden {
			t.Errorf("%s answers a stranger with %d: %s", route, status, body)
		}
		var p wire.Problem
		if err := json.Unmarshal([]byte(body), &p); err != nil || p.Status != http.StatusForbidden || p.Detail != "not allowed" {
			t.Errorf("%s answers a stranger with %q, which is no problem document", route, body)
		}
	}
	for _, route := range []string{"GET /healthz", "GET /readyz"} {
		method, path, _ := strings.Cut(route, " ")
		if status, _ := ask(t, h.as(t, stranger), method, path); status != http.StatusOK {
			t.Errorf("%s answers a stranger with %d, but is for everybody", route, status)
		}
	}
}

func TestTheDaemonsOwnUserIsAllowedEverything(t *testing.T) {
	h := begin(t)
	for _, route := range guarded {
		if route == "GET /v1/events" {
			continue // it does not end by itself
		}
		method, path, _ := strings.Cut(route, " ")
		if status, body := ask(t, h.as(t, os.Geteuid()), method, path); status == http.StatusForbidden || status == http.StatusInternalServerError {
			t.Errorf("%s answers the daemon's own user with %d: %s", route, status, body)
		}
	}
}

func TestABlockAllowsItsActionsOnItsGrantsOnly(t *testing.T) {
	tests := []struct {
		name    string
		actions []acl.Action
		grants  []string
		route   string
		allowed bool
	}{
		{"token lets its user read a token", []acl.Action{acl.Token}, []string{"ops"}, "GET /v1/grants/ops/token", true},
		{"token implies status", []acl.Action{acl.Token}, []string{"ops"}, "GET /v1/grants/ops", true},
		{"token is not for another grant", []acl.Action{acl.Token}, []string{"ops"}, "GET /v1/grants/crm/token", false},
		{"token does not let refresh", []acl.Action{acl.Token}, []string{"ops"}, "POST /v1/grants/ops/refresh", false},
		{"status does not let read a token", []acl.Action{acl.Status}, []string{"*"}, "GET /v1/grants/ops/token", false},
		{"refresh does not let pause", []acl.Action{acl.Refresh}, []string{"ops"}, "POST /v1/grants/ops/pause", false},
		{"admin lets pause", []acl.Action{acl.Admin}, []string{"ops"}, "POST /v1/grants/ops/pause", true},
		{"admin of one grant cannot reload", []acl.Action{acl.Admin}, []string{"ops"}, "POST /v1/reload", false},
		{"admin of all grants can reload", []acl.Action{acl.Admin}, []string{"*"}, "POST /v1/reload", true},
		{"any block opens the lists", []acl.Action{acl.Status}, []string{"nothing"}, "GET /v1/grants", true},
	}
	h := begin(t)
	h.register(t, "ops", "access-token-of-ops")
	c := h.as(t, stranger)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h.allow(test.actions, test.grants...)
			method, path, _ := strings.Cut(test.route, " ")
			status, body := ask(t, c, method, path)
			if got := status != http.StatusForbidden; got != test.allowed {
				t.Errorf("%s answers %d: %s", test.route, status, body)
			}
		})
	}
}

func TestARefusalDoesNotTellWhetherAGrantExists(t *testing.T) {
	h := begin(t)
	h.register(t, "ops", "access-token-of-ops")
	h.allow([]acl.Action{acl.Token}, "crm")
	c := h.as(t, stranger)
	for _, path := range []string{"/v1/grants/%s", "/v1/grants/%s/token"} {
		_, there := ask(t, c, "GET", strings.ReplaceAll(path, "%s", "ops"))
		_, absent := ask(t, c, "GET", strings.ReplaceAll(path, "%s", "nosuch"))
		_, invalid := ask(t, c, "GET", strings.ReplaceAll(path, "%s", "..%2Fetc"))
		if there != absent || there != invalid {
			t.Errorf("%s: answers differ: %q, %q and %q", path, there, absent, invalid)
		}
	}
}

func TestListsShowOnlyWhatTheCallerMaySee(t *testing.T) {
	h := begin(t)
	h.register(t, "ops", "access-token-of-ops")
	h.register(t, "crm", "access-token-of-crm")
	h.allow([]acl.Action{acl.Status}, "crm")

	names := func(c *http.Client) (list []string) {
		_, body := ask(t, c, "GET", "/v1/grants?sort=name")
		var page wire.Grants
		if err := json.Unmarshal([]byte(body), &page); err != nil {
			t.Fatal(err)
		}
		for _, g := range page.Grants {
			list = append(list, g.Name)
		}
		return list
	}
	if got := strings.Join(names(h.as(t, os.Geteuid())), " "); got != "crm ops" {
		t.Errorf("the daemon's own user sees %q", got)
	}
	if got := strings.Join(names(h.as(t, stranger)), " "); got != "crm" {
		t.Errorf("a user of one grant sees %q", got)
	}
	_, body := ask(t, h.as(t, stranger), "GET", "/v1/status")
	var sum wire.Status
	if err := json.Unmarshal([]byte(body), &sum); err != nil || sum.Grants != 1 {
		t.Errorf("a user of one grant has the sum %s", body)
	}
}

func TestATokenInThePlaceOfANameIsNotRepeated(t *testing.T) {
	const token = "NjlhNThmODctMzE5Yy00MTU3LWE2YzUt_PF84_cafe"
	h := begin(t)
	for _, user := range []int{os.Geteuid(), stranger} {
		for _, route := range guarded {
			method, path, _ := strings.Cut(route, " ")
			if !strings.Contains(path, "/grants/ops") {
				continue
			}
			want := map[int]int{os.Geteuid(): http.StatusBadRequest, stranger: http.StatusForbidden}[user]
			status, body := ask(t, h.as(t, user), method, strings.Replace(path, "ops", token, 1))
			if status != want || strings.Contains(body, token) {
				t.Errorf("user %d, %s: %d %s", user, route, status, body)
			}
		}
	}
	list := answers(t, send(t, h.as(t, os.Geteuid()), "POST", "/v1/import", line(token, "1")+"\n"))
	if len(list) != 1 || list[0].Grant != "" || !strings.Contains(list[0].Error, "is no name") {
		t.Errorf("imported as a line: %+v", list)
	}
	if log := h.log.String(); strings.Contains(log, token) || !strings.Contains(log, `grant="(not a name)"`) {
		t.Errorf("the log has it, or no line at all:\n%s", log)
	}
}

func TestDecisionsAreLoggedWithoutSecrets(t *testing.T) {
	h := begin(t)
	h.register(t, "ops", "access-token-of-ops")
	h.allow([]acl.Action{acl.Token}, "ops")
	ask(t, h.as(t, stranger), "GET", "/v1/grants/ops/token")
	ask(t, h.as(t, stranger), "DELETE", "/v1/grants/ops")
	ask(t, h.as(t, stranger), "GET", "/v1/grants/x%0Auid=777%20allowed=true")

	log := h.log.String()
	for _, want := range []string{
		"uid=41414 pid=", "action=token grant=ops generation=1 allowed=true\n",
		`action=admin grant=ops generation=0 allowed=false route="DELETE /v1/grants/{name}" status=403`,
		`grant="(not a name)"`,
	} {
		if !strings.Contains(log, want) {
			t.Errorf("%q is not in the log:\n%s", want, log)
		}
	}
	for _, text := range []string{"access-token-of-ops", "refresh-of", "uid=777"} {
		if strings.Contains(log, text) {
			t.Errorf("%q is in the log:\n%s", text, log)
		}
	}
}
