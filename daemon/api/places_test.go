package api_test

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"webex-tokend/daemon/acl"
	"webex-tokend/daemon/api"
)

func TestAUserHasFewLargeAnswersUnderWayAndHoldsUpNobodyElse(t *testing.T) {
	const most, other = 4, stranger + 1
	began, release := make(chan struct{}, 100), make(chan struct{})
	var now, worst atomic.Int32
	h := begin(t, func(cfg *api.Config) {
		cfg.Metrics = func(func(string) bool) http.Handler {
			return http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
				n := now.Add(1)
				defer now.Add(-1)
				for before := worst.Load(); n > before && !worst.CompareAndSwap(before, n); before = worst.Load() {
				}
				began <- struct{}{}
				<-release
			})
		}
	})
	h.rules.Store(acl.New(acl.Config{Blocks: []acl.Block{{
		Users: []string{fmt.Sprint(stranger), fmt.Sprint(other)}, Actions: []acl.Action{acl.Status}, Grants: []string{"ops"},
	}}}))
	var asked sync.WaitGroup
	get := func(c *http.Client) {
		asked.Go(func() {
			if status, body := ask(t, c, "GET", "/metrics"); status != http.StatusOK {
				t.Errorf("%d %s", status, body)
			}
		})
	}
	one := h.as(t, stranger)
	for range 5 * most {
		get(one)
	}
	for range most {
		<-began
	}
	// While one user waits for himself, others are answered, and so is he where
	// an answer is small.
	get(h.as(t, other))
	<-began
	for range 20 {
		if status, body := ask(t, one, "GET", "/v1/grants/ops"); status != http.StatusOK {
			t.Fatalf("%d %s", status, body)
		}
	}
	close(release)
	asked.Wait()
	if n := worst.Load(); n > most+1 {
		t.Errorf("%d answers were under way at once", n)
	}
}

func TestWhoMayImportNothingCannotBeginAnImport(t *testing.T) {
	h := begin(t)
	h.allow([]acl.Action{acl.Status, acl.Token, acl.Refresh}, "*")
	if status, body := ask(t, h.as(t, stranger), "POST", "/v1/import"); status != http.StatusForbidden {
		t.Errorf("without admin on any grant: %d %s", status, body)
	}
	h.allow([]acl.Action{acl.Admin}, "crm")
	list := answers(t, send(t, h.as(t, stranger), "POST", "/v1/import", line("ops", "1")+"\n"+line("crm", "1")))
	if len(list) != 2 || list[0].Error != "not allowed" || list[1].Result != "new" {
		t.Errorf("with admin on one: %+v", list)
	}
}
