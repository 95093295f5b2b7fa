package etcdkv_test

import (
	"path/filepath"
	"testing"
	"time"

	"webex-tokend/store"
	"webex-tokend/store/etcdkv"
	"webex-tokend/store/etcdkv/etcdtest"
	"webex-tokend/store/replica"
	"webex-tokend/store/storetest"
)

// engine is a host's way to etcd.
func engine(t testing.TB, url, prefix, host string) *etcdkv.Engine {
	t.Helper()
	e, err := etcdkv.Open(etcdkv.Config{Endpoints: []string{url}, Prefix: prefix, Host: host})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// open is a host with a copy of its own.
func open(t testing.TB, url, prefix, host string) *replica.KV {
	t.Helper()
	return openAt(t, url, prefix, host, filepath.Join(t.TempDir(), "copy.db"))
}

func openAt(t testing.TB, url, prefix, host, path string) *replica.KV {
	t.Helper()
	kv, err := replica.Open(t.Context(), replica.Config{Path: path, Engine: engine(t, url, prefix, host)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := kv.Close(); err != nil {
			t.Error(err)
		}
	})
	return kv
}

func TestAHostThatSharesKeepsEveryPromise(t *testing.T) {
	server := etcdtest.Start(t)
	storetest.Run(t, func(t testing.TB) store.KV { return open(t, server.URL, etcdtest.Prefix(), "a") })
}

func TestTwoHostsShareOneStore(t *testing.T) {
	server := etcdtest.Start(t)
	storetest.RunShared(t, func(t testing.TB) (one, other store.KV) {
		prefix := etcdtest.Prefix()
		return open(t, server.URL, prefix, "a"), open(t, server.URL, prefix, "b")
	})
}

func TestOnlyTheHostInOfficeActs(t *testing.T) {
	server, prefix := etcdtest.Start(t), etcdtest.Prefix()
	hosts := make([]*etcdkv.Engine, 2)
	sessions := make([]*etcdkv.Session, 2)
	for i, name := range []string{"a", "b"} {
		hosts[i] = engine(t, server.URL, prefix, name)
		defer hosts[i].Close()
		s, err := hosts[i].Join(t.Context(), 15*time.Second, []byte("{}"))
		if err != nil {
			t.Fatal(err)
		}
		sessions[i] = s
	}
	act := func(i int) error {
		_, err := hosts[i].Commit(t.Context(), store.Change{Name: "ops", Expect: store.Any, Acting: true,
			Marks: []store.Mark{{Index: store.OpenIndex, Value: []byte("1")}}})
		return err
	}
	if err := act(0); err != store.ErrNoOffice {
		t.Errorf("before any office: %v", err)
	}
	for range 2 { // the second time an answer may have been lost
		if in, err := sessions[0].TakeOffice(t.Context()); err != nil || !in {
			t.Fatalf("the office is free: %v, %v", in, err)
		}
	}
	if in, err := sessions[1].TakeOffice(t.Context()); err != nil || in {
		t.Errorf("two are in office: %v, %v", in, err)
	}
	if act(0) != nil || act(1) != store.ErrNoOffice {
		t.Errorf("they act: %v and %v", act(0), act(1))
	}
	// Somebody else took the office while this host did not look.
	if _, err := server.Client(t).Delete(t.Context(), prefix+"lead"); err != nil {
		t.Fatal(err)
	}
	if in, err := sessions[1].TakeOffice(t.Context()); err != nil || !in {
		t.Fatal(in, err)
	}
	if err := act(0); err != store.ErrNoOffice {
		t.Errorf("out of office: %v", err)
	}
	if err := sessions[1].Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	if in, err := sessions[0].TakeOffice(t.Context()); err != nil || !in {
		t.Errorf("after the other one left: %v, %v", in, err)
	}
	if p, err := hosts[1].Present(t.Context()); err != nil || p.Lead != hosts[0].Member() || len(p.Members) != 1 || len(p.Hosts) != 2 {
		t.Errorf("present are %+v, %v", p, err)
	}
}

func TestAMarkOfAnotherHostIsReplacedWhenThatHasGone(t *testing.T) {
	server, prefix := etcdtest.Start(t), etcdtest.Prefix()
	a, b := engine(t, server.URL, prefix, "a"), engine(t, server.URL, prefix, "b")
	defer a.Close()
	defer b.Close()
	s, err := a.Join(t.Context(), 15*time.Second, nil)
	if err == nil {
		_, err = a.Commit(t.Context(), store.Change{Name: "ops", Expect: store.Any, Marks: []store.Mark{{Index: store.OpenIndex, Value: []byte("a's"), Vacant: true}}})
	}
	if err != nil {
		t.Fatal(err)
	}
	take := store.Change{Name: "ops", Expect: store.Any, Marks: []store.Mark{{Index: store.OpenIndex, Value: []byte("b's"), If: []byte("a's"), Gone: a.Member()}}}
	if _, err := b.Commit(t.Context(), take); err != store.ErrConflict {
		t.Errorf("while it is here: %v", err)
	}
	if err := s.Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Commit(t.Context(), take); err != nil {
		t.Errorf("when it has gone: %v", err)
	}
}
