package etcdkv_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"webex-tokend/store"
	"webex-tokend/store/etcdkv"
	"webex-tokend/store/etcdkv/etcdtest"
	"webex-tokend/store/replica"
)

func write(t *testing.T, kv store.KV, name, value string) store.Revision {
	t.Helper()
	revision, err := kv.Swap(t.Context(), store.Change{Name: name, Expect: store.Any, Write: &store.Write{Value: []byte(value),
		Entries: []store.Entry{{Index: store.DueIndex, Group: "crm", Rank: 1, Name: name}}}})
	if err != nil {
		t.Fatal(err)
	}
	return revision
}

func eventually(t *testing.T, what string, there func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !there(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(what)
		}
	}
}

func TestWhileEtcdIsAwayTheCopyIsReadAndNothingIsWritten(t *testing.T) {
	server, prefix, path := etcdtest.Start(t), etcdtest.Prefix(), filepath.Join(t.TempDir(), "copy.db")
	kv := openAt(t, server.URL, prefix, "a", path)
	write(t, kv, "ops", "1")
	server.Kill()
	if r, err := kv.Get(t.Context(), "ops"); err != nil || string(r.Value) != "1" {
		t.Errorf("it reads %q, %v", r.Value, err)
	}
	_, err := kv.Swap(t.Context(), store.Change{Name: "ops", Expect: store.Any, Write: &store.Write{Value: []byte("2")}})
	if !errors.Is(err, store.ErrAway) {
		t.Errorf("a change says %v", err)
	}
	// A start meanwhile serves from the copy.
	if err := kv.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := replica.Open(t.Context(), replica.Config{Path: path, Engine: engine(t, server.URL, prefix, "a")})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if r, err := again.Get(t.Context(), "ops"); err != nil || string(r.Value) != "1" {
		t.Errorf("after a start it reads %q, %v", r.Value, err)
	}
	server.Restart(t)
	server.Await(t)
	eventually(t, "the copy does not follow again", func() bool { _, why := again.Lag(); return why == nil })
	if write(t, again, "ops", "3") == 0 {
		t.Error("no revision")
	}
	// Without a copy there is nothing to serve.
	server.Kill()
	e := engine(t, server.URL, prefix, "b")
	defer e.Close()
	if _, err := replica.Open(t.Context(), replica.Config{Path: filepath.Join(t.TempDir(), "copy.db"), Engine: e}); !errors.Is(err, store.ErrAway) {
		t.Errorf("a host without a copy says %v", err)
	}
}

func TestAFollowerThatSleptThroughACompactionIsMadeAnew(t *testing.T) {
	server, prefix, path := etcdtest.Start(t), etcdtest.Prefix(), filepath.Join(t.TempDir(), "copy.db")
	a := open(t, server.URL, prefix, "a")
	for i := range 20 {
		write(t, a, fmt.Sprint(i), "1")
	}
	b, err := replica.Open(t.Context(), replica.Config{Path: path, Engine: engine(t, server.URL, prefix, "b")})
	if err == nil {
		err = b.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		if _, err := a.Swap(t.Context(), store.Change{Name: fmt.Sprint(i), Expect: store.Any, Delete: i%2 == 0, Write: map[bool]*store.Write{true: nil, false: {Value: []byte("2")}}[i%2 == 0],
			Marks: []store.Mark{{Index: store.OpenIndex, Value: map[bool][]byte{true: nil, false: []byte("open")}[i%2 == 0]}}}); err != nil {
			t.Fatal(err)
		}
	}
	c := server.Client(t)
	now, err := c.Get(t.Context(), prefix+"meta")
	if err == nil {
		_, err = c.Compact(t.Context(), now.Header.Revision, clientv3.WithCompactPhysical())
	}
	if err != nil {
		t.Fatal(err)
	}
	again := openAt(t, server.URL, prefix, "b", path)
	eventually(t, "the copy is not what etcd holds", func() bool { return same(t, a, again) })
}

// same reports whether two hosts hold the same rows, entries and intents.
func same(t *testing.T, a, b store.KV) bool {
	t.Helper()
	var all [2]string
	for i, kv := range []store.KV{a, b} {
		rows, err := kv.List(t.Context(), "", 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			all[i] += fmt.Sprintf("%s %d %q\n", r.Name, r.Revision, r.Value)
		}
		for _, q := range []store.Query{{Index: store.DueIndex, Group: "crm", Limit: 1 << 20}, {Index: store.OpenIndex, Limit: 1 << 20}} {
			list, err := kv.Range(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range list {
				all[i] += fmt.Sprintf("%s %d %s %q\n", e.Index, e.Rank, e.Name, e.Value)
			}
		}
	}
	return all[0] == all[1]
}

// Another program on the same etcd moves its revisions on.
func TestCopiesAreEqualAfterManyChangesBesideAnotherTenant(t *testing.T) {
	server, prefix := etcdtest.Start(t), etcdtest.Prefix()
	a, b := open(t, server.URL, prefix, "a"), open(t, server.URL, prefix, "b")
	ctx, end := context.WithCancel(t.Context())
	defer end()
	tenant := server.Client(t)
	go func() {
		for i := 0; ctx.Err() == nil; i++ {
			_, _ = tenant.Put(ctx, "another/program", fmt.Sprint(i))
		}
	}()
	dice := rand.New(rand.NewPCG(1, 2))
	for range 1500 {
		kv := []store.KV{a, b}[dice.IntN(2)]
		c := store.Change{Name: fmt.Sprint(dice.IntN(30)), Expect: store.Any}
		switch dice.IntN(5) {
		case 0:
			c.Delete = true
		case 1:
			c.Marks = []store.Mark{{Index: store.OpenIndex, Value: []byte("x"), Vacant: true}}
		case 2:
			c.Marks = []store.Mark{{Index: store.OpenIndex}}
		default:
			c.Write = &store.Write{Value: fmt.Append(nil, dice.Int()), Entries: []store.Entry{{Index: store.DueIndex, Group: "crm", Rank: dice.Uint64N(9) + 1, Name: c.Name}}}
		}
		if _, err := kv.Swap(t.Context(), c); err != nil && !errors.Is(err, store.ErrConflict) {
			t.Fatal(err)
		}
	}
	eventually(t, "the copies differ", func() bool { return same(t, a, b) })
	// What is copied from scratch is the same.
	if fresh := open(t, server.URL, prefix, "c"); !same(t, a, fresh) {
		t.Error("a new host has something else")
	}
}

// Somebody removed the store under the daemons, or restored etcd from a snapshot:
// the copies stay, and nothing is written any more.
func TestAStoreThatVanishesIsNotCopied(t *testing.T) {
	server, prefix, path := etcdtest.Start(t), etcdtest.Prefix(), filepath.Join(t.TempDir(), "copy.db")
	kv, err := replica.Open(t.Context(), replica.Config{Path: path, Engine: engine(t, server.URL, prefix, "a")})
	if err != nil {
		t.Fatal(err)
	}
	write(t, kv, "ops", "1")
	if _, err := server.Client(t).Delete(t.Context(), prefix, clientv3.WithPrefix()); err != nil {
		t.Fatal(err)
	}
	<-kv.Replaced()
	if r, err := kv.Get(t.Context(), "ops"); err != nil || string(r.Value) != "1" {
		t.Errorf("the copy has %q, %v", r.Value, err)
	}
	if _, err := kv.Swap(t.Context(), store.Change{Name: "ops", Expect: store.Any, Delete: true}); !errors.Is(err, store.ErrReplaced) {
		t.Errorf("a change says %v", err)
	}
	if err := kv.Close(); err != nil {
		t.Fatal(err)
	}
	e := engine(t, server.URL, prefix, "a")
	defer e.Close()
	if _, err := replica.Open(t.Context(), replica.Config{Path: path, Engine: e}); !errors.Is(err, store.ErrVanished) {
		t.Errorf("a start says %v", err)
	}
}

func TestWhatKeepsEtcdAwayIsSaidInWords(t *testing.T) {
	server, prefix := etcdtest.Start(t, "--quota-backend-bytes=2000000"), etcdtest.Prefix()
	kv := open(t, server.URL, prefix, "a")
	var err error
	for i := 0; i < 200 && err == nil; i++ {
		_, err = kv.Swap(t.Context(), store.Change{Name: fmt.Sprint(i), Expect: store.Any, Write: &store.Write{Value: make([]byte, 100_000)}})
	}
	fault, ok := errors.AsType[*etcdkv.Fault](err)
	if !ok || !errors.Is(err, store.ErrFull) || fault.Why == "" {
		t.Errorf("at the quota it says %v", err)
	}
	// What was stored is still read, and deletions make room.
	if _, err := kv.Get(t.Context(), "0"); err != nil {
		t.Error(err)
	}
	e := engine(t, "https://"+server.URL[len("http://"):], prefix, "b")
	defer e.Close()
	if _, err := e.Room(t.Context()); !errors.Is(err, store.ErrDenied) && !errors.Is(err, store.ErrAway) {
		t.Errorf("by TLS to one that speaks none: %v", err)
	}
	room, err := engine(t, server.URL, prefix, "c").Room(t.Context())
	if err != nil || !room.Full || room.Members != 1 || !slices.Contains([]byte(room.Version), '.') {
		t.Errorf("the room is %+v, %v", room, err)
	}
}
