package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"webex-tokend/store"
	"webex-tokend/store/storetest"
)

func TestAllGoesThroughEveryRecordOnceWhateverThePage(t *testing.T) {
	memory := new(storetest.Memory)
	s, err := store.Open(t.Context(), memory, store.Config{})
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for i := range 7 {
		name := fmt.Sprint("g-", i)
		want = append(want, name)
		r := &store.Record{Name: name, Integration: "crm", Kind: "rest", Removed: i == 1}
		if _, err := s.Put(t.Context(), store.Update{Record: r, Expect: store.Absent}); err != nil {
			t.Fatal(err)
		}
	}
	// At the end of a page of three, and of the fleet.
	for _, name := range []string{"g-2", "g-6"} {
		if _, err := memory.Swap(t.Context(), store.Change{Name: name, Expect: store.Any, Write: &store.Write{Value: []byte("rotten")}}); err != nil {
			t.Fatal(err)
		}
	}
	for limit := 1; limit < 9; limit++ {
		var got []string
		ended := false
		for page, err := range s.All(t.Context(), "", limit) {
			if err != nil || ended || page.Looked() > limit {
				t.Fatalf("by %d: %+v, %v", limit, page, err)
			}
			for _, r := range page.Records {
				got = append(got, r.Name)
			}
			for _, d := range page.Damaged {
				got = append(got, d.Name)
			}
			ended = !page.More
		}
		slices.Sort(got)
		if !slices.Equal(got, want) || !ended {
			t.Errorf("by %d: %v, ended %v", limit, got, ended)
		}
	}
	for page := range s.All(t.Context(), "g-4", 10) {
		if len(page.Records) != 1 || page.Records[0].Name != "g-5" || page.Last != "g-6" || page.More {
			t.Errorf("behind the fifth: %+v", page)
		}
	}
}

func TestAllEndsWithAnError(t *testing.T) {
	s, err := store.Open(t.Context(), new(storetest.Memory), store.Config{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	times := 0
	for _, err := range s.All(ctx, "", 10) {
		if times++; !errors.Is(err, context.Canceled) {
			t.Errorf("it yields %v", err)
		}
	}
	if times != 1 {
		t.Errorf("it yields %d times", times)
	}
}
