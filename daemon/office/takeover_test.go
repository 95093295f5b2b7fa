package office

import (
	"testing"
	"time"
)

func TestTheIntentOfAnotherHostIsTakenOverInTime(t *testing.T) {
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	present := func(members ...string) map[string]bool {
		all := make(map[string]bool)
		for _, m := range members {
			all[m] = true
		}
		return all
	}
	const seen = time.Hour
	rotating := Claim{Owner: "a/1", Seen: seen, Rotates: true, IssuedAt: noon.Add(-time.Hour), ExpiresAt: noon.Add(time.Hour)}
	steady := rotating
	steady.Rotates = false
	endless := rotating
	endless.ExpiresAt = time.Time{}
	never, forgotten := func(string) bool { return false }, func(host string) bool { return host == "a" }
	for _, c := range []struct {
		name    string
		claim   Claim
		members Members
		boot    time.Duration
		now     time.Time
		want    bool
	}{
		{"its process is there", steady, Members{present("a/1", "b/7"), never}, seen + time.Hour, noon, false},
		{"it has just gone", steady, Members{present("b/7"), never}, seen + Rest - 1, noon, false},
		{"it is over", steady, Members{present("b/7"), never}, seen + Rest, noon, true},
		{"another process of that host is there", steady, Members{present("a/2"), never}, seen + Rest, noon, true},
		{"its answer may lie on that host", rotating, Members{present("b/7"), never}, seen + Rest, noon, false},
		{"that host is back", rotating, Members{present("a/2", "b/7"), never}, seen + Rest, noon, true},
		{"that host is back, and the request may be under way", rotating, Members{present("a/2"), never}, seen + Rest - 1, noon, false},
		{"that host was forgotten", rotating, Members{present("b/7"), forgotten}, seen + Rest, noon, true},
		{"a host whose name begins alike is back", rotating, Members{present("ab/2"), never}, seen + Rest, noon, false},
		{"the token can wait", rotating, Members{present("b/7"), never}, seen + Rest, noon.Add(44 * time.Minute), false},
		{"the token can wait no longer", rotating, Members{present("b/7"), never}, seen + Rest, noon.Add(45 * time.Minute), true},
		{"a token without an end can wait", endless, Members{present("b/7"), never}, seen + Rest, noon.AddDate(1, 0, 0), false},
	} {
		if got := MayTake(c.claim, c.members, c.boot, c.now); got != c.want {
			t.Errorf("%s: it may be taken: %v", c.name, got)
		}
	}
}

func TestARequestIsOverBeforeItsIntentIsTaken(t *testing.T) {
	const request, buffered = 30 * time.Second, 30 * time.Second
	if Rest <= Departs+request+buffered {
		t.Errorf("after %v a request can still arrive", Rest)
	}
	if acts >= life || keep >= acts {
		t.Error("a host acts longer than its session lives, or gives too few signs")
	}
}
