package etcdkv_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"webex-tokend/store"
	"webex-tokend/store/etcdkv"
	"webex-tokend/store/etcdkv/etcdtest"
	"webex-tokend/store/replica"
)

// guarded is a server that asks for a user: "tokend", whose password is "first",
// may read and write below the prefix, and "reader" may read there. root's client
// is returned.
func guarded(t *testing.T, prefix string) (*etcdtest.Server, *clientv3.Client) {
	t.Helper()
	server := etcdtest.Start(t)
	c := server.Client(t)
	end := clientv3.GetPrefixRangeEnd(prefix)
	var err error
	for _, do := range []func() error{
		func() error { _, err := c.UserAdd(t.Context(), "root", "r"); return err },
		func() error { _, err := c.RoleAdd(t.Context(), "root"); return err },
		func() error { _, err := c.UserGrantRole(t.Context(), "root", "root"); return err },
		func() error { _, err := c.UserAdd(t.Context(), "tokend", "first"); return err },
		func() error { _, err := c.RoleAdd(t.Context(), "tokend"); return err },
		func() error {
			_, err := c.RoleGrantPermission(t.Context(), "tokend", prefix, end, clientv3.PermissionType(clientv3.PermReadWrite))
			return err
		},
		func() error { _, err := c.UserGrantRole(t.Context(), "tokend", "tokend"); return err },
		func() error { _, err := c.UserAdd(t.Context(), "reader", "first"); return err },
		func() error { _, err := c.RoleAdd(t.Context(), "reader"); return err },
		func() error {
			_, err := c.RoleGrantPermission(t.Context(), "reader", prefix, end, clientv3.PermissionType(clientv3.PermRead))
			return err
		},
		func() error { _, err := c.UserGrantRole(t.Context(), "reader", "reader"); return err },
		func() error { _, err := c.AuthEnable(t.Context()); return err },
	} {
		if err = do(); err != nil {
			t.Fatal(err)
		}
	}
	root, err := clientv3.New(clientv3.Config{Endpoints: []string{server.URL}, Username: "root", Password: "r", DialTimeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	return server, root
}

func TestWhoMayNotUseEtcdIsToldWhy(t *testing.T) {
	prefix := etcdtest.Prefix()
	server, _ := guarded(t, prefix)
	dir := t.TempDir()
	for _, c := range []struct{ name, user, password, prefix, want string }{
		{"no user", "", "", prefix, "it does not accept the user or the password"},
		{"another password", "tokend", "second", prefix, "it does not accept the user or the password"},
		{"a user that there is not", "nobody", "first", prefix, "it does not accept the user or the password"},
		{"another prefix", "tokend", "first", "other/", `the user may not read and write below "other/"`},
		{"a user who only reads", "reader", "first", prefix, "the user may not read and write below"},
		{"the user", "tokend", "first", prefix, ""},
	} {
		cfg := etcdkv.Config{Endpoints: []string{server.URL}, Prefix: c.prefix, Host: "a", Username: c.user}
		if c.user != "" {
			cfg.PasswordFile = filepath.Join(dir, c.name)
			if err := os.WriteFile(cfg.PasswordFile, []byte(c.password+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		e, err := etcdkv.Open(cfg)
		if err != nil {
			t.Errorf("%s: it does not begin: %v", c.name, err)
			continue
		}
		err = e.Try(t.Context())
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.want != "" && (!errors.Is(err, store.ErrDenied) || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: it says %v", c.name, err)
		}
		if c.want == "" {
			if room, err := e.Room(t.Context()); err != nil || room.Members != 1 {
				t.Errorf("%s: the room is %+v, %v", c.name, room, err)
			}
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A daemon whose etcd asks for a password did not start while that was away, nor
// when somebody had changed it.
func TestAHostStartsFromItsCopyWhateverEtcdSays(t *testing.T) {
	prefix, dir := etcdtest.Prefix(), t.TempDir()
	server, root := guarded(t, prefix)
	password := filepath.Join(dir, "password")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(password, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("first")
	begin := func(when string) *replica.KV {
		t.Helper()
		e, err := etcdkv.Open(etcdkv.Config{Endpoints: []string{server.URL}, Prefix: prefix, Host: "a", Username: "tokend", PasswordFile: password, Timeout: time.Second})
		if err != nil {
			t.Fatalf("%s: %v", when, err)
		}
		kv, err := replica.Open(t.Context(), replica.Config{Path: filepath.Join(dir, "copy.db"), Engine: e})
		if err != nil {
			t.Fatalf("%s: %v", when, err)
		}
		return kv
	}
	put := func(kv *replica.KV, value string) error {
		_, err := kv.Swap(t.Context(), store.Change{Name: "ops", Expect: store.Any, Write: &store.Write{Value: []byte(value)}})
		return err
	}
	reads := func(kv *replica.KV, when, want string) {
		t.Helper()
		if row, err := kv.Get(t.Context(), "ops"); err != nil || string(row.Value) != want {
			t.Errorf("%s it reads %q, %v", when, row.Value, err)
		}
	}
	kv := begin("at first")
	if err := put(kv, "1"); err != nil {
		t.Fatal(err)
	}

	// The password is changed: while it runs, with the file, it goes on.
	if _, err := root.UserChangePassword(t.Context(), "tokend", "second"); err != nil {
		t.Fatal(err)
	}
	write("second")
	eventually(t, "a password that was changed in its file is not taken up", func() bool { return put(kv, "2") == nil })
	// Somebody changes it again, and the daemon is started before its file follows.
	if err := kv.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := root.UserChangePassword(t.Context(), "tokend", "third"); err != nil {
		t.Fatal(err)
	}
	kv = begin("with an old password")
	reads(kv, "with an old password", "2")
	if err := put(kv, "3"); !errors.Is(err, store.ErrDenied) {
		t.Errorf("with an old password a change says %v", err)
	}
	write("third")
	eventually(t, "the password is not taken up", func() bool { return put(kv, "3") == nil })
	eventually(t, "the copy does not follow again", func() bool { _, why := kv.Lag(); return why == nil })
	if err := kv.Close(); err != nil {
		t.Fatal(err)
	}

	server.Kill()
	kv = begin("while etcd is away")
	reads(kv, "while etcd is away", "3")
	if err := put(kv, "4"); !errors.Is(err, store.ErrAway) {
		t.Errorf("while etcd is away a change says %v", err)
	}
	server.Restart(t)
	eventually(t, "it does not go on when etcd is back", func() bool { return put(kv, "4") == nil })
	reads(kv, "when etcd is back", "4")
	if err := kv.Close(); err != nil {
		t.Fatal(err)
	}
}
