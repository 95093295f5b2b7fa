package crash_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"webex-tokend/daemon/client"
	"webex-tokend/daemon/emulator"
)

const fleetSize = 8

// registerFleet imports that many grants by the socket.
func (h *host) registerFleet(c *client.Client, n int) (names []string) {
	h.t.Helper()
	ctx, cancel := patience(h.t)
	defer cancel()
	for i := range n {
		name := fmt.Sprintf("ops-%d", i)
		issued := h.webex.Issue(emulator.REST, emulator.Consent{})
		h.ledger.note(issued.Response)
		if _, err := c.Import(ctx, name, client.Import{Content: strings.NewReader(string(issued.Response))}); err != nil {
			h.t.Fatal(err)
		}
		names = append(names, name)
	}
	return names
}

// keepBusy orders refreshes of all grants, one after the other each, until the
// daemon is gone.
func keepBusy(ctx context.Context, c *client.Client, names []string) *sync.WaitGroup {
	var orders sync.WaitGroup
	for _, name := range names {
		orders.Go(func() {
			for ctx.Err() == nil {
				if _, err := c.Refresh(ctx, name); err != nil {
					return
				}
			}
		})
	}
	return &orders
}

func TestKillsAtAnyInstantLoseNothingWithinTheGrace(t *testing.T) {
	h := newHost(t, longGrace)
	var names []string
	kills := rounds(t, 25)
	for range kills {
		d := h.start("daemon")
		c := h.speak()
		if names == nil {
			names = h.registerFleet(c, fleetSize)
		}
		ctx, cancel := context.WithCancel(t.Context())
		orders := keepBusy(ctx, c, names)
		time.Sleep(rand.N(150 * time.Millisecond))
		d.kill()
		cancel()
		orders.Wait()
		if killed, code := d.wait(); !killed {
			t.Fatalf("the daemon ended by itself with %d: %s", code, d.err.String())
		}
	}
	d := h.start("daemon")
	c := h.speak()
	ctx, cancel := patience(t)
	defer cancel()
	for _, name := range names {
		if _, err := c.Refresh(ctx, name); err != nil {
			t.Errorf("%s is lost: %v", name, err)
		}
	}
	d.kill()
	d.wait()
	s := h.webex.Stats()
	if s.Reuses > 0 {
		t.Errorf("%d refresh tokens came that were used up", s.Reuses)
	}
	if s.Refreshes < uint64(kills) {
		t.Errorf("%d kills disturbed %d refreshes: the daemon was not busy", kills, s.Refreshes)
	}
	t.Logf("%d kills, %d refreshes, 0 of %d grants lost", kills, s.Refreshes, len(names))
}
