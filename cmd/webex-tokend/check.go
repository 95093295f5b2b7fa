package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"webex-tokend/daemon/client"
	"webex-tokend/daemon/duration"
	"webex-tokend/daemon/verdict"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
)

// A checkCommand is one call of `check`.
type checkCommand struct {
	*console
	names             []string
	warning, critical string
	timeout           string
}

func newCheck(c *console) *cobra.Command {
	k := &checkCommand{console: c}
	cmd := &cobra.Command{
		Use:   "check [GRANT...] [-w DURATION] [-c DURATION] [-t DURATION]",
		Short: "Answer a monitoring system in one line",
		Long: `Judge the grants and the daemon itself as a monitoring plugin: one line,
performance data behind a bar, exit code 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.

CRITICAL is what needs attention now: a token that expired, a grant that waits
for consent, whose client or refresh token is refused, whose answer is not
stored or whose record is damaged or unverified; a refresh overdue by more than
5 minutes; a window that ends within -c; a daemon that is away. WARNING is a
third failure in a row, an unknown outcome, a pause, a grant pending for over
an hour, a window that ends within -w, files or hooks that fail, a saved
configuration that is refused, alerts that do not arrive, pages whose port is
taken, a disk with little room for the store. The daemon itself is
judged by its last sweep, its clock and its store: whether that can be written,
how fast, and whether its key is still there. A store without a recovery key is
mentioned and no reason to warn. Of hosts that share a store it is CRITICAL when
none can refresh, and WARNING when one is away, has other rules or another clock,
or hands over because it alone cannot refresh, and when etcd is nearly full.`,
		Example: `  webex-tokend check
  webex-tokend check ops crm -w 21d -c 7d`,
		ValidArgsFunction: c.completeGrants,
		RunE: func(cmd *cobra.Command, args []string) error {
			// A runner that has left is answered by the exit code, not by SIGPIPE.
			signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
			k.names = args
			return k.tell(k.run(cmd.Context()))
		},
	}
	cmd.Flags().StringVarP(&k.warning, "warning", "w", "14d", "WARNING when a window ends within `DURATION`")
	cmd.Flags().StringVarP(&k.critical, "critical", "c", "3d", "CRITICAL when a window ends within `DURATION`")
	cmd.Flags().StringVarP(&k.timeout, "timeout", "t", "9s", "CRITICAL when the daemon takes longer than `DURATION`; a bare number is seconds")
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		return k.tell(checkup{findings: []finding{{severityUnknown, flagError(err).Error()}}})
	})
	return cmd
}

// A checkup holds the parts of the line.
type checkup struct {
	sum      *wire.Status // nil: not known
	findings []finding
	named    []string // the grants that were asked for, with their states
	judged   int      // grants looked at
	partial  bool     // more may be wrong than was looked at
	now      time.Time
	limit    thresholds
}

func (v *checkup) add(f finding) {
	if f.severity != severityOK {
		v.findings = append(v.findings, f)
	}
}

func (v *checkup) worst() (worst severity) {
	for _, f := range v.findings {
		if f.severity.rank() > worst.rank() {
			worst = f.severity
		}
	}
	return worst
}

// run asks and judges; every failure of its own becomes a finding.
func (k *checkCommand) run(ctx context.Context) checkup {
	v := checkup{now: time.Now()}
	var err error
	if v.limit, err = k.thresholds(); err != nil {
		v.add(finding{severityUnknown, err.Error()})
		return v
	}
	daemon := k.daemon()
	defer daemon.Close()
	// A plugin that hangs is killed by its runner without a word.
	ctx, cancel := context.WithTimeout(ctx, v.limit.answer)
	defer cancel()
	sum, err := daemon.Status(ctx)
	if err == nil {
		v.sum = &sum
		if len(k.names) > 0 {
			sum.Keeper.Overdue = 0 // of all grants; the named ones are judged by themselves
		}
		v.findings = judgeKeeper(sum.Keeper, v.now)
		v.add(judgeKey(sum.StoreKey))
		if len(k.names) == 0 {
			v.findings = append(v.findings, judgeHosts(sum)...)
		}
		if len(k.names) == 0 {
			v.add(judgeOutputs(sum.FailingOutputs))
		}
		err = k.judge(ctx, daemon, &v)
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		v.add(finding{severityCritical, "the daemon did not answer within " + span(v.limit.answer)})
	case err != nil:
		v.add(finding{severityOf(err), err.Error()})
	}
	return v
}

func (k *checkCommand) thresholds() (t thresholds, err error) {
	if t.warning, err = duration.Parse(k.warning); err != nil {
		return t, fmt.Errorf("-w: %w", err)
	}
	if t.critical, err = duration.Parse(k.critical); err != nil {
		return t, fmt.Errorf("-c: %w", err)
	}
	if seconds, err := strconv.Atoi(k.timeout); err == nil {
		t.answer = time.Duration(seconds) * time.Second
	} else if t.answer, err = duration.Parse(k.timeout); err != nil {
		return t, fmt.Errorf("-t: %w", err)
	}
	if t.answer <= 0 {
		return t, errors.New("-t leaves the daemon no time to answer")
	}
	if t.critical > t.warning {
		return t, errors.New("-c is longer than -w, so nothing would ever be a WARNING")
	}
	return t, nil
}

// enough bounds a check of a large fleet in trouble: what comes behind so many
// grants is less urgent than they are.
const enough = 10_000

// judge walks by urgency and stops where nothing worse can come: grants that
// are well follow by the ends of their windows.
func (k *checkCommand) judge(ctx context.Context, daemon *client.Client, v *checkup) error {
	for _, name := range k.names {
		g, err := daemon.Grant(ctx, name)
		if err != nil {
			return err
		}
		v.add(judgeGrant(g, v.now, v.limit))
		v.named = append(v.named, g.Name+" "+g.State)
		v.judged++
	}
	if len(k.names) > 0 {
		return nil
	}
	for g, err := range daemon.AllGrants(ctx, client.Query{Limit: 1000}) {
		if err != nil {
			return err
		}
		end := g.End()
		if g.Level == string(verdict.Fine) && (end == nil || end.Sub(v.now) >= v.limit.warning) {
			return nil
		}
		// The summary names those of which files or hooks fail.
		if f := judgeGrant(g, v.now, v.limit); f.text != g.Name+" files or hooks fail" {
			v.add(f)
		}
		v.judged++
		if v.judged >= enough || v.judged >= 1000 && v.worst() == severityCritical {
			v.partial = true
			return nil
		}
	}
	return nil
}

// severityOf sorts errors: a daemon that is away is the worst that can be told,
// a caller who may not ask has learnt nothing.
func severityOf(err error) severity {
	p, refused := errors.AsType[*client.Problem](err)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return severityUnknown
	case refused && p.Status < http.StatusInternalServerError:
		return severityUnknown
	}
	return severityCritical
}

// tell writes the line. The exit code is that of the worst finding.
func (k *checkCommand) tell(v checkup) error {
	if _, err := fmt.Fprintln(k.out, v.line()); err != nil {
		// Nobody has read a verdict, so that there is none.
		return &failure{code: int(severityUnknown), err: fmt.Errorf("write verdict: %w", err)}
	}
	if worst := v.worst(); worst != severityOK {
		return &failure{code: int(worst)}
	}
	return nil
}

// told is how many findings a line names.
const told = 5

// line draws the checkup as the guidelines of the monitoring plugins ask: name
// and status, a text, and behind a bar what can be drawn as a curve.
func (v *checkup) line() string {
	slices.SortStableFunc(v.findings, func(a, b finding) int { return cmp.Compare(b.severity.rank(), a.severity.rank()) })
	var parts []string
	for _, f := range v.findings[:min(told, len(v.findings))] {
		parts = append(parts, f.text)
	}
	if more := len(v.findings) - told; more > 0 {
		text := fmt.Sprintf("and %d more", more)
		if v.partial {
			text = fmt.Sprintf("and at least %d more", more)
		}
		parts = append(parts, text)
	}
	switch {
	case v.sum == nil || len(parts) > 0:
	case len(v.named) > 0:
		parts = v.named
	default:
		parts = append(parts, headline(*v.sum, v.now))
		if key := v.sum.StoreKey; key != nil && key.Slots == 1 {
			parts = append(parts, "no recovery key: webex-tokend key recovery")
		}
	}
	// A bar would begin the performance data, a line break the long text.
	text := strings.NewReplacer("|", "/", "\n", " ").Replace(strings.Join(parts, "; "))
	line := fmt.Sprintf("WEBEX-TOKEND %s - %s", v.worst(), text)
	if v.sum != nil {
		line += " | " + strings.Join(perfdata(*v.sum, v.now, v.limit), " ")
	}
	return line
}

// perfdata is 'label'=value[UOM];[warn];[crit];[min];[max]. A threshold "N:"
// alarms below N.
func perfdata(sum wire.Status, now time.Time, limit thresholds) []string {
	list := []string{fmt.Sprintf("grants=%d;;;0", sum.Grants)}
	for _, state := range store.ByUrgency() {
		if n, ok := sum.States[string(state)]; ok {
			list = append(list, fmt.Sprintf("%s=%d;;;0", state, n))
		}
	}
	if first := sum.EarliestWindowEnd; first != nil {
		list = append(list, fmt.Sprintf("window=%ds;%d:;%d:", int(first.At.Sub(now).Seconds()),
			int(limit.warning.Seconds()), int(limit.critical.Seconds())))
	}
	if sweep := sum.Keeper.LastSweepAt; sweep != nil {
		list = append(list, fmt.Sprintf("last_sweep=%.0fs;;%.0f;0", max(now.Sub(*sweep), 0).Seconds(), sweepAge.Seconds()))
	}
	if key := sum.StoreKey; key != nil {
		list = append(list, fmt.Sprintf("store_keys=%d;;;0", key.Slots))
	}
	return append(list,
		fmt.Sprintf("overdue=%d;;0;0", sum.Keeper.Overdue),
		fmt.Sprintf("store_latency=%.6fs;%.0f;%.0f;0", sum.Keeper.StoreLatencySeconds, latencyWarns.Seconds(), latencyAlarms.Seconds()),
		fmt.Sprintf("clock_skew=%.0fs;-%.0f:%.0f;-%.0f:%.0f", sum.Keeper.ClockSkewSeconds,
			skewWarns.Seconds(), skewWarns.Seconds(), skewAlarms.Seconds(), skewAlarms.Seconds()))
}
