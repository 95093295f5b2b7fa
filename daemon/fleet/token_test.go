package fleet_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"webex-tokend/daemon/emulator"
	"webex-tokend/daemon/emulator/lab"
	"webex-tokend/daemon/refusal"
	"webex-tokend/store"
)

// given fails unless the token is live and of that generation.
func given(t *testing.T, h *host, name string, minValid time.Duration, generation uint64) {
	t.Helper()
	got, err := h.fleet.Refresher.Token(t.Context(), name, minValid)
	if err != nil {
		t.Fatal(err)
	}
	if got.Generation != generation {
		t.Errorf("generation %d, want %d", got.Generation, generation)
	}
	if left := time.Until(got.ExpiresAt); left <= 0 || left < minValid {
		t.Errorf("%v left of the token, want %v", left, minValid)
	}
	if !h.webex.ValidAccess(got.Access.Reveal()) {
		t.Error("the server does not accept the token")
	}
}

func TestALiveTokenIsGivenInEveryStateThatHasOne(t *testing.T) {
	for _, c := range []struct {
		state   store.State
		into    func(t *testing.T, h *host)
		refuses refusal.Kind // once the token has expired
	}{
		{store.OK, func(*testing.T, *host) {}, refusal.Unavailable},
		{store.Paused, func(t *testing.T, h *host) {
			if err := h.fleet.Registry.Pause(t.Context(), "meetings-1"); err != nil {
				t.Fatal(err)
			}
		}, refusal.Conflict},
		{store.Retrying, func(t *testing.T, h *host) {
			h.webex.Script(lab.Reply(503, nil, ""))
			h.fleet.Refresher.Refresh(t.Context(), "meetings-1")
		}, refusal.Unavailable},
		{store.Unknown, func(t *testing.T, h *host) {
			h.webex.Script(lab.Lose())
			h.fleet.Refresher.Refresh(t.Context(), "meetings-1")
		}, refusal.Unavailable},
		{store.Misconfigured, func(t *testing.T, h *host) {
			h.webex.RejectClient(h.webex.Client(emulator.Meetings).ID, true)
			h.fleet.Refresher.Refresh(t.Context(), "meetings-1")
		}, refusal.Unavailable},
		{store.Reauthorize, func(t *testing.T, h *host) {
			for range 4 {
				h.webex.Script(lab.Reply(400, nil, `{"error":"invalid_grant"}`))
				h.fleet.Refresher.Refresh(t.Context(), "meetings-1")
				time.Sleep(6 * time.Minute)
			}
		}, refusal.Conflict},
	} {
		t.Run(string(c.state), func(t *testing.T) {
			inBubble(t, calm, "", func(t *testing.T, h *host) {
				h.register("meetings-1", emulator.Meetings)
				c.into(t, h)
				if g := h.grant("meetings-1"); g.State != string(c.state) {
					t.Fatalf("state %s", g.State)
				}
				given(t, h, "meetings-1", 0, 1)

				time.Sleep(2 * time.Hour)
				h.webex.Down(true)
				began := time.Now()
				_, err := h.fleet.Refresher.Token(t.Context(), "meetings-1", 0)
				r := refused(t, err, c.refuses)
				if c.refuses == refusal.Unavailable && r.RetryAfter < time.Second {
					t.Errorf("come again in %v", r.RetryAfter)
				}
				if c.refuses == refusal.Conflict && time.Since(began) > 0 {
					t.Errorf("the refusal took %v", time.Since(began))
				}
				if c.state != store.OK && c.state != store.Unknown && (r.State != c.state || r.Reason == "" || r.Action == "") {
					t.Errorf("it says %s (%s): %q", r.State, r.Reason, r.Action)
				}
				if n := h.webex.Stats().Unreachable; n > 1 {
					t.Errorf("%d requests for one reader", n)
				}
			})
		})
	}
}

func TestAnExpiredTokenIsNeverGivenAndAReaderWaitsForTheNext(t *testing.T) {
	inBubble(t, calm, "", func(t *testing.T, h *host) {
		h.register("meetings-1", emulator.Meetings)
		end := *h.grant("meetings-1").AccessExpiresAt
		time.Sleep(time.Until(end) - time.Millisecond)
		given(t, h, "meetings-1", 0, 1)
		time.Sleep(time.Millisecond)
		given(t, h, "meetings-1", 0, 2)
	})
}

func TestAGrantThatHasNoTokenRefusesAtOnce(t *testing.T) {
	const pending = `
grant "later" {
  integration = "rest"
}
`
	for _, c := range []struct {
		name  string
		grant string
		kind  refusal.Kind
		state store.State
	}{
		{"a pending grant", "later", refusal.Conflict, store.Pending},
		{"a damaged record", "rest-1", refusal.Conflict, store.Damaged},
		{"a name that no block declares", "elsewhere", refusal.NoSuchGrant, ""},
		{"a name that no grant can have", "UPPER", refusal.BadName, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, calm, pending, func(t *testing.T, h *host) {
				h.register("rest-1", emulator.REST)
				h.damage("rest-1")
				_, err := h.fleet.Refresher.Token(t.Context(), c.grant, 0)
				if r := refused(t, err, c.kind); r.State != c.state {
					t.Errorf("state %q", r.State)
				}
				if n := h.webex.Stats().Requests; n != 0 {
					t.Errorf("%d requests", n)
				}
			})
		})
	}
}

func TestAReaderJoinsARefreshInFlight(t *testing.T) {
	inBubble(t, calm, "", func(t *testing.T, h *host) {
		h.register("meetings-1", emulator.Meetings)
		time.Sleep(110 * time.Minute)
		arrived, release := make(chan struct{}), make(chan struct{})
		h.webex.Script(lab.Hold(arrived, release))
		h.fleet.Sweeper.Sweep(t.Context())
		<-arrived
		readers := make(chan uint64)
		for range 100 {
			go func() {
				got, err := h.fleet.Refresher.Token(context.Background(), "meetings-1", time.Hour)
				if err != nil {
					t.Error(err)
				}
				readers <- got.Generation
			}()
		}
		synctest.Wait()
		close(release)
		for range 100 {
			if generation := <-readers; generation != 2 {
				t.Errorf("generation %d", generation)
			}
		}
		if n := h.webex.Stats().Requests; n != 1 {
			t.Errorf("%d requests", n)
		}
	})
}

func TestAReaderWaitsThirtyFiveSecondsAtMost(t *testing.T) {
	inBubble(t, calm, oneByOne, func(t *testing.T, h *host) {
		for i := range 3 {
			h.take(fmt.Sprint("slow-", i), fmt.Appendf(nil, `{"access_token":"a","refresh_token":"r-%d","expires_in":3600}`, i))
		}
		time.Sleep(2 * time.Hour)
		// Each request hangs for as long as one may, and they come one by one.
		h.webex.ScriptAt("/token", lab.Hang(), lab.Hang(), lab.Hang())
		for i := range 2 {
			go h.fleet.Refresher.Refresh(context.Background(), fmt.Sprint("slow-", i))
			synctest.Wait()
		}
		began := time.Now()
		_, err := h.fleet.Refresher.Token(t.Context(), "slow-2", 0)
		r := refused(t, err, refusal.Unavailable)
		if took := time.Since(began); took != 35*time.Second {
			t.Errorf("the reader waited %v", took)
		}
		if r.RetryAfter < time.Second {
			t.Errorf("come again in %v", r.RetryAfter)
		}
	})
}

func TestAReaderThatGoesAwayLeavesTheRefreshToTheOthers(t *testing.T) {
	inBubble(t, calm, "", func(t *testing.T, h *host) {
		h.register("meetings-1", emulator.Meetings)
		time.Sleep(2 * time.Hour)
		arrived, release := make(chan struct{}), make(chan struct{})
		h.webex.Script(lab.Hold(arrived, release))
		ctx, cancel := context.WithCancel(t.Context())
		left := make(chan error, 1)
		go func() {
			_, err := h.fleet.Refresher.Token(ctx, "meetings-1", 0)
			left <- err
		}()
		<-arrived
		cancel()
		if <-left == nil {
			t.Error("it got a token")
		}
		close(release)
		h.sweep()
		h.is("meetings-1", store.OK, "")
		given(t, h, "meetings-1", 0, 2)
		if n := h.webex.Stats().Requests; n != 1 {
			t.Errorf("%d requests", n)
		}
	})
}

func TestALongerLifeIsAskedForOnceWithinTheInterval(t *testing.T) {
	inBubble(t, calm, "", func(t *testing.T, h *host) {
		h.register("meetings-1", emulator.Meetings)
		time.Sleep(90 * time.Minute)
		given(t, h, "meetings-1", time.Hour, 2)
		time.Sleep(time.Second)
		_, err := h.fleet.Refresher.Token(t.Context(), "meetings-1", 2*time.Hour)
		if r := refused(t, err, refusal.Unavailable); r.RetryAfter != 59*time.Second {
			t.Errorf("come again in %v, the interval is a minute", r.RetryAfter)
		}
		given(t, h, "meetings-1", time.Hour, 2)
		time.Sleep(59 * time.Second)
		given(t, h, "meetings-1", 2*time.Hour-time.Second, 3)
	})
}

func TestALongLivedTokenIsRefreshedOnceADayWhateverReadersAskFor(t *testing.T) {
	inBubble(t, calm, "", func(t *testing.T, h *host) {
		h.register("rest-1", emulator.REST)
		time.Sleep(day)
		given(t, h, "rest-1", 13*day+time.Hour, 2)
		for range 23 {
			time.Sleep(time.Hour)
			_, err := h.fleet.Refresher.Token(t.Context(), "rest-1", 14*day-time.Minute)
			refused(t, err, refusal.Unavailable)
		}
		_, err := h.fleet.Refresher.Token(t.Context(), "rest-1", 14*day-time.Minute)
		if r := refused(t, err, refusal.Unavailable); r.RetryAfter != time.Hour {
			t.Errorf("come again in %v", r.RetryAfter)
		}
		if n := h.webex.Stats().Requests; n != 1 {
			t.Errorf("%d requests within a day", n)
		}
		time.Sleep(time.Hour)
		given(t, h, "rest-1", 14*day-time.Minute, 3)
	})
}

func TestALifeThatNoTokenHasCostsOneRefreshAndIsRefused(t *testing.T) {
	inBubble(t, calm, "", func(t *testing.T, h *host) {
		h.register("rest-1", emulator.REST)
		time.Sleep(time.Hour)
		for range 5 {
			_, err := h.fleet.Refresher.Token(t.Context(), "rest-1", 20*day)
			if r := refused(t, err, refusal.Unavailable); r.RetryAfter < time.Hour {
				t.Errorf("come again in %v", r.RetryAfter)
			}
		}
		if n := h.webex.Stats().Requests; n != 1 {
			t.Errorf("%d requests", n)
		}
		given(t, h, "rest-1", 0, 2)
	})
}

func TestAReaderIsToldWhatTheEndpointAskedFor(t *testing.T) {
	inBubble(t, calm, "", func(t *testing.T, h *host) {
		h.register("meetings-1", emulator.Meetings)
		time.Sleep(2 * time.Hour)
		h.webex.Script(lab.Limit("900"))
		for i := range 2 {
			_, err := h.fleet.Refresher.Token(t.Context(), "meetings-1", 0)
			if r := refused(t, err, refusal.Unavailable); r.RetryAfter < 14*time.Minute || r.RetryAfter > 15*time.Minute {
				t.Errorf("reader %d: come again in %v", i, r.RetryAfter)
			}
			time.Sleep(time.Second)
		}
		if n := h.webex.Stats().Requests; n != 1 {
			t.Errorf("%d requests", n)
		}
	})
}

func TestAReaderIsToldOfARefusalWhatAnOperatorIsTold(t *testing.T) {
	inBubble(t, calm, "", func(t *testing.T, h *host) {
		h.register("meetings-1", emulator.Meetings)
		time.Sleep(2 * time.Hour)
		h.webex.Script(lab.Reply(400, nil, `{"error":"invalid_grant"}`))
		_, err := h.fleet.Refresher.Token(t.Context(), "meetings-1", 0)
		read := refused(t, err, refusal.Unavailable)
		time.Sleep(time.Minute)
		h.webex.Script(lab.Reply(400, nil, `{"error":"invalid_grant"}`))
		err = h.fleet.Refresher.Refresh(t.Context(), "meetings-1")
		if ordered := refused(t, err, refusal.Broker); read.Detail != ordered.Detail || read.Action != ordered.Action || read.RetryAfter == 0 {
			t.Errorf("a reader is told %+v, an operator %+v", read, ordered)
		}
	})
}

func TestAStaticTokenIsGivenWhileItLives(t *testing.T) {
	inBubble(t, calm, statics, func(t *testing.T, h *host) {
		end := time.Now().Add(time.Hour)
		h.take("bot-1", fmt.Appendf(nil, `{"access_token":"personal","expires_at":%q}`, end.Format(time.RFC3339)))
		h.take("bot-2", []byte(`{"access_token":"bot"}`))
		if _, err := h.fleet.Refresher.Token(t.Context(), "bot-1", 59*time.Minute); err != nil {
			t.Error(err)
		}
		if _, err := h.fleet.Refresher.Token(t.Context(), "bot-2", 1000*day); err != nil {
			t.Error(err)
		}
		_, err := h.fleet.Refresher.Token(t.Context(), "bot-1", 2*time.Hour)
		refused(t, err, refusal.Unavailable)
		time.Sleep(time.Hour)
		h.sweep()
		_, err = h.fleet.Refresher.Token(t.Context(), "bot-1", 0)
		refused(t, err, refusal.Conflict)
	})
}

func TestAnOrderThatJoinsAReaderAtAGateStillGoesThrough(t *testing.T) {
	h := new(host)
	hook := &readHook{}
	synctest.Test(t, func(t *testing.T) {
		*h = host{t: t, dir: ramDir(t), webex: emulator.New(calm), kv: hook.around}
		h.configure("")
		h.start()
		defer h.stop()
		h.register("meetings-1", emulator.Meetings)
		if err := h.fleet.Refresher.Refresh(t.Context(), "meetings-1"); err != nil {
			t.Fatal(err)
		}
		// The reader's flight is held while it reads the record; what it will
		// find is that the interval is not over. The order joins it.
		hold := make(chan struct{})
		reads := 0
		hook.set(func(string) {
			if reads++; reads == 2 {
				<-hold
			}
		})
		go h.fleet.Refresher.Token(context.Background(), "meetings-1", 3*time.Hour)
		synctest.Wait()
		hook.set(nil)
		outcome := make(chan error, 1)
		go func() {
			err := h.fleet.Refresher.Refresh(context.Background(), "meetings-1")
			outcome <- err
		}()
		synctest.Wait()
		close(hold)
		if err := <-outcome; err != nil {
			t.Errorf("an order does not mind the interval: %v", err)
		}
	})
}
