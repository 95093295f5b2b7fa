package main

import (
	"fmt"
	"strings"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/verdict"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
)

// A severity is the exit code that monitoring plugins share.
type severity int

const (
	severityOK severity = iota
	severityWarning
	severityCritical
	severityUnknown
)

// rank orders severities by how bad they are, which their numbers do not: what
// is known to be lost outweighs what is not known.
func (s severity) rank() int {
	return [...]int{severityOK: 0, severityWarning: 1, severityUnknown: 2, severityCritical: 3}[s]
}

func (s severity) String() string {
	return [...]string{"OK", "WARNING", "CRITICAL", "UNKNOWN"}[s]
}

// A finding is one thing that is not as it should be; the zero value is none.
type finding struct {
	severity severity
	text     string
}

// Thresholds of a check: how near the end of a refresh window may be, and how
// long the daemon may take to answer.
type thresholds struct{ warning, critical, answer time.Duration }

// Bounds beside the windows. Ten minutes without a sweep are twice the longest
// pause that the configuration takes without a warning; a skew of five minutes
// lets servers refuse what is signed with times.
const (
	pendingFor    = time.Hour
	retriesBefore = 3
	sweepAge      = 10 * time.Minute
	latencyWarns  = time.Second
	latencyAlarms = 10 * time.Second
	skewWarns     = 30 * time.Second
	skewAlarms    = 5 * time.Minute
)

// judgeGrant returns the worst that is to be said of a grant.
func judgeGrant(g wire.Grant, now time.Time, limit thresholds) finding {
	worst := judgeState(g, now)
	for _, f := range []finding{judgeToken(g, now), judgeWindow(g, now, limit)} {
		if f.severity.rank() > worst.severity.rank() {
			worst = f
		}
	}
	if worst.severity != severityOK {
		worst.text = g.Name + " " + worst.text
	}
	return worst
}

func judgeState(g wire.Grant, now time.Time) finding {
	text := g.State
	if g.Reason != "" && g.Reason != g.State {
		text += " (" + words(g.Reason) + ")"
	}
	switch state := store.State(g.State); {
	case state == store.OK:
		return finding{}
	case wire.Refused(g.State, g.Reason):
		return finding{severityCritical, text}
	case state == store.Unknown, state == store.Paused:
	case state == store.Retrying && g.Failures < retriesBefore:
		return finding{}
	case state == store.Retrying:
		text += fmt.Sprintf(", %d times", g.Failures)
	case state == store.Pending && (g.Since == nil || now.Sub(*g.Since) <= pendingFor):
		return finding{}
	case state == store.Pending:
	default:
		return finding{severityCritical, text}
	}
	return finding{severityWarning, text}
}

func judgeToken(g wire.Grant, now time.Time) finding {
	switch due := g.RefreshDueAt; {
	case g.AccessExpiresAt != nil && !now.Before(*g.AccessExpiresAt):
		return finding{severityCritical, "token expired " + span(now.Sub(*g.AccessExpiresAt)) + " ago"}
	case due != nil && now.Sub(*due) > verdict.OverdueAfter && g.State == string(store.OK):
		return finding{severityCritical, "overdue by " + span(now.Sub(*due))}
	}
	return finding{}
}

func judgeWindow(g wire.Grant, now time.Time, limit thresholds) finding {
	end, what := g.End(), "window"
	if end == nil {
		return finding{}
	}
	if g.Kind == string(config.Static) {
		what = "token"
	}
	left := end.Sub(now)
	text := fmt.Sprintf("%s ends in %s", what, span(left))
	if left <= 0 {
		text = fmt.Sprintf("%s ended %s ago", what, span(left))
	}
	switch {
	case left < limit.critical:
		return finding{severityCritical, text}
	case left < limit.warning:
		return finding{severityWarning, text}
	}
	return finding{}
}

// judgeKeeper returns what is wrong with the daemon itself.
func judgeKeeper(k wire.Keeper, now time.Time) []finding {
	var list []finding
	add := func(s severity, format string, args ...any) {
		list = append(list, finding{s, fmt.Sprintf(format, args...)})
	}
	if k.LastSweepAt != nil && now.Sub(*k.LastSweepAt) > sweepAge {
		add(severityCritical, "last sweep %s ago", span(now.Sub(*k.LastSweepAt)))
	}
	if k.StoreError != "" {
		add(severityCritical, "the store refuses to be written, nothing is refreshed: %s", k.StoreError)
	}
	if k.ConfigError != "" {
		add(severityWarning, "the saved configuration is refused: %s", k.ConfigError)
	}
	if k.AlertError != "" {
		add(severityWarning, "alerts do not arrive by %s", k.AlertError)
	}
	if k.Overdue > 0 {
		add(severityCritical, "%d overdue", k.Overdue)
	}
	latency := time.Duration(k.StoreLatencySeconds * float64(time.Second))
	if s := exceeds(latency, latencyWarns, latencyAlarms); s != severityOK {
		add(s, "store takes %s", latency.Round(time.Millisecond))
	}
	skew := time.Duration(k.ClockSkewSeconds * float64(time.Second))
	if s := exceeds(skew.Abs(), skewWarns, skewAlarms); s != severityOK {
		add(s, "clock is off by %s", span(skew))
	}
	return list
}

// judgeOutputs warns of consumers that go on with an old token.
func judgeOutputs(f wire.FailingOutputs) finding {
	if f.Count == 0 {
		return finding{}
	}
	return finding{severityWarning, failingOutputs(f)}
}

func failingOutputs(f wire.FailingOutputs) string {
	text := fmt.Sprintf("files or hooks of %s fail: %s", plural(f.Count, "grant"), strings.Join(f.Grants, ", "))
	if more := f.Count - len(f.Grants); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// judgeKey finds a key that is gone worth waking somebody: until the daemon
// stops it can make another one, afterwards nobody can. That there is no second
// one is no finding: it would stand there on most hosts for ever.
func judgeKey(k *wire.StoreKey) finding {
	if k == nil || k.Fault == "" {
		return finding{}
	}
	return finding{severityCritical, "the store will not open at the next start: " + k.Fault}
}

func exceeds(d, warning, critical time.Duration) severity {
	switch {
	case d > critical:
		return severityCritical
	case d > warning:
		return severityWarning
	}
	return severityOK
}
