package store_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"webex-tokend/store"
	"webex-tokend/store/boltkv"
	"webex-tokend/store/storetest"
)

var at = time.UnixMilli(1_790_000_000_000).UTC()

func memory(t *testing.T) (*store.Store, *storetest.Memory) {
	t.Helper()
	kv := new(storetest.Memory)
	s, err := store.Open(t.Context(), kv, store.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return s, kv
}

// grant is due n minutes after at, its window ends n days after.
func grant(name string, n int) *store.Record {
	return &store.Record{
		Name: name, Integration: "crm", Generation: 1,
		Token:   store.Token{Access: store.NewSecret("access of " + name), ExpiresAt: at.Add(time.Hour)},
		Refresh: store.RefreshToken{Value: store.NewSecret("refresh of " + name), EndsAt: at.AddDate(0, 0, n)},
		DueAt:   at.Add(time.Duration(n) * time.Minute),
	}
}

func put(t *testing.T, s *store.Store, r *store.Record, expect store.Revision) store.Revision {
	t.Helper()
	revision, err := s.Put(t.Context(), store.Update{Record: r, Expect: expect})
	if err != nil {
		t.Fatal(err)
	}
	return revision
}

func TestARecordSurvivesInBolt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	open := func() *store.Store {
		kv, err := boltkv.Open(boltkv.Config{Path: path})
		if err != nil {
			t.Fatal(err)
		}
		s, err := store.Open(t.Context(), kv, store.Config{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}
	s := open()
	revision := put(t, s, grant("ops", 1), store.Absent)
	print := s.Fingerprint(store.NewSecret("refresh of ops"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s = open()
	got, err := s.Get(t.Context(), "ops")
	if err != nil || got.Revision != revision || got.Token.Access.Reveal() != "access of ops" || !got.DueAt.Equal(at.Add(time.Minute)) {
		t.Fatalf("got %+v and %v", got, err)
	}
	if s.Fingerprint(store.NewSecret("refresh of ops")) != print {
		t.Error("the store has forgotten the key of its fingerprints")
	}
	due, err := s.Due(t.Context(), "crm", at.Add(time.Hour), nil, 10)
	if err != nil || len(due) != 1 || due[0].Name != "ops" {
		t.Errorf("due: %v and %v", due, err)
	}
}

func TestTwoStoresFingerprintOneTokenDifferently(t *testing.T) {
	a, _ := memory(t)
	b, _ := memory(t)
	token := store.NewSecret("refresh")
	if a.Fingerprint(token) == b.Fingerprint(token) {
		t.Error("the fingerprints are equal")
	}
	if a.Fingerprint(token) != a.Fingerprint(store.NewSecret("refresh")) || a.Fingerprint(token) == a.Fingerprint(store.NewSecret("other")) {
		t.Error("a fingerprint does not tell tokens apart")
	}
}

func TestAnUpdateFromAnOldRevisionIsAConflict(t *testing.T) {
	s, _ := memory(t)
	first := put(t, s, grant("ops", 1), store.Absent)
	r := grant("ops", 2)
	put(t, s, r, first)
	if _, err := s.Put(t.Context(), store.Update{Record: r, Expect: first}); !errors.Is(err, store.ErrConflict) {
		t.Errorf("Put: %v", err)
	}
	if _, err := s.Claim(t.Context(), "ops", first, store.Intent{Attempt: 1}, nil); !errors.Is(err, store.ErrConflict) {
		t.Errorf("Intend: %v", err)
	}
	if _, err := s.Get(t.Context(), "other"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Get of another: %v", err)
	}
}

func TestGrantsFallDueInTheirOrder(t *testing.T) {
	s, _ := memory(t)
	for i, name := range []string{"c", "a", "d", "b"} {
		put(t, s, grant(name, i), store.Absent)
	}
	never := grant("never", 0)
	never.DueAt = time.Time{}
	put(t, s, never, store.Absent)
	elsewhere := grant("elsewhere", 0)
	elsewhere.Integration = "crm/2"
	put(t, s, elsewhere, store.Absent)

	names := func(now time.Time, after *store.DueGrant, limit int) (list []string) {
		t.Helper()
		due, err := s.Due(t.Context(), "crm", now, after, limit)
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range due {
			list = append(list, g.Name)
			if !g.AccessExpires.Equal(at.Add(time.Hour)) {
				t.Errorf("%s expires at %v", g.Name, g.AccessExpires)
			}
		}
		return list
	}
	for _, c := range []struct {
		what  string
		now   time.Time
		after *store.DueGrant
		limit int
		want  []string
	}{
		{"a grant is due from its very instant on", at, nil, 0, []string{"c"}},
		{"a millisecond earlier it is not", at.Add(-time.Millisecond), nil, 0, nil},
		{"the longest overdue comes first", at.Add(2 * time.Minute), nil, 0, []string{"c", "a", "d"}},
		{"a page ends at its limit", at.Add(time.Hour), nil, 2, []string{"c", "a"}},
		{"the next page begins behind it", at.Add(time.Hour), &store.DueGrant{Name: "a", DueAt: at.Add(time.Minute)}, 2, []string{"d", "b"}},
	} {
		if got := names(c.now, c.after, c.limit); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.what, got, c.want)
		}
	}
}

func TestAttentionIsSortedByStateAndByWhenOnlyAHumanCanHelp(t *testing.T) {
	s, _ := memory(t)
	for i, name := range []string{"late", "later", "latest"} {
		put(t, s, grant(name, 10+i), store.Absent)
	}
	first := grant("first", 1)
	put(t, s, first, store.Absent)
	endless := grant("endless", 0)
	endless.Refresh.EndsAt = time.Time{}
	put(t, s, endless, store.Absent)
	static := grant("static", 0)
	static.Refresh, static.Token.ExpiresAt = store.RefreshToken{}, at.AddDate(0, 0, 2)
	put(t, s, static, store.Absent)
	failing := grant("failing", 5)
	failing.Failures = 2
	put(t, s, failing, store.Absent)

	page, err := s.Attention(t.Context(), store.Place{Integration: "crm", State: store.OK}, nil, time.Time{}, 5)
	if err != nil {
		t.Fatal(err)
	}
	rest, err := s.Attention(t.Context(), store.Place{Integration: "crm", State: store.OK}, &page[len(page)-1], time.Time{}, 4)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, g := range append(page, rest...) {
		got = append(got, g.Name)
	}
	if want := []string{"first", "static", "late", "later", "latest", "endless"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if !page[0].At.Equal(first.Refresh.EndsAt) || !rest[0].At.IsZero() {
		t.Errorf("window ends %v and %v", page[0].At, rest[0].At)
	}
	if list, err := s.Attention(t.Context(), store.Place{Integration: "crm", State: store.Retrying}, nil, time.Time{}, 0); err != nil || len(list) != 1 || list[0].Name != "failing" {
		t.Errorf("retrying: %v and %v", list, err)
	}

	places, complete, err := s.Places(t.Context())
	slices.SortFunc(places, func(a, b store.Counted) int { return cmp.Or(b.Grants-a.Grants, cmp.Compare(a.Part, b.Part)) })
	if err != nil || !complete || fmt.Sprint(places) != "[{{crm ok } 6} {{crm retrying } 1} {{crm retrying expires} 1}]" {
		t.Errorf("places: %v, %t and %v", places, complete, err)
	}
	if list, err := s.Attention(t.Context(), store.Place{Integration: "crm", State: store.OK}, nil, first.Refresh.EndsAt.Add(time.Millisecond), 9); err != nil || len(list) != 1 || list[0].Name != "first" {
		t.Errorf("before its end: %v and %v", list, err)
	}
}

func TestPlacesSayWhatIsUrgentWithoutReadingRecords(t *testing.T) {
	expiry := at.Add(time.Hour)
	failed := func(times uint64) func(*store.Record) {
		return func(r *store.Record) { r.Failures, r.Token.ExpiresAt = times, expiry }
	}
	for _, c := range []struct {
		name   string
		change func(*store.Record)
		want   []string
	}{
		{"well", func(*store.Record) {}, []string{"crm/ok"}},
		{"well, and its window slides", func(r *store.Record) {
			r.Observations = []store.Observation{{At: at, EndsAt: at.AddDate(0, 0, 60), SameRefresh: true},
				{At: at.AddDate(0, 0, 2), EndsAt: at.AddDate(0, 0, 62), SameRefresh: true}}
		}, []string{"crm/ok:slides"}},
		{"failed twice", failed(2), []string{"crm/retrying", "crm/retrying:expires"}},
		{"failed three times", failed(3), []string{"crm/retrying:often", "crm/retrying:expires"}},
		{"refused", func(r *store.Record) { failed(3)(r); r.Rejection.Count = 1 }, []string{"crm/retrying:refused"}},
		{"paused", func(r *store.Record) { r.PausedSince, r.Token.ExpiresAt = at, expiry }, []string{"crm/paused", "crm/paused:expires"}},
		{"given up", func(r *store.Record) { r.ReauthorizeSince = at }, []string{"crm/reauthorize"}},
	} {
		s, kv := memory(t)
		r := grant("ops", 1)
		c.change(r)
		put(t, s, r, store.Absent)
		groups, _, err := kv.Groups(t.Context(), store.AttentionIndex)
		slices.Sort(groups)
		slices.Sort(c.want)
		if n, countErr := s.Grants(t.Context()); err != nil || countErr != nil || !slices.Equal(groups, c.want) || n != 1 {
			t.Errorf("%s: %d grants in %q, want %q (%v, %v)", c.name, n, groups, c.want, err, countErr)
		}
	}
}

func TestPlacesPartIntegrationAndStateWhateverTheNames(t *testing.T) {
	s, _ := memory(t)
	for i, integration := range []string{"", "a/b", "a", "ok", "a/b/ok:slides"} {
		r := grant(fmt.Sprint("g", i), i)
		r.Integration = integration
		put(t, s, r, store.Absent)
	}
	places, _, err := s.Places(t.Context())
	if err != nil || len(places) != 5 {
		t.Fatalf("%v and %v", places, err)
	}
	for _, p := range places {
		if p.State != store.OK || p.Grants != 1 {
			t.Errorf("%+v", p)
		}
	}
}

func TestARemovedRecordStandsInNoIndexAndIsStillThere(t *testing.T) {
	s, kv := memory(t)
	revision := put(t, s, grant("ops", 1), store.Absent)
	print := s.Fingerprint(store.NewSecret("refresh of ops"))
	put(t, s, &store.Record{Name: "ops", Removed: true, Fingerprints: []store.Fingerprint{print}}, revision)
	for _, index := range []store.Index{store.DueIndex, store.AttentionIndex} {
		if groups, _, err := kv.Groups(t.Context(), index); err != nil || len(groups) != 0 {
			t.Errorf("%s: %q and %v", index, groups, err)
		}
	}
	if got, err := s.Get(t.Context(), "ops"); err != nil || !got.Removed || !slices.Contains(got.Fingerprints, print) {
		t.Errorf("got %+v and %v", got, err)
	}
}

func TestAnIntentStaysOpenUntilItsOutcomeIsStored(t *testing.T) {
	s, _ := memory(t)
	sent := store.Intent{At: at, Attempt: 1, Generation: 1, Fingerprint: store.Fingerprint{1, 2, 3}}
	var revisions []store.Revision
	var made []*store.OpenIntent
	for i, name := range []string{"a", "b", "c"} {
		revision := put(t, s, grant(name, i), store.Absent)
		revisions = append(revisions, revision)
		intent, err := s.Claim(t.Context(), name, revision, sent, nil)
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, intent)
	}
	open, err := s.Intents(t.Context(), "", 2)
	if err != nil || len(open) != 2 || open[0].Name != "a" || !open[0].Same(*made[0]) || open[0].Fingerprint != sent.Fingerprint {
		t.Fatalf("%+v and %v", open, err)
	}
	// The intent has not changed the record's revision.
	put(t, s, grant("b", 9), revisions[1])
	if _, err := s.Put(t.Context(), store.Update{Record: grant("c", 9), Expect: revisions[2], Close: made[2]}); err != nil {
		t.Fatal(err)
	}
	open, err = s.Intents(t.Context(), "a", 10)
	if err != nil || len(open) != 1 || open[0].Name != "b" {
		t.Errorf("%+v and %v", open, err)
	}
}

func TestAnIntentThatDoesNotDecodeIsStillOpen(t *testing.T) {
	s, kv := memory(t)
	c := store.Change{Name: "ops", Expect: store.Any, Marks: []store.Mark{{Index: store.OpenIndex, Value: []byte{0xFF, 1}}}}
	if _, err := kv.Swap(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if open, err := s.Intents(t.Context(), "", 10); err != nil || len(open) != 1 || open[0].Name != "ops" || open[0].Attempt != 0 {
		t.Errorf("%+v and %v", open, err)
	}
}

func TestOutputsAreBehindUntilTheirGenerationIsPublished(t *testing.T) {
	s, _ := memory(t)
	r := grant("ops", 1)
	revision, err := s.Put(t.Context(), store.Update{Record: r, Unpublished: true})
	if err != nil {
		t.Fatal(err)
	}
	r.Generation = 2
	if _, err := s.Put(t.Context(), store.Update{Record: r, Expect: revision, Unpublished: true}); err != nil {
		t.Fatal(err)
	}
	if err := s.Published(t.Context(), "ops", 1); !errors.Is(err, store.ErrConflict) {
		t.Errorf("the older generation: %v", err)
	}
	if list, err := s.Unpublished(t.Context(), "", 10); err != nil || !slices.Equal(list, []string{"ops"}) {
		t.Errorf("%q and %v", list, err)
	}
	if err := s.Published(t.Context(), "ops", 2); err != nil {
		t.Fatal(err)
	}
	if list, err := s.Unpublished(t.Context(), "", 10); err != nil || len(list) != 0 {
		t.Errorf("%q and %v", list, err)
	}
}

func TestADamagedRowHidesNoOther(t *testing.T) {
	s, kv := memory(t)
	for i, name := range []string{"a", "b", "c", "d"} {
		put(t, s, grant(name, i), store.Absent)
	}
	spoil := func(name string, value []byte) {
		t.Helper()
		if _, err := kv.Swap(t.Context(), store.Change{Name: name, Expect: store.Any, Write: &store.Write{Value: value}}); err != nil {
			t.Fatal(err)
		}
	}
	other, err := kv.Get(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	spoil("b", nil)
	spoil("c", other.Value) // the record of somebody else

	list, damaged, err := s.List(t.Context(), "", 10)
	if err != nil || len(list) != 2 || list[0].Name != "a" || list[1].Name != "d" {
		t.Fatalf("%+v and %v", list, err)
	}
	if len(damaged) != 2 || damaged[0].Name != "b" || damaged[1].Name != "c" {
		t.Fatalf("damaged: %v", damaged)
	}
	_, err = s.Get(t.Context(), "c")
	bad, ok := errors.AsType[*store.DamagedError](err)
	if !ok || bad.Revision == store.Absent {
		t.Fatalf("Get: %v", err)
	}
	// Whoever registers the grant anew can replace it.
	put(t, s, grant("c", 1), bad.Revision)
	if _, err := s.Get(t.Context(), "c"); err != nil {
		t.Error(err)
	}
	spoil("d", []byte{200, 1})
	if _, err := s.Get(t.Context(), "d"); !errors.Is(err, store.ErrNewerFormat) {
		t.Errorf("a newer record: %v", err)
	}
}

// reversing seals by turning the bytes round and adding the name.
type reversing struct{}

func (reversing) Seal(name string, plain []byte) ([]byte, error) {
	sealed := append(slices.Clone(plain), name...)
	slices.Reverse(sealed)
	return sealed, nil
}

func (reversing) Open(name string, sealed []byte) ([]byte, error) {
	plain := slices.Clone(sealed)
	slices.Reverse(plain)
	if len(plain) < len(name) || string(plain[len(plain)-len(name):]) != name {
		return nil, errors.New("sealed under another name")
	}
	return plain[:len(plain)-len(name)], nil
}

func TestRecordsPassThroughTheSeal(t *testing.T) {
	kv := new(storetest.Memory)
	s, err := store.Open(t.Context(), kv, store.Config{Seal: reversing{}})
	if err != nil {
		t.Fatal(err)
	}
	put(t, s, grant("a", 1), store.Absent)
	if got, err := s.Get(t.Context(), "a"); err != nil || got.Refresh.Value.Reveal() != "refresh of a" {
		t.Fatalf("%+v and %v", got, err)
	}
	row, err := kv.Get(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kv.Swap(t.Context(), store.Change{Name: "b", Write: &store.Write{Value: row.Value}}); err != nil {
		t.Fatal(err)
	}
	_, err = s.Get(t.Context(), "b")
	if _, ok := errors.AsType[*store.DamagedError](err); !ok {
		t.Errorf("a row under another name: %v", err)
	}
}

func TestAnErrorOfTheBackendIsNotDamage(t *testing.T) {
	s, _ := memory(t)
	put(t, s, grant("a", 1), store.Absent)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Get(ctx, "a"); !errors.Is(err, context.Canceled) {
		t.Errorf("Get: %v", err)
	}
	if _, _, err := s.List(ctx, "", 1); !errors.Is(err, context.Canceled) {
		t.Errorf("List: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(t.Context(), "a"); !errors.Is(err, store.ErrClosed) {
		t.Errorf("Get after Close: %v", err)
	}
}
