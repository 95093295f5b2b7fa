package publish_test

import (
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/store"
)

func TestAFileThatSomebodyElseChangedIsMended(t *testing.T) {
	tests := []struct {
		name   string
		change func(path string) error
	}{
		{"written over in place, as wxc_sdk does", func(path string) error { return os.WriteFile(path, []byte("theirs"), 0) }},
		{"with as many bytes", func(path string) error { return os.WriteFile(path, []byte("xyz\n"), 0) }},
		{"emptied", func(path string) error { return os.Truncate(path, 0) }},
		{"deleted", os.Remove},
		{"opened to all", func(path string) error { return os.Chmod(path, 0o666) }},
		{"replaced by a copy", func(path string) error {
			if err := os.WriteFile(path+".new", []byte("abd\n"), 0o600); err != nil {
				return err
			}
			return os.Rename(path+".new", path)
		}},
		{"with a second name", func(path string) error {
			if err := os.Link(path, path+".link"); err != nil {
				return err
			}
			defer os.Remove(path + ".link")
			return os.Chmod(path, 0o640)
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, path := newHost(), filepath.Join(folder(t), "ops")
				h.token("ops", 3, "abc")
				p := run(t, h.publisher(declare("/run/none", "ops", raw(path))))
				idle(t, p)
				if err := test.change(path); err != nil {
					t.Fatal(err)
				}
				time.Sleep(6 * time.Second)
				idle(t, p)
				wantContent(t, path, "abc\n")
				wantStates(t, p, "ops", "ok 3")
				if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
					t.Errorf("mode is %v, %v", info.Mode(), err)
				}
			})
		})
	}
}

func TestWhatSomebodyElseMadeOfAnExpiredTokenStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, path := newHost(), filepath.Join(folder(t), "ops")
		h.token("ops", 3, "abc")
		p := run(t, h.publisher(declare("/run/none", "ops", raw(path))))
		time.Sleep(25 * time.Hour)
		if err := os.WriteFile(path, []byte("theirs"), 0o600); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		idle(t, p)
		wantContent(t, path, "theirs")
		wantStates(t, p, "ops", "behind 0")
	})
}

func TestASideFileFollowsTheStateWithoutTheTokenFile(t *testing.T) {
	h, dir := newHost(), folder(t)
	file := config.File{Path: filepath.Join(dir, "ops"), Format: "raw", Mode: 0o600, Meta: true}
	h.token("ops", 3, "abc")
	h.state("ops", store.OK)
	p := run(t, h.publisher(declare("/run/none", "ops", file)))
	idle(t, p)
	wantStates(t, p, "ops", "ok 3, ok 3")
	before, err := os.Stat(file.Path)
	if err != nil {
		t.Fatal(err)
	}
	h.state("ops", store.Retrying)
	p.Restate("ops")
	p.Restate("undeclared")
	idle(t, p)
	wantMeta := func(want string) {
		t.Helper()
		if got := content(t, file.Path+".meta.json"); got[len(got)-len(want):] != want {
			t.Errorf("the side file ends in %q, want %q", got, want)
		}
	}
	wantMeta(`"state":"retrying"}` + "\n")
	after, err := os.Stat(file.Path)
	if err != nil || !os.SameFile(before, after) {
		t.Errorf("the token file was written again (%v)", err)
	}

	// The token has expired: its file stays, the side file says what is new.
	h.mu.Lock()
	c := h.current["ops"]
	c.ExpiresAt, c.State = time.Now().Add(-time.Hour), store.Reauthorize
	h.current["ops"] = c
	h.mu.Unlock()
	p.Restate("ops")
	idle(t, p)
	wantContent(t, file.Path, "abc\n")
	wantMeta(`"state":"reauthorize"}` + "\n")

	h.drop("ops")
	if err := p.Remove(t.Context(), "ops"); err != nil {
		t.Fatal(err)
	}
	wantNames(t, dir)
}
