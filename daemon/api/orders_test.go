package api_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"webex-tokend/daemon/acl"
	"webex-tokend/daemon/client"
	"webex-tokend/daemon/wire"
)

// An issuing server gives out another access token for each request and counts
// them, as Webex does, which locks out accounts that hold 750. Tokens live 14 days.
func issuing(t *testing.T) (url string, issued *atomic.Int64) {
	issued = new(atomic.Int64)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, response(fmt.Sprintf("access-%d", issued.Add(1)), "refresh-1"))
	}))
	t.Cleanup(s.Close)
	return s.URL, issued
}

// Each order was exempt from interval and budget, whoever gave it: a delegate, or
// a cron job of one, could lock the account out within a day.
func TestDelegatesCannotFillAnAccountWithTokens(t *testing.T) {
	const second = stranger + 1
	url, issued := issuing(t)
	h := beginAt(t, url)
	h.register(t, "ops", "A1")
	h.rules.Store(acl.New(acl.Config{Blocks: []acl.Block{
		{Users: []string{fmt.Sprint(stranger)}, Actions: []acl.Action{acl.Refresh, acl.Token}, Grants: []string{"ops"}},
		{Users: []string{fmt.Sprint(second)}, Actions: []acl.Action{acl.Admin}, Grants: []string{"ops"}},
	}}))
	delegate, admin := h.as(t, stranger), h.as(t, second)

	for range 20 {
		ask(t, delegate, "POST", "/v1/grants/ops/refresh")
		ask(t, delegate, "GET", "/v1/grants/ops/token?min_valid=400h")
	}
	if n := issued.Load(); n != 1 {
		t.Fatalf("a delegate had %d tokens issued by 20 orders in a moment", n)
	}
	resp := send(t, delegate, "POST", "/v1/grants/ops/refresh", "")
	var told wire.Problem
	if err := json.NewDecoder(resp.Body).Decode(&told); err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") == "" {
		t.Errorf("refused by %d, Retry-After %q", resp.StatusCode, resp.Header.Get("Retry-After"))
	}
	if day := time.Now().UTC().Add(24 * time.Hour).Format("2006-01-02T15"); !strings.Contains(told.Detail, "may be refreshed again at "+day[:10]) {
		t.Errorf("not told when it is possible: %s", told.Detail)
	}

	t.Run("force takes the rights of an admin", func(t *testing.T) {
		for query, status := range map[string]int{"force=1": 403, "force=0": 429, "force=": 429, "force=yes": 400} {
			if got, body := ask(t, delegate, "POST", "/v1/grants/ops/refresh?"+query); got != status {
				t.Errorf("%s: %d %s, want %d", query, got, body, status)
			}
		}
		if got, body := ask(t, admin, "POST", "/v1/grants/ops/refresh"); got != 429 || !strings.Contains(body, "--force") {
			t.Errorf("an admin without force: %d %s", got, body)
		}
		if n := issued.Load(); n != 1 {
			t.Fatalf("%d tokens issued to callers without a right to them", n-1)
		}
		if got, body := ask(t, admin, "POST", "/v1/grants/ops/refresh?force=1"); got != 200 || issued.Load() != 2 {
			t.Errorf("an admin with force: %d %s", got, body)
		}
	})
	t.Run("the daemon's own user is exempt", func(t *testing.T) {
		if _, err := h.client(t).Refresh(t.Context(), "ops"); err != nil || issued.Load() != 3 {
			t.Errorf("%d issued: %v", issued.Load(), err)
		}
		if _, err := h.client(t).Refresh(t.Context(), "ops", client.Force); err != nil || issued.Load() != 4 {
			t.Errorf("%d issued: %v", issued.Load(), err)
		}
	})
}
