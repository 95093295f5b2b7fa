package main

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"testing"
	"time"

	"webex-tokend/daemon/client"
	"webex-tokend/daemon/wire"
)

var usual = thresholds{warning: 14 * day, critical: 3 * day}

func TestAGrantIsJudgedByTheWorstThatIsToBeSaidOfIt(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	in := func(d time.Duration) *time.Time { at := now.Add(d); return &at }
	well := wire.Grant{Name: "ops", Kind: "rest", State: "ok", AccessExpiresAt: in(10 * day), RefreshDueAt: in(4 * day), WindowEndsAt: in(80 * day)}
	with := func(change func(*wire.Grant)) wire.Grant { g := well; change(&g); return g }
	state := func(state, reason string) wire.Grant {
		return with(func(g *wire.Grant) { g.State, g.Reason, g.RefreshDueAt = state, reason, nil })
	}
	for _, c := range []struct {
		name string
		is   wire.Grant
		want finding
	}{
		{"all is well", well, finding{}},
		{"a damaged record", state("damaged", "the record does not open"), finding{severityCritical, "ops damaged (the record does not open)"}},
		{"an answer in memory only", state("unpersisted", ""), finding{severityCritical, "ops unpersisted"}},
		{"a grant from an older copy", state("unverified", ""), finding{severityCritical, "ops unverified"}},
		{"a grant that waits for consent", state("reauthorize", "window_ended"), finding{severityCritical, "ops reauthorize (window ended)"}},
		{"a client that is refused", state("misconfigured", "invalid_client"), finding{severityCritical, "ops misconfigured (invalid client)"}},
		{"a refresh token that was refused once",
			with(func(g *wire.Grant) { g.State, g.Reason, g.Failures = "retrying", "refresh_token_rejected", 1 }),
			finding{severityCritical, "ops retrying (refresh token rejected)"}},
		{"two failures may pass", with(func(g *wire.Grant) { g.State, g.Reason, g.Failures = "retrying", "http_503", 2 }), finding{}},
		{"three failures do not", with(func(g *wire.Grant) { g.State, g.Reason, g.Failures = "retrying", "http_503", 3 }),
			finding{severityWarning, "ops retrying (http 503), 3 times"}},
		{"an outcome that is not known", state("unknown", "no_answer"), finding{severityWarning, "ops unknown (no answer)"}},
		{"one whose refresh token was refused, too", state("unknown", "refresh_token_rejected"), finding{severityCritical, "ops unknown (refresh token rejected)"}},
		{"a pause", state("paused", "paused by the operator"), finding{severityWarning, "ops paused (paused by the operator)"}},
		{"a grant that was declared just now", with(func(g *wire.Grant) { *g = wire.Grant{Name: "ops", State: "pending", Since: in(-time.Hour)} }), finding{}},
		{"a grant that nobody registered", with(func(g *wire.Grant) { *g = wire.Grant{Name: "ops", State: "pending", Since: in(-61 * time.Minute)} }),
			finding{severityWarning, "ops pending"}},
		{"a token that expired", with(func(g *wire.Grant) { g.State, g.Failures, g.AccessExpiresAt = "retrying", 9, in(-time.Hour) }),
			finding{severityCritical, "ops token expired 1h ago"}},
		{"a token that expires at this instant", with(func(g *wire.Grant) { g.AccessExpiresAt = in(0) }), finding{severityCritical, "ops token expired 0s ago"}},
		{"five minutes late", with(func(g *wire.Grant) { g.RefreshDueAt = in(-5 * time.Minute) }), finding{}},
		{"later than that", with(func(g *wire.Grant) { g.RefreshDueAt = in(-6 * time.Minute) }), finding{severityCritical, "ops overdue by 6m"}},
		{"a window of 14 days", with(func(g *wire.Grant) { g.WindowEndsAt = in(14 * day) }), finding{}},
		{"a window of less", with(func(g *wire.Grant) { g.WindowEndsAt = in(14*day - time.Second) }), finding{severityWarning, "ops window ends in 13d 23h"}},
		{"a window of less than 3 days", with(func(g *wire.Grant) { g.WindowEndsAt = in(2 * day) }), finding{severityCritical, "ops window ends in 2d"}},
		{"a window that ended", with(func(g *wire.Grant) { g.WindowEndsAt = in(-2 * day) }), finding{severityCritical, "ops window ended 2d ago"}},
		{"the window outweighs a pause",
			with(func(g *wire.Grant) { g.State, g.WindowEndsAt = "paused", in(day) }), finding{severityCritical, "ops window ends in 1d"}},
		{"a static token is judged by its own end",
			with(func(g *wire.Grant) {
				g.Kind, g.WindowEndsAt, g.RefreshDueAt, g.AccessExpiresAt = "static", nil, nil, in(2*day)
			}),
			finding{severityCritical, "ops token ends in 2d"}},
		{"a static token without an end", with(func(g *wire.Grant) { g.Kind, g.WindowEndsAt, g.AccessExpiresAt = "static", nil, nil }), finding{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := judgeGrant(c.is, now, usual); got != c.want {
				t.Errorf("%v %q, not %v %q", got.severity, got.text, c.want.severity, c.want.text)
			}
		})
	}
}

func TestTheDaemonItselfIsJudged(t *testing.T) {
	now := time.Now()
	at := now.Add(-11 * time.Minute)
	fresh := now.Add(-time.Second)
	for _, c := range []struct {
		name string
		is   wire.Keeper
		want string
	}{
		{"it has not swept yet", wire.Keeper{}, "[]"},
		{"it sweeps", wire.Keeper{LastSweepAt: &fresh, StoreLatencySeconds: 0.004, ClockSkewSeconds: -20}, "[]"},
		{"it no longer sweeps", wire.Keeper{LastSweepAt: &at}, "[{2 last sweep 11m ago}]"},
		{"the store refuses writes", wire.Keeper{StoreError: "full"}, "[{2 the store refuses to be written, nothing is refreshed: full}]"},
		{"a configuration is refused", wire.Keeper{ConfigError: "no"}, "[{1 the saved configuration is refused: no}]"},
		{"nobody hears its alerts", wire.Keeper{AlertError: "webhook: it answers 502"}, "[{1 alerts do not arrive by webhook: it answers 502}]"},
		{"refreshes are late", wire.Keeper{Overdue: 3}, "[{2 3 overdue}]"},
		{"the disk is slow", wire.Keeper{StoreLatencySeconds: 1.5}, "[{1 store takes 1.5s}]"},
		{"the disk hangs", wire.Keeper{StoreLatencySeconds: 12}, "[{2 store takes 12s}]"},
		{"the clock is behind", wire.Keeper{ClockSkewSeconds: 40}, "[{1 clock is off by 40s}]"},
		{"the clock is far ahead", wire.Keeper{ClockSkewSeconds: -3600}, "[{2 clock is off by 1h}]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := fmt.Sprint(judgeKeeper(c.is, now)); got != c.want {
				t.Errorf("%s, not %s", got, c.want)
			}
		})
	}
}

func TestADaemonThatIsAwayIsCriticalAndACallerWhoMayNotAskKnowsNothing(t *testing.T) {
	for err, want := range map[error]severity{
		fmt.Errorf("%w on /run/x: refused", client.ErrUnreachable): severityCritical,
		fmt.Errorf("connect to /run/x: %w", fs.ErrPermission):      severityUnknown,
		errors.New("read answer: EOF"):                             severityCritical,
	} {
		if got := severityOf(err); got != want {
			t.Errorf("%v is %v", err, got)
		}
	}
}

// The grammar is that of the guidelines: a label without quotes, blanks and
// equal signs; a number with a unit; thresholds as ranges; nothing but blanks
// between two of them.
var (
	perfNumber = `-?[0-9]+(\.[0-9]+)?`
	perfRange  = `(@?(~|` + perfNumber + `)?:?(` + perfNumber + `)?)?`
	perfDatum  = regexp.MustCompile(`^[^'= ]{1,19}=` + perfNumber + `(s|%|[KMGT]?B|c)?(;` + perfRange + `){0,2}(;(` + perfNumber + `)?){0,2}$`)
)

func TestPerformanceDataFollowsTheGuidelinesOfMonitoringPlugins(t *testing.T) {
	now := time.Now()
	swept := now.Add(-2 * time.Second)
	sum := wire.Status{
		Grants: 4, States: map[string]int{"ok": 3, "reauthorize": 1},
		EarliestWindowEnd: &wire.WindowEnd{Grant: "ops", At: now.Add(-time.Hour)},
		Keeper:            wire.Keeper{LastSweepAt: &swept, StoreLatencySeconds: 0.0041, ClockSkewSeconds: -2},
	}
	v := checkup{sum: &sum, now: now, limit: usual, findings: []finding{{severityWarning, "a|b\nc"}, {severityCritical, "worse"}}}
	line := v.line()
	text, data, found := strings.Cut(line, " | ")
	if want := "WEBEX-TOKEND CRITICAL - worse; a/b c"; !found || text != want {
		t.Errorf("the line begins %q, not %q", text, want)
	}
	for datum := range strings.SplitSeq(data, " ") {
		if !perfDatum.MatchString(datum) {
			t.Errorf("%q is no performance data", datum)
		}
	}
	for _, want := range []string{"grants=4;;;0", "reauthorize=1;;;0", "window=-3600s;1209600:;259200:", "last_sweep=2s;;600;0", "store_latency=0.004100s;1;10;0"} {
		if !strings.Contains(data+" ", want+" ") {
			t.Errorf("%q is not in %q", want, data)
		}
	}
	for _, bad := range []string{"no label=1", "a=one", "a=1;;;;;1", "a='1'", "=1"} {
		if perfDatum.MatchString(bad) {
			t.Errorf("the test would take %q", bad)
		}
	}
}

func TestWhatIsKnownToBeLostOutweighsWhatIsNotKnown(t *testing.T) {
	var v checkup
	for _, s := range []severity{severityOK, severityWarning, severityUnknown, severityCritical} {
		v.add(finding{s, s.String()})
		if v.worst() != s {
			t.Errorf("the worst is %v, although there is %v", v.worst(), s)
		}
	}
	if got, want := v.line(), "WEBEX-TOKEND CRITICAL - CRITICAL; UNKNOWN; WARNING"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
}

func TestTheTimeOfACheckIsADurationOrSeconds(t *testing.T) {
	for text, want := range map[string]time.Duration{"9s": 9 * time.Second, "10": 10 * time.Second, "1m": time.Minute, "0": 0, "-1": 0, "soon": 0} {
		k := checkCommand{warning: "14d", critical: "3d", timeout: text}
		limit, err := k.thresholds()
		if (err == nil) != (want > 0) || err == nil && limit.answer != want {
			t.Errorf("-t %s is %v, %v", text, limit.answer, err)
		}
	}
}

func TestALineNamesTheWorstAndCountsTheRest(t *testing.T) {
	var v checkup
	for i := range 8 {
		v.add(finding{severityWarning, fmt.Sprint("grant", i)})
	}
	v.add(finding{severityCritical, "lost"})
	if got, want := v.line(), "WEBEX-TOKEND CRITICAL - lost; grant0; grant1; grant2; grant3; and 4 more"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
}
