package api_test

import (
	"net/http"
	"os"
	"testing"

	"webex-tokend/daemon/acl"
	"webex-tokend/daemon/api"
)

func TestWhoIsGivenATokenIsTold(t *testing.T) {
	type handed struct {
		grant      string
		uid        uint32
		generation uint64
	}
	var got []handed // requests come one after the other
	h := begin(t, func(cfg *api.Config) {
		cfg.Handed = func(grant string, to acl.Peer, generation uint64) {
			got = append(got, handed{grant, to.UID, generation})
		}
	})
	h.register(t, "ops", "the-token")
	own := h.as(t, os.Geteuid())
	for path, want := range map[string]int{
		"/v1/grants/ops/token":                http.StatusOK,
		"/v1/grants/ops":                      http.StatusOK,
		"/v1/grants/crm/token":                http.StatusConflict,
		"/v1/grants/ops/token?min_valid=999d": http.StatusServiceUnavailable,
	} {
		if status, body := ask(t, own, "GET", path); status != want {
			t.Errorf("%s: status %d: %s", path, status, body)
		}
	}
	if len(got) != 1 || got[0] != (handed{"ops", uint32(os.Geteuid()), 1}) {
		t.Errorf("told of %v", got)
	}
}
