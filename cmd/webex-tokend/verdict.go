package main

import (
	"fmt"
	"strings"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/verdict"
	"webex-tokend/daemon/wire"
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
	sweepAge      = 10 * time.Minute
	latencyWarns  = time.Second
	latencyAlarms = 10 * time.Second
	skewWarns     = 30 * time.Second
	skewAlarms    = 5 * time.Minute
)

// judgeGrant says what is the most urgent of a grant, by the verdict that all
// others show, but within the limits of this call.
func judgeGrant(g wire.Grant, now time.Time, limit thresholds) finding {
	cause := verdict.Shown(g).Cause(verdict.Limits{Critical: limit.critical, Warning: limit.warning}, now)
	f := finding{text: g.Name + " " + why(g, cause, now)}
	switch cause.Level() {
	case verdict.Critical:
		f.severity = severityCritical
	case verdict.Warning:
		f.severity = severityWarning
	default:
		return finding{}
	}
	return f
}

func why(g wire.Grant, cause verdict.Cause, now time.Time) string {
	switch cause {
	case verdict.Expired:
		return "token expired " + span(now.Sub(*g.AccessExpiresAt)) + " ago"
	case verdict.Overdue:
		return "overdue by " + span(now.Sub(*g.RefreshDueAt))
	case verdict.Ending, verdict.EndingSoon:
		what := "window"
		if g.Kind == string(config.Static) {
			what = "token"
		}
		if left := g.End().Sub(now); left > 0 {
			return fmt.Sprintf("%s ends in %s", what, span(left))
		}
		return fmt.Sprintf("%s ended %s ago", what, span(now.Sub(*g.End())))
	case verdict.Outputs:
		return "files or hooks fail"
	}
	text := g.State
	if g.Reason != "" && g.Reason != g.State {
		text += " (" + words(g.Reason) + ")"
	}
	if cause == verdict.Failing {
		text += fmt.Sprintf(", %d times", g.Failures)
	}
	return text
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
	if k.DiskError != "" {
		add(severityWarning, "little room on the disk of the store: %s", k.DiskError)
	}
	if k.PagesError != "" {
		add(severityWarning, "%s", k.PagesError)
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

// judgeHosts looks at hosts that share a store.
func judgeHosts(sum wire.Status) (list []finding) {
	for _, t := range verdict.OfHosts(sum) {
		f := finding{severityWarning, t.Text}
		if t.Level == verdict.Critical {
			f.severity = severityCritical
		}
		list = append(list, f)
	}
	return list
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
