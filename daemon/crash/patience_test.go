package crash_test

import (
	"errors"
	"testing"
	"time"

	"webex-tokend/daemon/client"
	"webex-tokend/daemon/emulator/lab"
)

func TestACrashDoesNotForgetThatTheEndpointAskedForPatience(t *testing.T) {
	h := newHost(t, longGrace)
	d := h.start("daemon")
	c := h.speak()
	names := h.registerFleet(c, 2)
	ctx, cancel := patience(t)
	defer cancel()
	h.webex.Script(lab.Limit("600"))
	if _, err := c.Refresh(ctx, names[0]); err == nil {
		t.Fatal("refreshed by a 429")
	}
	d.kill()
	d.wait()

	asked := h.asked()
	d = h.start("daemon")
	c = h.speak()
	for _, name := range names {
		_, err := c.Refresh(ctx, name)
		p, ok := errors.AsType[*client.Problem](err)
		if !ok || p.RetryAfter < 8*time.Minute || p.RetryAfter > 10*time.Minute {
			t.Errorf("%s is answered %v", name, err)
		}
	}
	if n := h.asked() - asked; n != 0 {
		t.Errorf("%d requests after the crash", n)
	}
	d.kill()
	d.wait()
}
