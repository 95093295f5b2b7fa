package fleet_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"net/http/httptest"

	"webex-tokend/daemon/metrics"
	"webex-tokend/daemon/report"
	"webex-tokend/daemon/verdict"
	"webex-tokend/store"
)

// A grant whose window ends in two days was an unmarked ok below paused ones,
// CRITICAL in check, red on the page and absent from both headlines.
func TestListSummaryCheckMetricsAndAPITellOneVerdictOfEveryGrant(t *testing.T) {
	busy(t, statics+reserved+earlier, func(t *testing.T, h *host) {
		h.settle()
		time.Sleep(2 * time.Hour) // what is declared and not registered is a warning by then
		now := time.Now().UTC().Truncate(time.Millisecond)
		well := func(r *store.Record) {}
		failing := func(n uint64) func(*store.Record) {
			return func(r *store.Record) { r.Failures, r.FailingSince, r.Reason = n, now, "unreachable" }
		}
		slides := func(r *store.Record) {
			r.Observations = []store.Observation{{At: now.Add(-2 * day), EndsAt: r.Refresh.EndsAt.Add(-2 * day), SameRefresh: true},
				{At: now, EndsAt: r.Refresh.EndsAt, SameRefresh: true}}
		}
		both := func(list ...func(*store.Record)) func(*store.Record) {
			return func(r *store.Record) {
				for _, change := range list {
					change(r)
				}
			}
		}
		paused := func(r *store.Record) { r.PausedSince = now }
		expired := func(r *store.Record) { r.Token.ExpiresAt = now.Add(-time.Minute) }
		want := map[string]verdict.Level{"ops-a": verdict.Warning, "ops-b": verdict.Warning}
		for i, c := range []struct {
			days   int
			change func(*store.Record)
			level  verdict.Level
		}{
			{2, well, verdict.Critical}, {10, well, verdict.Warning}, {30, well, verdict.Fine}, {-1, well, verdict.Critical},
			{2, slides, verdict.Fine}, {2, both(slides, failing(1)), verdict.Critical}, {10, both(slides, paused), verdict.Warning},
			{60, failing(1), verdict.Working}, {60, failing(3), verdict.Warning}, {60, both(failing(1), expired), verdict.Critical},
			{60, both(paused, expired), verdict.Critical}, {60, paused, verdict.Warning}, {60, expired, verdict.Critical},
			{60, both(failing(1), func(r *store.Record) { r.Rejection.Count, r.Rejection.First = 1, now }), verdict.Critical},
			{60, func(r *store.Record) { r.DueAt = now.Add(-6 * time.Minute) }, verdict.Critical},
			{60, func(r *store.Record) { r.ReauthorizeSince = now }, verdict.Critical},
			{60, func(r *store.Record) { r.UnverifiedSince = now }, verdict.Critical},
			{60, func(r *store.Record) { r.UnknownSince, r.Failures = now, 1 }, verdict.Warning},
		} {
			name := fmt.Sprintf("rest-%02d", i)
			r := &store.Record{Name: name, Integration: "rest", Kind: "rest", Generation: 1, DueAt: now.Add(time.Hour),
				Token:   store.Token{Access: store.NewSecret("a"), IssuedAt: now, ExpiresAt: now.Add(7 * day)},
				Refresh: store.RefreshToken{Value: store.NewSecret("r" + name), FirstSeen: now, EndsAt: now.Add(time.Duration(c.days) * day)}}
			c.change(r)
			if _, err := h.store.Put(t.Context(), store.Update{Record: r, Expect: store.Absent}); err != nil {
				t.Fatal(err)
			}
			want[name] = c.level
		}
		list := pages(t, h, report.Query{Limit: 4})
		counts := make(map[string]int)
		for i, g := range list {
			counts[g.Level]++
			if level := want[g.Name]; g.Level != string(level) {
				t.Errorf("%s is %s (%s) of level %s, want %s", g.Name, g.State, g.Reason, g.Level, level)
			}
			if check := verdict.Shown(g).Cause(verdict.Usual(), now).Level(); string(check) != g.Level {
				t.Errorf("%s is %s in the list and %s in check", g.Name, g.Level, check)
			}
			if i > 0 && verdict.Level(list[i-1].Level).Rank() < verdict.Level(g.Level).Rank() {
				t.Errorf("%s (%s) comes before %s (%s)", list[i-1].Name, list[i-1].Level, g.Name, g.Level)
			}
			if verdict.Level(g.Level).Rank() > 1 && g.Action == "" {
				t.Errorf("%s is %s, and no command helps", g.Name, g.Level)
			}
		}
		if len(list) != len(want) {
			t.Errorf("%d grants are listed of %d", len(list), len(want))
		}
		for name, view := range map[string]report.View{"all": nil, "a view": func(string) bool { return true }} {
			if sum := h.status(view); !maps.Equal(sum.Levels, counts) || sum.Refused != 1 {
				t.Errorf("%s: levels %v, %d refused, while the list has %v", name, sum.Levels, sum.Refused, counts)
			}
		}
		w := httptest.NewRecorder()
		metrics.New(metrics.Config{Report: h.report, Now: time.Now}).Handler(nil).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/metrics", nil))
		for _, level := range verdict.Levels() {
			if line := fmt.Sprintf("webex_tokend_grants_by_level{level=%q} %d\n", level, counts[string(level)]); !strings.Contains(w.Body.String(), line) {
				t.Errorf("metrics do not have %s", line)
			}
		}
	})
}
