package endpoint_test

import (
	"testing"
	"time"

	"webex-tokend/daemon/endpoint"
)

func TestAnEndpointThatComesBackExcusesGrantsThatFailedBefore(t *testing.T) {
	e, now := endpoint.New(endpoint.Limits{}), issued
	if e.CameBack() || e.Excuses(now, now) {
		t.Fatal("it is back before anything has succeeded")
	}
	e.Served(now.Add(time.Minute))
	if !e.CameBack() || e.CameBack() {
		t.Error("the first success of a process is not told once")
	}
	if !e.Excuses(now, now) || e.Excuses(now, now.Add(time.Minute)) {
		t.Error("what failed before it, or what failed after it, is taken for the other")
	}
	e.Served(now.Add(2 * time.Minute))
	if e.CameBack() {
		t.Error("it is back although it was not away")
	}
	e.Unserved(now.Add(3 * time.Minute))
	e.Served(now.Add(4 * time.Minute))
	if !e.CameBack() || !e.Excuses(now, now.Add(3*time.Minute)) {
		t.Error("it is not back after a failure and a success")
	}
	e.Unserved(now.Add(3 * time.Minute))
	if !e.CameBack() {
		t.Error("nobody looks after a request that was under way when the endpoint came back")
	}
}

func TestAGrantThatFailsWhileOthersSucceedIsNotExcusedForEver(t *testing.T) {
	e, now, excused := endpoint.New(endpoint.Limits{}), issued, 0
	for n := range 100 {
		at := now.Add(time.Duration(n) * time.Minute)
		e.Unserved(at)
		e.Served(at.Add(time.Second))
		if e.Excuses(now, at) {
			excused++
		}
	}
	if excused == 0 || excused > 8 {
		t.Errorf("excused %d times", excused)
	}
}

func TestAnOutageIsFoundToBeOverInASmallPartOfItsLength(t *testing.T) {
	for _, c := range []struct{ lasts, within time.Duration }{
		{10 * time.Second, 3 * time.Second}, {35 * time.Second, 4 * time.Second},
		{10 * time.Minute, 39 * time.Second}, {24 * time.Hour, 61 * time.Second},
	} {
		for range 50 {
			e := endpoint.New(endpoint.Limits{})
			for n := range 5 {
				e.Report(false, issued.Add(c.lasts*time.Duration(n)/4))
			}
			if wait := e.ProbeIn(issued.Add(c.lasts)); wait < time.Second || wait > c.within {
				t.Fatalf("after %v it is tried again in %v", c.lasts, wait)
			}
		}
	}
}
