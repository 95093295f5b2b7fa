package schedule_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"webex-tokend/daemon/schedule"
)

func TestAnEndpointGivesNoMorePermitsThanItHas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := schedule.NewEndpoint(schedule.Limits{InFlight: 2})
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
		e := schedule.NewEndpoint(schedule.Limits{InFlight: 100, PerSecond: 10})
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
	e := schedule.NewEndpoint(schedule.Limits{})
	e.CloseUntil(issued.Add(time.Minute))
	e.CloseUntil(issued.Add(time.Second))
	if got := e.ClosedFor(issued); got != time.Minute {
		t.Errorf("closed for %v", got)
	}
	if got := e.ClosedFor(issued.Add(time.Hour)); got != 0 {
		t.Errorf("an hour later still closed for %v", got)
	}
}
