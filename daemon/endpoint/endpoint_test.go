package endpoint_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"webex-tokend/daemon/endpoint"
)

var issued = time.Date(2026, 11, 2, 10, 0, 0, 0, time.UTC)

func TestAnEndpointGivesNoMorePermitsThanItHas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := endpoint.New(endpoint.Limits{InFlight: 2})
		for range 2 {
			if err := e.Acquire(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if e.Acquire(ctx) == nil {
			t.Fatal("a third permit was given")
		}
		e.Release()
		if err := e.Acquire(t.Context()); err != nil {
			t.Errorf("a permit that was given back is not given again: %v", err)
		}
	})
}

func TestAnEndpointSpreadsRequestsOverTheSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := endpoint.New(endpoint.Limits{InFlight: 100, PerSecond: 10})
		begin := time.Now()
		for range 21 {
			if err := e.Acquire(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(begin).Round(time.Millisecond); took != 2*time.Second {
			t.Errorf("21 requests at 10 a second took %v", took)
		}
	})
}

func TestAnEndpointStaysClosedUntilTheLatestInstant(t *testing.T) {
	e := endpoint.New(endpoint.Limits{})
	e.PauseUntil(issued.Add(time.Minute))
	e.PauseUntil(issued.Add(time.Second))
	if got := e.PausedFor(issued); got != time.Minute {
		t.Errorf("closed for %v", got)
	}
	if got := e.PausedFor(issued.Add(time.Hour)); got != 0 {
		t.Errorf("an hour later still closed for %v", got)
	}
}

func TestABrokenEndpointIsTriedByOneRequestAtATime(t *testing.T) {
	e, now := endpoint.New(endpoint.Limits{}), issued
	for n := range 4 {
		if e.Report(false, now); e.Broken() || e.Probe(now) > 0 {
			t.Fatalf("broken after %d failures", n+1)
		}
	}
	if !e.Report(false, now) || !e.Broken() {
		t.Fatal("five failures in a row do not break it")
	}
	for range 20 {
		wait := e.Probe(now)
		if wait <= 0 || wait > time.Minute+time.Second {
			t.Fatalf("the next probe comes in %v", wait)
		}
		if got := e.ProbeIn(now); got != wait {
			t.Fatalf("ProbeIn says %v, Probe %v", got, wait)
		}
		now = now.Add(wait)
		if e.Probe(now) > 0 {
			t.Fatal("the probe is not let through in its time")
		}
		if e.Probe(now) <= 0 {
			t.Fatal("a second one is let through beside it")
		}
		if e.Report(false, now) {
			t.Fatal("it broke once more")
		}
	}
	if !e.Report(true, now) || e.Broken() || e.Probe(now) > 0 || e.ProbeIn(now) > 0 {
		t.Error("an answer does not bring it back")
	}
	if e.Report(true, now) {
		t.Error("it came back once more")
	}
}

func TestProbesOfSeveralDaemonsSpread(t *testing.T) {
	pauses := make(map[time.Duration]bool)
	for range 20 {
		e := endpoint.New(endpoint.Limits{})
		for range 10 {
			e.Report(false, issued)
		}
		pauses[e.ProbeIn(issued)] = true
	}
	if len(pauses) < 10 {
		t.Errorf("20 daemons try again at %d instants", len(pauses))
	}
}

func TestPausesGrowAnewOnceABrokenEndpointIsBack(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	e := endpoint.New(endpoint.Limits{})
	if most, bounded := e.LongestPause(now); bounded {
		t.Errorf("at most %v where nothing has broken", most)
	}
	for !e.Broken() {
		e.Report(false, now)
	}
	e.Report(true, now.Add(time.Hour))
	for since, want := range map[time.Duration]time.Duration{
		-time.Second:    time.Minute, // it was sent before another one came back
		0:               time.Minute,
		time.Minute:     time.Minute,
		5 * time.Minute: 5 * time.Minute,
		3 * time.Hour:   3 * time.Hour,
	} {
		if most, bounded := e.LongestPause(now.Add(time.Hour + since)); !bounded || most != want {
			t.Errorf("%v after it came back: at most %v, want %v", since, most, want)
		}
	}
	for !e.Broken() {
		e.Report(false, now.Add(5*time.Hour))
	}
	if most, bounded := e.LongestPause(now.Add(5 * time.Hour)); !bounded || most != time.Minute {
		t.Errorf("broken again: at most %v", most)
	}
}

func TestOtherLimitsDoNotChangeWhatIsKnownOfAnEndpoint(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	before := endpoint.New(endpoint.Limits{InFlight: 1})
	after := before.With(endpoint.Limits{InFlight: 2})
	if got := after.Limits().InFlight; got != 2 {
		t.Errorf("%d in flight", got)
	}
	// A request that was under way at the change tells the one before.
	before.PauseUntil(now.Add(time.Hour))
	for !before.Broken() {
		before.Report(false, now)
	}
	if after.PausedFor(now) != time.Hour || !after.Broken() {
		t.Errorf("closed for %v, broken: %v", after.PausedFor(now), after.Broken())
	}
}
