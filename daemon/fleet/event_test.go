package fleet_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"webex-tokend/daemon/emulator"
	"webex-tokend/daemon/emulator/lab"
	"webex-tokend/daemon/event"
	"webex-tokend/store"
)

// kinds are what the events of a grant were, in order.
func kinds(events []event.Event, grant string) (list []event.Kind) {
	for _, e := range events {
		if e.Grant == grant {
			list = append(list, e.Kind)
		}
	}
	return list
}

// next fails unless events are waiting.
func next(t *testing.T, s *event.Subscription) []event.Event {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	events, err := s.Next(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return events
}

// silent fails when an event is waiting.
func silent(t *testing.T, s *event.Subscription) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if events, err := s.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("events %v, %v", events, err)
	}
}

func TestEveryChangeIsToldOnceAndInOrder(t *testing.T) {
	inBubble(t, calm, "", func(t *testing.T, h *host) {
		s := h.events.Subscribe(event.Latest)
		defer s.Close()
		h.register("meetings-1", emulator.Meetings)
		time.Sleep(time.Hour)
		h.fleet.Refresher.Refresh(t.Context(), "meetings-1")
		h.webex.Script(lab.Reply(503, nil, ""))
		h.fleet.Refresher.Refresh(t.Context(), "meetings-1")
		h.fleet.Refresher.Refresh(t.Context(), "meetings-1")
		h.fleet.Registry.Pause(t.Context(), "meetings-1")
		h.fleet.Registry.Pause(t.Context(), "meetings-1")
		h.fleet.Registry.Resume(t.Context(), "meetings-1")
		h.fleet.Registry.Remove(t.Context(), "meetings-1")
		events := next(t, s)
		want := []event.Kind{
			event.Registered, event.Changed, event.Moved, // pending to ok
			event.Refreshed,
			event.Failed, event.Changed, // to retrying
			event.Refreshed, event.Changed, // back to ok
			event.Changed, // paused, once
			event.Changed, // resumed
			event.Removed,
		}
		if got := kinds(events, "meetings-1"); !slices.Equal(got, want) {
			t.Errorf("events %v, want %v", got, want)
		}
		for i, e := range events {
			if i > 0 && e.ID != events[i-1].ID+1 {
				t.Errorf("event %d follows %d", e.ID, events[i-1].ID)
			}
			if e.At.IsZero() || e.State == "" || e.State != store.OK && e.Reason == "" {
				t.Errorf("event without an explanation: %+v", e)
			}
		}
		silent(t, s)
	})
}

func TestATokenIsStoredWhenItsEventComes(t *testing.T) {
	inBubble(t, emulator.Config{Calm: true, Rotate: true}, "", func(t *testing.T, h *host) {
		h.register("rest-1", emulator.REST)
		s := h.events.Subscribe(event.Latest)
		defer s.Close()
		go h.fleet.Refresher.Refresh(context.Background(), "rest-1")
		e := next(t, s)[0]
		got, err := h.fleet.Refresher.Current(t.Context(), "rest-1")
		if err != nil || e.Kind != event.Refreshed || e.Generation != 2 || got.Generation < e.Generation {
			t.Errorf("event %+v while generation %d is stored, %v", e, got.Generation, err)
		}
	})
}

func TestAReaderResumesBehindTheEventThatItSawLast(t *testing.T) {
	inBubble(t, calm, "", func(t *testing.T, h *host) {
		for i := range 10 {
			h.register(fmt.Sprint("rest-", i), emulator.REST)
		}
		all := h.events.Subscribe(0)
		seen := next(t, all)
		all.Close()
		if len(seen) == 0 || seen[0].Grant != "rest-0" {
			t.Fatalf("%d events from the beginning", len(seen))
		}
		half := len(seen) / 2
		s := h.events.Subscribe(seen[half].ID)
		defer s.Close()
		if rest := next(t, s); !slices.Equal(rest, seen[half+1:]) {
			t.Errorf("%d events after the one of ID %d, want %d", len(rest), seen[half].ID, len(seen)-half-1)
		}
		fresh := h.events.Subscribe(event.Latest)
		defer fresh.Close()
		silent(t, fresh)
		h.fleet.Registry.Pause(t.Context(), "rest-1")
		if e := next(t, fresh); len(e) != 1 || e[0].ID != seen[len(seen)-1].ID+1 {
			t.Errorf("new events %v", e)
		}
	})
}

func TestThousandsOfEventsAreHeldForAReaderThatComesBack(t *testing.T) {
	busy(t, "", func(t *testing.T, h *host) {
		begin := h.events.Subscribe(event.Latest)
		h.register("rest-1", emulator.REST)
		first := next(t, begin)[0].ID
		begin.Close()
		for range 5000 {
			h.fleet.Registry.Pause(t.Context(), "rest-1")
			h.fleet.Registry.Resume(t.Context(), "rest-1")
		}
		last := first + 2 + 10_000
		s := h.events.Subscribe(last - 4096)
		defer s.Close()
		if events := next(t, s); len(events) != 4096 || events[4095].ID != last {
			t.Errorf("%d events up to %d", len(events), events[len(events)-1].ID)
		}
	})
}

func TestAReaderThatComesBackTooLateIsToldThatItMissedSomething(t *testing.T) {
	busy(t, "", func(t *testing.T, h *host) {
		all := h.events.Subscribe(event.Latest)
		h.register("rest-1", emulator.REST)
		first := next(t, all)[0].ID
		all.Close()
		for range 5000 {
			h.fleet.Registry.Pause(t.Context(), "rest-1")
			h.fleet.Registry.Resume(t.Context(), "rest-1")
		}
		told := func(when string, after uint64, want bool) {
			t.Helper()
			s := h.events.Subscribe(after)
			defer s.Close()
			h.fleet.Registry.Pause(t.Context(), "rest-1")
			h.fleet.Registry.Resume(t.Context(), "rest-1")
			events := next(t, s)
			if told := events[0].Kind == event.Skipped; told != want {
				t.Errorf("%s: the first of %d events is %+v", when, len(events), events[0])
			} else if told && events[0].ID+1 != events[1].ID {
				t.Errorf("%s: between %d and %d something is missing again", when, events[0].ID, events[1].ID)
			}
		}
		told("an event that is not held any more", first, true)
		told("another one", first+2000, true)
		told("an event that is held", first+9000, false)
		told("from the beginning", 0, false)
		told("an ID that was never given", first+1_000_000, true)

		last := first + 2 + 10_000
		h.stop()
		time.Sleep(time.Second)
		h.start()
		told("the last event of the run before", last, true)
		told("from the beginning of this run", 0, false)
	})
}

func TestASlowReaderKeepsTheLatestOfEachGrant(t *testing.T) {
	busy(t, "", func(t *testing.T, h *host) {
		h.register("rest-1", emulator.REST)
		h.register("rest-2", emulator.REST)
		slow, fast := h.events.Subscribe(event.Latest), h.events.Subscribe(event.Latest)
		defer slow.Close()
		defer fast.Close()
		h.fleet.Registry.Pause(t.Context(), "rest-2")
		for range 9000 {
			h.fleet.Registry.Pause(t.Context(), "rest-1")
			h.fleet.Registry.Resume(t.Context(), "rest-1")
			next(t, fast)
		}
		h.fleet.Registry.Pause(t.Context(), "rest-1")
		events := next(t, slow)
		if len(events) > 16384 {
			t.Errorf("%d events wait for one reader", len(events))
		}
		latest := make(map[string]event.Event)
		for i, e := range events {
			if i > 0 && e.ID <= events[i-1].ID {
				t.Fatalf("event %d follows %d", e.ID, events[i-1].ID)
			}
			latest[e.Grant] = e
		}
		if _, skipped := latest[""]; skipped {
			t.Error("events of two grants are too many")
		}
		for _, name := range []string{"rest-1", "rest-2"} {
			if latest[name].State != store.Paused {
				t.Errorf("%s is %q for a slow reader", name, latest[name].State)
			}
		}
	})
}

func TestAReaderThatLosesGrantsIsToldSo(t *testing.T) {
	busy(t, "", func(t *testing.T, h *host) {
		const grants = 6000 // with three events each
		h.take("rest-first", pair("a", "r"))
		first := h.events.Subscribe(0)
		before := next(t, first)
		first.Close()
		s := h.events.Subscribe(event.Latest)
		defer s.Close()
		for i := range grants {
			h.take(fmt.Sprint("rest-", i), pair("a", fmt.Sprint("r", i)))
		}
		events := next(t, s)
		if events[0].Kind != event.Skipped {
			t.Fatalf("the first event is %+v", events[0])
		}
		for i, e := range events[1:] {
			if e.ID != events[i].ID+1 || e.Kind == event.Skipped {
				t.Fatalf("event %d, %s, follows %d", e.ID, e.Kind, events[i].ID)
			}
		}
		if last := events[len(events)-1].ID; last != before[len(before)-1].ID+3*grants {
			t.Errorf("the last event is %d", last)
		}
	})
}

func TestASubscriptionEndsWithItsReaderAndWithTheKeeper(t *testing.T) {
	inBubble(t, calm, "", func(t *testing.T, h *host) {
		ended := func(s *event.Subscription) {
			t.Helper()
			var err error
			for err == nil {
				_, err = s.Next(t.Context())
			}
			if !errors.Is(err, event.ErrEnded) {
				t.Errorf("it ends with %v", err)
			}
		}
		own, waiting, late := h.events.Subscribe(0), h.events.Subscribe(0), h.events.Subscribe(0)
		outcome := make(chan error)
		for _, s := range []*event.Subscription{own, waiting} {
			go func() {
				_, err := s.Next(context.Background())
				outcome <- err
			}()
		}
		synctest.Wait()
		own.Close()
		own.Close()
		if err := <-outcome; !errors.Is(err, event.ErrEnded) {
			t.Errorf("a closed one ends with %v", err)
		}
		h.register("rest-1", emulator.REST)
		if err := <-outcome; err != nil {
			t.Errorf("an open one ends with %v", err)
		}
		h.stop()
		if events := next(t, late); len(kinds(events, "rest-1")) == 0 {
			t.Error("what happened before the stop is lost")
		}
		ended(late)
		ended(waiting)
	})
}
