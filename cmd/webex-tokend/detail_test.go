package main

import (
	"strings"
	"testing"
	"time"

	"webex-tokend/daemon/wire"
)

func TestADetailTellsWhatTheAnswersSaidTheNewestFirst(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.Local)
	seen := func(at, end time.Duration, same bool) wire.Observation {
		ends := now.Add(end)
		return wire.Observation{At: now.Add(at), EndsAt: &ends, SameRefresh: same}
	}
	var b strings.Builder
	g := wire.Grant{Name: "ops", State: "ok", Observations: []wire.Observation{
		seen(-9*day, 80*day, false), seen(-7*day, 80*day+time.Second, true), seen(-5*day, 82*day, true),
		{At: now.Add(-3 * day), SameRefresh: true}, seen(-2*day, 88*day, false)}}
	if err := drawGrant(&b, screen{}, g, now); err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(b.String(), "  seen ")
	lines := strings.Split(strings.TrimSpace(list), "\n")
	for i, want := range []string{", new refresh token", ", said nothing of the window", ", later by 1d 23h", ", unmoved", now.Add(80 * day).Format("2006-01-02 15:04 MST")} {
		if i >= len(lines) || !strings.HasSuffix(lines[i], want) {
			t.Errorf("line %d does not end with %q:\n%s", i, want, b.String())
		}
	}
}

func TestABarEmptiesWithTheWindow(t *testing.T) {
	now := time.Now()
	for _, c := range []struct {
		name string
		left time.Duration
		want string
	}{
		{"a full window", 90 * day, "[######]"},
		{"a longer one", 400 * day, "[######]"},
		{"half of it", 45 * day, "[###...]"},
		{"the last hour", time.Hour, "[#.....]"},
		{"an ended one", -day, "[......]"},
	} {
		end := now.Add(c.left)
		if got := bar(wire.Grant{WindowEndsAt: &end}, now); got != c.want {
			t.Errorf("%s is %s, not %s", c.name, got, c.want)
		}
	}
	if got := bar(wire.Grant{}, now); got != "" {
		t.Errorf("a window without an end is %s", got)
	}
}
