package crash_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"webex-tokend/daemon/client"
	"webex-tokend/daemon/emulator/lab"
	"webex-tokend/store"
)

// midway orders a refresh of a grant and lets something happen while its answer
// is under way, which is the moment at which most can be lost.
func (h *host) midway(c *client.Client, name string, happens func()) {
	h.t.Helper()
	arrived, release := make(chan struct{}), make(chan struct{})
	h.webex.Script(lab.Hold(arrived, release))
	ctx, cancel := context.WithCancel(h.t.Context())
	ordered := make(chan struct{})
	go func() {
		defer close(ordered)
		_, _ = c.Refresh(ctx, name) // the answer to the order may never come
	}()
	h.t.Cleanup(func() {
		cancel()
		<-ordered
	})
	<-arrived
	happens()
	close(release)
}

// becomes waits until a grant has that state.
func (h *host) becomes(c *client.Client, name string, state store.State) {
	h.t.Helper()
	until(h.t, func(ctx context.Context) error {
		g, err := c.Grant(ctx, name)
		if err == nil && g.State != string(state) {
			err = fmt.Errorf("%s is %s (%s)", name, g.State, g.Reason)
		}
		return err
	})
}

// serves fails unless the daemon hands out a token that works.
func (h *host) serves(c *client.Client, name string) {
	h.t.Helper()
	ctx, cancel := patience(h.t)
	defer cancel()
	token, err := c.Token(ctx, name, 0)
	if err != nil || !h.webex.ValidAccess(token.AccessToken) {
		h.t.Errorf("%s: no token that works: %v", name, err)
	}
}

// nothingLost starts the daemon and refreshes every grant.
func (h *host) nothingLost(names []string) {
	h.t.Helper()
	d := h.start("daemon")
	c := h.speak()
	ctx, cancel := patience(h.t)
	defer cancel()
	for _, name := range names {
		if _, err := c.Refresh(ctx, name); err != nil {
			h.t.Errorf("%s is lost: %v", name, err)
		}
	}
	d.kill()
	d.wait()
	if n := h.webex.Stats().Reuses; n > 0 {
		h.t.Errorf("%d refresh tokens came that were used up", n)
	}
}

func TestADaemonWhoseDiskTurnsReadOnlyServesOnSendsNothingAndLosesNothing(t *testing.T) {
	h := newHost(t, 0)
	disk := h.onExt4("state")
	d := h.start("daemon")
	c := h.speak()
	names := h.registerFleet(c, 2)
	h.midway(c, names[0], disk.turnReadOnly)
	h.becomes(c, names[0], store.Unpersisted)
	awaitFile(t, filepath.Join(h.dir, "run", "spool", names[0]))
	for _, name := range names {
		h.serves(c, name)
	}
	before := h.asked()
	ctx, cancel := patience(t)
	defer cancel()
	if _, err := c.Refresh(ctx, names[1]); err == nil {
		t.Error("a refresh succeeded without a store")
	}
	if n := h.asked() - before; n > 0 {
		t.Errorf("%d requests", n)
	}
	d.kill()
	d.wait()
	disk.remount()
	h.nothingLost(names)
}

// awaitFile waits until there is a file, and returns its content.
func awaitFile(t *testing.T, path string) (content []byte) {
	t.Helper()
	until(t, func(context.Context) (err error) {
		content, err = os.ReadFile(path)
		return err
	})
	return content
}

func TestADaemonWhoseStoreIsReplacedEndsAndLosesNothing(t *testing.T) {
	h := newHost(t, 0)
	d := h.start("daemon")
	c := h.speak()
	names := h.registerFleet(c, 2)
	path := filepath.Join(h.dir, "state", "store.db")
	older, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	h.write("state/older.db", string(older))
	before := h.asked()
	h.midway(c, names[0], func() {
		if err := os.Rename(filepath.Join(h.dir, "state", "older.db"), path); err != nil {
			t.Fatal(err)
		}
	})
	if killed, code := d.wait(); killed || code == 0 || !bytes.Contains(d.err.Bytes(), []byte("replaced while it was open")) {
		t.Errorf("exit code %d: %s", code, d.err.String())
	}
	if n := h.asked() - before; n != 1 {
		t.Errorf("%d requests", n)
	}
	if kept, err := filepath.Glob(filepath.Join(h.dir, "state", "backups", "replaced-*.db")); err != nil || len(kept) != 1 {
		t.Errorf("copies of what was there: %v, %v", kept, err)
	}
	h.nothingLost(names)
}
