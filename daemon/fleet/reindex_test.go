package fleet_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"webex-tokend/daemon/emulator"
	"webex-tokend/daemon/provider"
	"webex-tokend/daemon/refusal"
	"webex-tokend/daemon/registry"
	"webex-tokend/daemon/report"
	"webex-tokend/store"
)

// earlier and later stand for the rules before and after a reload.
const (
	earlier = `
grant "tenant-*" {
  integration = "rest"
  refresh {
    at = "20%"
  }
}
`
	later = `
grant "tenant-*" {
  integration = "rest"
  refresh {
    at = "2d"
  }
}
`
)

// reconfigure reloads with another configuration and waits for what follows.
func (h *host) reconfigure(more string) {
	h.t.Helper()
	h.configure(more)
	if err := h.fleet.Reconfigure(h.t.Context(), h.config); err != nil {
		h.t.Fatal(err)
	}
	h.settle()
}

// settle waits until a walk over all records has ended.
func (h *host) settle() {
	time.Sleep(10 * time.Second)
	synctest.Wait()
}

// tenants registers n grants under the block tenant-*.
func (h *host) tenants(n int) (names []string) {
	h.t.Helper()
	for i := range n {
		name := fmt.Sprintf("tenant-%04d", i)
		h.register(name, emulator.REST)
		names = append(names, name)
	}
	return names
}

// dueBeforeExpiry counts the grants that fall due so long before their expiry.
func (h *host) dueBeforeExpiry(names []string, before time.Duration) (n int) {
	h.t.Helper()
	for _, name := range names {
		if r := h.stored(name); r.Token.ExpiresAt.Sub(r.DueAt) == before {
			n++
		}
	}
	return n
}

func TestChangedRulesMoveEveryDueTime(t *testing.T) {
	busy(t, earlier, func(t *testing.T, h *host) {
		h.settle()
		names := h.tenants(1000)
		time.Sleep(time.Hour)
		h.reconfigure(later)
		if n := h.dueBeforeExpiry(names, 2*day); n != len(names) {
			t.Errorf("%d of %d fall due by the new rule", n, len(names))
		}
		list, err := h.store.Due(t.Context(), "rest", time.Now().Add(13*day), nil, 2000)
		if err != nil || len(list) != len(names) {
			t.Errorf("%d grants in the schedule, %v", len(list), err)
		}
		if n := h.webex.Stats().Requests; n != 0 {
			t.Errorf("%d requests merely for a reload", n)
		}
	})
}

func TestAStopInTheMiddleNeitherForgetsNorRepeatsAWalk(t *testing.T) {
	w := &writeCount{}
	through(t, w.around, earlier, func(t *testing.T, h *host) {
		names := h.tenants(1000)
		h.configure(later)
		w.take()
		if err := h.fleet.Reconfigure(t.Context(), h.config); err != nil {
			t.Fatal(err)
		}
		time.Sleep(7 * time.Millisecond) // the walk pauses for 5 ms after each 256
		h.stop()
		before := len(w.take())
		if before == 0 || before >= len(names) {
			t.Fatalf("%d grants walked before the stop", before)
		}
		h.start()
		h.settle()
		if n := h.dueBeforeExpiry(names, 2*day); n != len(names) {
			t.Errorf("%d of %d fall due by the new rule", n, len(names))
		}
		if after := len(w.take()); before+after != len(names) {
			t.Errorf("%d writes before the stop and %d after it", before, after)
		}
	})
}

func TestAStartUnderTheSameRulesWritesNothing(t *testing.T) {
	w := &writeCount{}
	through(t, w.around, earlier, func(t *testing.T, h *host) {
		h.tenants(300)
		w.take()
		h.restart()
		h.settle()
		h.sweep()
		if written := w.take(); len(written) != 0 || w.blobs != 0 {
			t.Errorf("%d records and %d blobs were written", len(written), w.blobs)
		}
		if n := h.webex.Stats().Requests; n != 0 {
			t.Errorf("%d requests merely for a start", n)
		}
	})
}

func TestAReloadThatCannotReadTheStoreChangesNothing(t *testing.T) {
	blind := new(blindness)
	through(t, blind.around, "", func(t *testing.T, h *host) {
		h.configure("grant \"ops\" {\n  integration = \"rest\"\n}\n")
		blind.on = true
		if err := h.fleet.Reconfigure(t.Context(), h.config); !errors.Is(err, errNoSight) {
			t.Fatalf("reconfigured: %v", err)
		}
		blind.on = false
		if names := h.fleet.States.PendingNames(); len(names) > 0 {
			t.Errorf("of the configuration that was not taken %v are pending", names)
		}
		if err := h.fleet.Reconfigure(t.Context(), h.config); err != nil {
			t.Fatal(err)
		}
		h.is("ops", store.Pending, "nothing registered")
	})
}

func TestAReloadDuringAWalkEndsInTheLatestRules(t *testing.T) {
	busy(t, earlier, func(t *testing.T, h *host) {
		h.settle()
		names := h.tenants(1000)
		h.configure(later)
		if err := h.fleet.Reconfigure(t.Context(), h.config); err != nil {
			t.Fatal(err)
		}
		time.Sleep(7 * time.Millisecond)
		h.reconfigure(`
grant "tenant-*" {
  integration = "rest"
  refresh {
    at = "3d"
  }
}
`)
		if n := h.dueBeforeExpiry(names, 3*day); n != len(names) {
			t.Errorf("%d of %d fall due by the latest rule", n, len(names))
		}
	})
}

func TestAGrantThatLeavesTheConfigurationIsPausedUntilItComesBack(t *testing.T) {
	inBubble(t, calm, earlier, func(t *testing.T, h *host) {
		h.settle()
		names := h.tenants(50)
		time.Sleep(time.Hour)
		h.register("rest-1", emulator.REST)
		left := time.Now()
		h.reconfigure("")
		for _, name := range names {
			g := h.is(name, store.Paused, "undeclared")
			if g.Since == nil || g.Since.Before(left) || g.Action == "" || g.RefreshDueAt != nil || g.WindowEndsAt == nil {
				t.Fatalf("since %v action %q due %v window %v", g.Since, g.Action, g.RefreshDueAt, g.WindowEndsAt)
			}
		}
		sum, err := h.report.Status(t.Context(), nil)
		if err != nil || sum.States["paused"] != len(names) || sum.States["ok"] != 1 || sum.Grants != len(names)+1 {
			t.Errorf("status %v, %v", sum.States, err)
		}
		if sum.EarliestWindowEnd == nil || sum.EarliestWindowEnd.Grant == "rest-1" {
			t.Errorf("an undeclared grant does not count in window alerts: %v", sum.EarliestWindowEnd)
		}
		page, err := h.report.Grants(t.Context(), report.Query{States: []store.State{store.Paused}, Limit: 1000})
		if err != nil || len(page.Grants) != len(names) {
			t.Errorf("%d paused grants in the list, %v", len(page.Grants), err)
		}
		h.live(20*day, time.Hour)
		for _, c := range h.webex.Calls() {
			if status, _ := h.webex.Grant(c.Grant); status.Email != "rest-1@acme.example" {
				t.Fatalf("a request for %s", status.Email)
			}
		}
		err = h.fleet.Refresher.Refresh(t.Context(), names[0])
		refused(t, err, refusal.Conflict)

		h.reconfigure(earlier)
		h.live(time.Minute, time.Second)
		for _, name := range names {
			if g := h.is(name, store.OK, ""); g.Generation != 2 {
				t.Fatalf("%s is at generation %d after its token had expired", name, g.Generation)
			}
		}
	})
}

func TestAnIntegrationThatLeavesTheConfigurationPausesItsGrants(t *testing.T) {
	const guests = `
integration "guests" {
  kind               = "rest"
  client_id          = "x"
  client_secret_file = "SECRET"
  token_url          = "https://webex.test/v1/access_token"
}
grant "guest-*" {
  integration = "guests"
}
`
	inBubble(t, calm, guests, func(t *testing.T, h *host) {
		h.settle()
		h.take("guest-1", pair("a", "r"))
		h.configure("")
		if err := h.fleet.Reconfigure(t.Context(), h.config); err != nil {
			t.Fatal(err)
		}
		// Lists and counts agree even before the walk has been there.
		h.is("guest-1", store.Paused, "undeclared")
		sum, err := h.report.Status(t.Context(), nil)
		if err != nil || sum.States["paused"] != 1 {
			t.Errorf("status %v, %v", sum.States, err)
		}
		h.settle()
		if g := h.is("guest-1", store.Paused, "undeclared"); g.Since == nil {
			t.Error("since is unknown")
		}
	})
}

func TestTheEndOfAStaticTokenIsNoticedAfterItsGrantCameBack(t *testing.T) {
	inBubble(t, calm, statics, func(t *testing.T, h *host) {
		h.settle()
		if _, err := h.fleet.Registry.Register(t.Context(), "bot-1", registry.Registration{
			Answer: provider.Answer{Access: store.NewSecret("personal"), AccessEnd: time.Now().Add(12 * time.Hour)},
		}); err != nil {
			t.Fatal(err)
		}
		h.reconfigure("")
		h.is("bot-1", store.Paused, "undeclared")
		h.reconfigure(statics)
		h.is("bot-1", store.OK, "token_ends")
		h.live(13*time.Hour, time.Minute)
		h.is("bot-1", store.Reauthorize, "token_expired")
	})
}

func TestAReloadDoesNotDelayTheRefreshThatTellsAnUnknownLife(t *testing.T) {
	inBubble(t, calm, earlier, func(t *testing.T, h *host) {
		h.settle()
		h.take("tenant-1", []byte(`{"access_token":"a","refresh_token":"r"}`))
		h.reconfigure(later)
		if due := time.Until(*h.grant("tenant-1").RefreshDueAt); due > time.Minute {
			t.Errorf("due in %v", due)
		}
	})
}

func TestAGrantThatTheOperatorChangesDuringAWalkFollowsTheRules(t *testing.T) {
	hook := &swapHook{}
	through(t, hook.around, earlier, func(t *testing.T, h *host) {
		names := h.tenants(1)
		hook.before(names[0], func() {
			if err := h.fleet.Registry.Pause(t.Context(), names[0]); err != nil {
				t.Error(err)
			}
		})
		h.reconfigure(later)
		h.is(names[0], store.Paused, "paused by the operator")
		if h.dueBeforeExpiry(names, 2*day) != 1 {
			t.Errorf("due at %v", h.stored(names[0]).DueAt)
		}
	})
}

func TestAnImportDuringAReloadIsNotPending(t *testing.T) {
	const one = `
grant "ops" {
  integration = "rest"
}
`
	hook := &readHook{}
	through(t, hook.around, one, func(t *testing.T, h *host) {
		var once sync.Once
		// The reload has just read that there is no record.
		hook.set(func(name string) {
			if name == "ops" {
				once.Do(func() {
					hook.set(nil)
					h.take("ops", pair("a", "r"))
				})
			}
		})
		h.reconfigure(one)
		sum, err := h.report.Status(t.Context(), nil)
		if err != nil || sum.Grants != 1 || sum.States["ok"] != 1 {
			t.Errorf("status %v, %v", sum.States, err)
		}
	})
}

// A writeCount notes which records are written.
type writeCount struct {
	store.KV
	mu      sync.Mutex
	written []string
	blobs   int
}

func (w *writeCount) around(kv store.KV) store.KV {
	w.KV = kv
	return w
}

// take returns the names of the records written since the last call.
func (w *writeCount) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	written := w.written
	w.written, w.blobs = nil, 0
	return written
}

func (w *writeCount) Swap(ctx context.Context, c store.Change) (store.Revision, error) {
	w.mu.Lock()
	w.written = append(w.written, c.Name)
	w.mu.Unlock()
	return w.KV.Swap(ctx, c)
}

func (w *writeCount) SwapBlob(ctx context.Context, key string, expect store.Revision, value []byte) (store.Revision, error) {
	w.mu.Lock()
	w.blobs++
	w.mu.Unlock()
	return w.KV.SwapBlob(ctx, key, expect, value)
}

// A swapHook calls back once before a record is written.
type swapHook struct {
	store.KV
	mu   sync.Mutex
	name string
	call func()
}

func (s *swapHook) around(kv store.KV) store.KV {
	s.KV = kv
	return s
}

func (s *swapHook) before(name string, call func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.name, s.call = name, call
}

func (s *swapHook) Swap(ctx context.Context, c store.Change) (store.Revision, error) {
	s.mu.Lock()
	call := s.call
	if s.name == c.Name {
		s.call = nil
	}
	s.mu.Unlock()
	if s.name == c.Name && call != nil {
		call()
	}
	return s.KV.Swap(ctx, c)
}
