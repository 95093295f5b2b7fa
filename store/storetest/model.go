package storetest

import (
	"errors"
	"fmt"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"webex-tokend/store"
)

// compare takes the backend and Memory through the same random histories:
// every change has the same outcome, and at the end everything that can be
// read is the same but for the numbers of revisions.
func compare(t *testing.T, open func(testing.TB) store.KV) {
	rapid.Check(t, func(rt *rapid.T) {
		h := history{T: rt, kv: open(t), model: new(Memory), revisions: make(map[string][]pair)}
		defer h.kv.Close()
		for range rapid.IntRange(1, 40).Draw(rt, "changes") {
			h.change()
		}
		h.read()
	})
}

// A history runs on two backends at once.
type history struct {
	*rapid.T
	kv        store.KV
	model     *Memory
	revisions map[string][]pair // that a name has had
}

// A pair is one revision as the backend and as the model call it.
type pair struct{ kv, model store.Revision }

var (
	drawName  = rapid.SampledFrom([]string{"a", "a-b", "ab", "b", "c"})
	drawGroup = rapid.SampledFrom([]string{"", "g", "g/h", "gh"})
	drawRank  = rapid.SampledFrom([]uint64{0, 1, 2, 255, 256, 1 << 40, 1<<64 - 1})
	drawValue = rapid.SliceOfN(rapid.Byte(), 0, 20)
)

func (h *history) change() {
	name := drawName.Draw(h.T, "name")
	var kv, model store.Change
	kv.Name = name
	switch rapid.IntRange(0, 3).Draw(h.T, "kind") {
	case 0:
		kv.Delete = true
	case 1: // marks alone
	default:
		kv.Write = &store.Write{Value: drawValue.Draw(h.T, "value"), Entries: h.entries(name)}
	}
	kv.Marks = h.marks()
	model = kv
	expect := h.expect(name)
	kv.Expect, model.Expect = expect.kv, expect.model

	got, err := h.kv.Swap(h.Context(), kv)
	want, wantErr := h.model.Swap(h.Context(), model)
	if !errors.Is(err, wantErr) {
		h.Fatalf("Swap of %+v: got %v, want %v", kv, err, wantErr)
	}
	if err == nil && kv.Write != nil {
		h.revisions[name] = append(h.revisions[name], pair{got, want})
	}
}

func (h *history) expect(name string) pair {
	choices := append([]pair{{store.Any, store.Any}, {store.Absent, store.Absent}}, h.revisions[name]...)
	// The last revision is the one that is most often right.
	choices = append(choices, choices[len(choices)-1])
	return rapid.SampledFrom(choices).Draw(h.T, "expect")
}

func (h *history) entries(name string) (list []store.Entry) {
	for _, index := range []store.Index{store.DueIndex, store.AttentionIndex} {
		if rapid.Bool().Draw(h.T, "stands in "+string(index)) {
			list = append(list, store.Entry{Index: index, Group: drawGroup.Draw(h.T, "group"),
				Rank: drawRank.Draw(h.T, "rank"), Name: name, Value: drawValue.Draw(h.T, "entry")})
		}
	}
	return list
}

func (h *history) marks() (list []store.Mark) {
	few := rapid.SampledFrom([][]byte{nil, {}, {1}, {2}})
	for _, index := range []store.Index{store.OpenIndex, store.UnpublishedIndex} {
		if rapid.Bool().Draw(h.T, "marks "+string(index)) {
			m := store.Mark{Index: index, Value: few.Draw(h.T, "mark"), If: few.Draw(h.T, "if")}
			m.Vacant = m.If == nil && rapid.Bool().Draw(h.T, "vacant")
			list = append(list, m)
		}
	}
	return list
}

func (h *history) read() {
	count(h, h.kv, store.DueIndex, "", h.modelCount(store.DueIndex, "")) // waits until all is counted
	for _, index := range indexes() {
		for _, group := range []string{"", "g", "g/h", "gh"} {
			count(h, h.kv, index, group, h.modelCount(index, group))
			q := store.Query{Index: index, Group: group}
			h.same(q)
			q.After = store.Position{Rank: drawRank.Draw(h.T, "after"), Name: drawName.Draw(h.T, "after")}
			q.Below = drawRank.Draw(h.T, "below")
			q.Limit = rapid.IntRange(0, 3).Draw(h.T, "limit")
			h.same(q)
		}
		got, _, _ := h.kv.Groups(h.Context(), index)
		want, _, _ := h.model.Groups(h.Context(), index)
		if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
			h.Fatalf("Groups of %s: got %q, want %q", index, got, want)
		}
	}
	got, err := h.kv.List(h.Context(), "", 0)
	want, _ := h.model.List(h.Context(), "", 0)
	if err != nil || len(got) != len(want) {
		h.Fatalf("List: got %d rows and %v, want %d", len(got), err, len(want))
	}
	for i := range got {
		if got[i].Name != want[i].Name || string(got[i].Value) != string(want[i].Value) {
			h.Fatalf("List: got %+v, want %+v", got[i], want[i])
		}
	}
}

func (h *history) modelCount(index store.Index, group string) int {
	n, _, _ := h.model.Count(h.Context(), index, group)
	return n
}

func (h *history) same(q store.Query) {
	got, want := entries(h, h.kv, q), entries(h, h.model, q)
	for _, list := range [][]store.Entry{got, want} {
		for i := range list {
			list[i].Value = append([]byte{}, list[i].Value...) // nil and empty are alike
		}
	}
	if len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
		h.Fatalf("Range of %+v: got %+v, want %+v", q, got, want)
	}
}
