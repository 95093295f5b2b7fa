package main

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"webex-tokend/daemon/verdict"
	"webex-tokend/daemon/wire"
)

// aFleet has one grant of every sort that an operator meets.
func aFleet(now time.Time) []wire.Grant {
	in := func(d time.Duration) *time.Time { t := now.Add(d); return &t }
	fleet := []wire.Grant{
		{Name: "tenant-oslo-contact-center", Kind: "rest", State: "reauthorize", Reason: "refresh_token_rejected",
			Action: "webex-tokend authorize tenant-oslo-contact-center", Generation: 9,
			AccessExpiresAt: in(-2 * time.Hour), WindowEndsAt: in(41 * day), Window: "fixed"},
		{Name: "crm", Kind: "rest", State: "misconfigured", Reason: "client_secret_rejected", Action: "webex-tokend validate",
			Generation: 3, AccessExpiresAt: in(6*day + 3*time.Hour), RefreshDueAt: in(12 * time.Minute), WindowEndsAt: in(70 * day), Window: "sliding"},
		{Name: "meetings", Kind: "meetings", State: "retrying", Reason: "token endpoint answered 503", Action: "webex-tokend refresh meetings",
			Generation: 211, AccessExpiresAt: in(31 * time.Minute), RefreshDueAt: in(-90 * time.Second), WindowEndsAt: in(2*day + 4*time.Hour), Window: "fixed"},
		{Name: "new-one", Kind: "rest", State: "pending", Reason: "nothing registered yet", Action: "webex-tokend import new-one"},
		{Name: "winter", Kind: "rest", State: "paused", Reason: "paused by the operator", Action: "webex-tokend resume winter",
			Generation: 2, AccessExpiresAt: in(11 * day), WindowEndsAt: in(9*day + time.Hour), Window: "unknown", Assumed: []string{"window_ends_at"}},
		{Name: "ops", Kind: "rest", State: "ok", Generation: 12, AccessExpiresAt: in(13*day + 4*time.Hour), RefreshDueAt: in(6*day + 14*time.Hour), WindowEndsAt: in(90 * day), Window: "sliding"},
		{Name: "bot", Kind: "static", State: "ok", Generation: 1},
	}
	for i, g := range fleet {
		fleet[i].Level = string(verdict.Shown(g).Cause(verdict.Usual(), now).Level())
	}
	return fleet
}

// A grant whose window ends in two days was an unmarked ok.
func TestMarksFollowTheLevelAndNotTheState(t *testing.T) {
	now := time.Now()
	end := now.Add(2 * day)
	for _, c := range []struct {
		g    wire.Grant
		want string
	}{
		{wire.Grant{State: "ok", Level: "critical", WindowEndsAt: &end, Window: "fixed"}, "!"},
		{wire.Grant{State: "paused", Level: "critical", WindowEndsAt: &end, Window: "fixed"}, "!"},
		{wire.Grant{State: "ok", Level: "warning"}, "*"},
		{wire.Grant{State: "paused", Level: "warning"}, "-"},
		{wire.Grant{State: "retrying", Level: "working"}, "~"},
		{wire.Grant{State: "retrying", Level: "warning"}, "*"},
		{wire.Grant{State: "ok", Level: "fine", WindowEndsAt: &end, Window: "sliding"}, " "},
	} {
		if got := sign(c.g); got != c.want {
			t.Errorf("%s at level %s is marked %q, not %q", c.g.State, c.g.Level, got, c.want)
		}
	}
}

func TestATableFitsTheScreen(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for _, width := range []int{60, 80, 100, 160} {
		var b strings.Builder
		if err := drawTable(&b, screen{terminal: true, width: width}, aFleet(now), now); err != nil {
			t.Fatal(err)
		}
		t.Logf("%d columns\n%s", width, b.String())
		for line := range strings.Lines(b.String()) {
			if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > width {
				t.Errorf("at %d columns a line has %d: %q", width, n, line)
			}
		}
	}
}

func TestTheLongestNamesAndReasonsFitTheScreenToo(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	fleet := aFleet(now)
	for i := range fleet {
		fleet[i].Name = strings.Repeat("n", 62) + strconv.Itoa(i)
		if verb, _, found := strings.Cut(fleet[i].Action, " "+aFleet(now)[i].Name); found {
			fleet[i].Action = verb + " " + fleet[i].Name
		}
		fleet[i].Reason = strings.Repeat("the server says so, ", 20)
	}
	for _, width := range []int{80, 160} {
		on := screen{terminal: true, width: width}
		var b strings.Builder
		if err := drawTable(&b, on, fleet, now); err != nil {
			t.Fatal(err)
		}
		// What is to be done is there as a whole: a shell joins the lines.
		joined := strings.Join(strings.Fields(strings.ReplaceAll(b.String(), "\\\n", "")), " ")
		for _, g := range fleet {
			if !strings.Contains(joined, g.Action) {
				t.Errorf("at %d columns it does not say %q", width, g.Action)
			}
			if err := drawGrant(&b, on, g, now); err != nil {
				t.Fatal(err)
			}
		}
		for line := range strings.Lines(b.String()) {
			if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > width {
				t.Errorf("at %d columns a line has %d: %q", width, n, line)
			}
		}
	}
}

func TestTheUrgentDoNotScrollAway(t *testing.T) {
	now := time.Now()
	fleet := slices.Repeat(aFleet(now), 15)
	sum := wire.Status{Grants: 300, States: map[string]int{"ok": 300}}
	for _, height := range []int{0, 1, 5, 24, 50, 1000} {
		picture, err := drawFleet(screen{width: 80, height: height}, sum, fleet, 300-len(fleet), now)
		if err != nil {
			t.Fatal(err)
		}
		text := string(picture)
		lines := strings.Count(text, "\n")
		if whole := height == 0 || height == 1000; whole != strings.Contains(text, "and 195 more:") {
			t.Errorf("of %d lines:\n%s", height, text)
		}
		if height >= 24 && (lines >= height || lines < height-3 && height < 1000) || !strings.Contains(text, "! crm ") || !strings.Contains(text, " more: webex-tokend status --limit 0") {
			t.Errorf("%d lines on a screen of %d:\n%s", lines, height, text)
		}
	}
}

func TestALineThatIsTooLongGoesOnBelowItself(t *testing.T) {
	const text = "one two three-and-thirty four"
	for width, want := range map[int]string{0: text, 40: text, 12: "one two\n  three-and-thirty\n  four", 31: text, 30: "one two three-and-thirty\n  four"} {
		if got := (screen{width: width}).wrap(text, 2); got != want {
			t.Errorf("at %d columns it is\n%s", width, got)
		}
	}
}

func TestColourAddsNothingThatWordsDoNotSay(t *testing.T) {
	now := time.Now()
	draw := func(on screen) string {
		var b strings.Builder
		if err := drawTable(&b, on, aFleet(now), now); err != nil {
			t.Fatal(err)
		}
		for _, g := range aFleet(now) {
			if err := drawGrant(&b, on, g, now); err != nil {
				t.Fatal(err)
			}
		}
		return b.String()
	}
	bare, painted := draw(screen{width: 80}), draw(screen{width: 80, color: true})
	if strings.Contains(bare, "\x1b") || !strings.Contains(painted, "\x1b[1;31m") {
		t.Fatal("only a screen with colour is to be painted")
	}
	if got := regexp.MustCompile(`\x1b\[[0-9;]*m`).ReplaceAllString(painted, ""); got != bare {
		t.Errorf("without its colours the picture is another one:\n%s\nnot\n%s", got, bare)
	}
}

func TestAPipeGetsEverythingOnOneLine(t *testing.T) {
	now := time.Now()
	var b strings.Builder
	if err := drawTable(&b, screen{}, aFleet(now), now); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	if len(lines) != 1+len(aFleet(now)) {
		t.Errorf("%d lines for %d grants", len(lines), len(aFleet(now)))
	}
	for i, g := range aFleet(now) {
		for _, want := range []string{g.Name, g.State, g.Action, words(g.Reason)} {
			if !strings.Contains(lines[i+1], want) {
				t.Errorf("%q is not in %q", want, lines[i+1])
			}
		}
	}
}

func TestHeadlinesAnswerWhetherSomebodyHasToAct(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.Local)
	end := func(d time.Duration) *wire.WindowEnd { return &wire.WindowEnd{Grant: "ops", At: now.Add(d)} }
	tests := []struct {
		name string
		sum  wire.Status
		want string
	}{
		{"nothing is declared", wire.Status{}, "no grants yet"},
		{"all is well", wire.Status{Grants: 3, States: map[string]int{"ok": 3}, Horizon: end(90 * day)},
			"3 grants, all good; first human action needed by 2027-02-20 (ops)"},
		{"one grant is no plural", wire.Status{Grants: 1, States: map[string]int{"ok": 1}}, "1 grant, all good"},
		{"an end that is near is a span", wire.Status{Grants: 1, States: map[string]int{"ok": 1}, Horizon: end(2*day + 3*time.Hour)},
			"1 grant, all good; first human action needed in 2d 3h (ops)"},
		{"an end that has passed is a date", wire.Status{Grants: 1, States: map[string]int{"ok": 1}, Horizon: end(-2 * day)},
			"1 grant: 1 ok; human action needed since 2026-11-20 (ops)"},
		{"an end that refreshes move is no horizon", wire.Status{Grants: 1, States: map[string]int{"ok": 1}, EarliestWindowEnd: end(90 * day)},
			"1 grant, all good; all windows slide, no human action in sight"},
		{"states come by urgency", wire.Status{Grants: 6, States: map[string]int{"ok": 2, "retrying": 1, "paused": 1, "reauthorize": 2},
			Levels: map[string]int{"critical": 2, "working": 1, "warning": 1, "fine": 2}},
			"6 grants: 2 reauthorize, 1 retrying, 1 paused, 2 ok; 2 need attention now; 1 needs attention soon"},
		{"an ok whose window ends is told", wire.Status{Grants: 3, States: map[string]int{"ok": 3}, Levels: map[string]int{"critical": 1, "fine": 2}, Horizon: end(2 * day)},
			"3 grants: 3 ok; 1 needs attention now"},
		{"a store that refuses is not well", wire.Status{Grants: 1, States: map[string]int{"ok": 1}, Keeper: wire.Keeper{StoreError: "full"}},
			"1 grant: 1 ok; human action needed now"},
		{"files that are not written are not well", wire.Status{Grants: 1, States: map[string]int{"ok": 1}, FailingOutputs: wire.FailingOutputs{Count: 1}}, "1 grant: 1 ok"},
		{"late work is told", wire.Status{Grants: 2, States: map[string]int{"ok": 2}, Keeper: wire.Keeper{Overdue: 1}}, "2 grants: 2 ok; 1 overdue"},
		{"a key that is gone is told", wire.Status{Grants: 1, States: map[string]int{"ok": 1}, StoreKey: &wire.StoreKey{Fault: "gone"}, Horizon: end(90 * day)},
			"1 grant: 1 ok; human action needed now"},
		{"a count under way is told", wire.Status{Grants: 2, States: map[string]int{"ok": 2}, Counting: true}, "2 grants so far (still counting), all good"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := headline(test.sum, now); got != test.want {
				t.Errorf("%q, not %q", got, test.want)
			}
		})
	}
}
