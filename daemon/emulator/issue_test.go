package emulator_test

import (
	"encoding/json"
	"runtime"
	"testing"
	"time"

	"webex-tokend/daemon/emulator"
)

func TestManyGrantsAreIssuedAsLinesForABulkImport(t *testing.T) {
	for _, k := range emulator.Kinds() {
		e := emulator.New(emulator.Config{Calm: true})
		seen := map[string]bool{}
		n := 0
		for line := range e.IssueMany(k, 20, nil) {
			var fields struct{ Grant, RefreshToken string }
			var raw map[string]any
			if err := json.Unmarshal(line, &raw); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			fields.Grant, _ = raw["grant"].(string)
			fields.RefreshToken, _ = raw["refresh_token"].(string)
			seen[fields.RefreshToken] = true
			if n == 7 {
				want(t, "name", fields.Grant, "tenant-0000007")
			}
			want(t, "refresh", refresh(t, e, k, fields.RefreshToken).status, 200)
			n++
		}
		want(t, "lines", n, 20)
		want(t, "different tokens", len(seen), 20)
		want(t, "working tokens", len(working(e)), 20)
	}
}

func TestBulkGrantsMayBeNamedAndTakenInPart(t *testing.T) {
	e := emulator.New(emulator.Config{Calm: true})
	for line := range e.IssueMany(emulator.REST, 100, func(i int) string { return string(rune('a' + i)) }) {
		want(t, "name", string(line[:13]), `{"grant":"a",`)
		break
	}
	want(t, "grants", len(working(e)), 1)
	status, _ := e.Grant(1)
	want(t, "email", status.Email, "person0000000@tenants.example")
	want(t, "live access tokens", status.LiveAccess, 1)
	_, known := e.Grant(2)
	want(t, "a second grant is known", known, false)
}

func TestAGrantCostsLittleMemory(t *testing.T) {
	const n, most = 100_000, 150
	e := emulator.New(emulator.Config{Calm: true})
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for range e.IssueMany(emulator.REST, n, nil) {
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	each := int64(after.HeapAlloc-before.HeapAlloc) / n
	t.Logf("%d bytes a grant", each)
	if each > most {
		t.Errorf("a grant costs %d bytes, want at most %d", each, most)
	}
	runtime.KeepAlive(e)
}

func TestRefreshingOftenDoesNotPileUpWhatHasEnded(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	e := emulator.New(emulator.Config{Calm: true, KeepCalls: -1, AccessLife: time.Minute, Now: func() time.Time { return now }})
	issued := e.Issue(emulator.REST, emulator.Consent{Email: "kim@acme.example"})
	for range 200 {
		now = now.Add(30 * time.Second)
		want(t, "status", refresh(t, e, emulator.REST, issued.RefreshToken).status, 200)
		if live := e.LiveAccess("kim@acme.example"); live > 2 {
			t.Fatalf("%d access tokens are live, want at most 2", live)
		}
	}
}

// BenchmarkRefresh is what the emulator costs a benchmark of somebody else.
func BenchmarkRefresh(b *testing.B) {
	e := emulator.New(emulator.Config{Calm: true})
	token := e.Issue(emulator.REST, emulator.Consent{}).RefreshToken
	form := refreshForm(e, emulator.REST, token).Encode()
	b.ReportAllocs()
	for b.Loop() {
		w := &discard{}
		e.ServeHTTP(w, directRequest(form))
		if w.status != 200 {
			b.Fatal(w.status)
		}
	}
}

func BenchmarkIssueMany(b *testing.B) {
	e := emulator.New(emulator.Config{Calm: true})
	b.ReportAllocs()
	b.ResetTimer()
	for range e.IssueMany(emulator.REST, b.N, nil) {
	}
}
