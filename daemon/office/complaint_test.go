package office

import (
	"slices"
	"testing"
	"time"
)

func TestAHostComplainsOfWhatKeptItFromRefreshingForAMinute(t *testing.T) {
	const term = time.Hour
	var c Complaints
	look := func(after time.Duration, wrong ...string) []string {
		c.Look(wrong, term, term+after)
		return c.List(term + after)
	}
	if got := look(0, "a"); len(got) != 0 {
		t.Errorf("at once: %v", got)
	}
	if got := look(complainsAfter-1, "a", "b"); len(got) != 0 {
		t.Errorf("after a bad moment: %v", got)
	}
	if got := look(complainsAfter, "a", "b"); !slices.Equal(got, []string{"a"}) {
		t.Errorf("after a minute: %v", got)
	}
	if got := look(2*complainsAfter, "b"); !slices.Equal(got, []string{"b"}) {
		t.Errorf("a works again: %v", got)
	}
	// Out of office nothing shows that it works again: others may try for a while.
	left := term + 2*complainsAfter
	if got := c.List(left + complainsFor - 1); !slices.Equal(got, []string{"b"}) {
		t.Errorf("out of office: %v", got)
	}
	if got := c.List(left + complainsFor); len(got) != 0 {
		t.Errorf("when others have tried: %v", got)
	}
	// In another term it is found out anew.
	again := left + complainsFor
	c.Look([]string{"b"}, again, again)
	if got := c.List(again); len(got) != 0 {
		t.Errorf("in office again: %v", got)
	}
	c.Look([]string{"b"}, again, again+complainsAfter)
	if got := c.List(again + complainsAfter); !slices.Equal(got, []string{"b"}) {
		t.Errorf("in office again for a minute: %v", got)
	}
}

func TestTheOfficeGoesToAHostThatFaresBetter(t *testing.T) {
	for _, c := range []struct {
		name         string
		other, these []string
		want         bool
	}{
		{"nobody complains", nil, nil, false},
		{"only the other complains", []string{"a"}, nil, false},
		{"only this one complains", nil, []string{"a"}, true},
		{"both complain of the same", []string{"a"}, []string{"a"}, false},
		{"the other complains of less", []string{"a"}, []string{"a", "b"}, true},
		{"the other complains of more", []string{"a", "b"}, []string{"a"}, false},
		{"each complains of something else", []string{"b"}, []string{"a"}, false},
	} {
		if got := FaresBetter(c.other, c.these); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// Where an endpoint is away for all, the office must not go round and round.
func TestHostsThatFareAlikeKeepTheOffice(t *testing.T) {
	all := make([]Complaints, 3)
	in, term, turns := 0, time.Duration(0), 0
	for now := time.Duration(0); now < 2*time.Hour; now += time.Second {
		all[in].Look([]string{"webex"}, term, now)
		for other := range all {
			if other != in && FaresBetter(all[other].List(now), all[in].List(now)) {
				in, term = other, now
				turns++
				break
			}
		}
	}
	if turns < 2 {
		t.Errorf("the office changed %d times: nobody else tried", turns)
	}
	if most := int(2*time.Hour/complainsFor) * len(all); turns > most {
		t.Errorf("the office changed %d times, which is more than %d", turns, most)
	}
}
