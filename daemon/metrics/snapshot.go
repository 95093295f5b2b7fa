package metrics

import (
	"context"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"webex-tokend/daemon/meter"
	"webex-tokend/daemon/report"
	"webex-tokend/daemon/verdict"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
)

// At most this many grants have series of their own.
const listed = 1000

// A snapshot collects the figures of one moment for one caller.
type snapshot struct {
	m    *Metrics
	ctx  context.Context
	view report.View
}

// A metric is a name with its help. Its kind is that of the values sent.
type metric struct{ *prometheus.Desc }

func describe(name, help string, labels ...string) metric {
	return metric{prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil)}
}

func (d metric) gauge(out chan<- prometheus.Metric, value float64, labels ...string) {
	out <- prometheus.MustNewConstMetric(d.Desc, prometheus.GaugeValue, value, labels...)
}

func (d metric) counter(out chan<- prometheus.Metric, value float64, labels ...string) {
	out <- prometheus.MustNewConstMetric(d.Desc, prometheus.CounterValue, value, labels...)
}

func (d metric) summary(out chan<- prometheus.Metric, count uint64, sum time.Duration) {
	out <- prometheus.MustNewConstSummary(d.Desc, count, sum.Seconds(), nil)
}

// Describe sends nothing: the snapshot lives for one answer, and what it
// collects is checked then.
func (s *snapshot) Describe(chan<- *prometheus.Desc) {}

// Collect reads the report. What cannot be read is missing from the answer,
// and up tells so.
func (s *snapshot) Collect(out chan<- prometheus.Metric) {
	now := s.m.cfg.Now()
	sum, err := s.m.cfg.Report.Status(s.ctx, s.view)
	if err == nil {
		collectStatus(out, sum)
		collectHosts(out, sum)
		err = s.collectGrants(out, now)
	}
	readable := 1.0
	if err != nil {
		readable = 0
		s.m.cfg.Log.Warn("metrics are not complete", "error", err)
	}
	describe("store_readable", "1 when all figures could be read, else 0.").gauge(out, readable)
	failing := slices.DeleteFunc(slices.Clone(s.m.cfg.Failing()), func(name string) bool { return s.view != nil && !s.view(name) })
	describe("publish_failing_grants", "Grants of which a file or hook failed at its last try.").gauge(out, float64(len(failing)))
	describe("log_lines_dropped_total", "Lines of the log that were lost because nobody read them.").counter(out, float64(s.m.cfg.Dropped()))
	collectDeliveries(out, s.m.cfg.Deliveries())
	collectFigures(out, s.m.cfg.Meter.Figures())
}

func collectStatus(out chan<- prometheus.Metric, sum wire.Status) {
	grants := describe("grants", "Grants by state.", "state")
	for _, state := range store.ByUrgency() {
		grants.gauge(out, float64(sum.States[string(state)]), string(state))
	}
	levels := describe("grants_by_level", "Grants by what they ask of people.", "level")
	for _, level := range verdict.Levels() {
		levels.gauge(out, float64(sum.Levels[string(level)]), string(level))
	}
	describe("grants_refused", "Grants whose refresh token is refused and tried again.").gauge(out, float64(sum.Refused))
	if first := sum.EarliestWindowEnd; first != nil {
		describe("earliest_window_end_timestamp_seconds", "When the first window ends unless it is extended before, as Unix time.").gauge(out, unix(first.At))
	}
	if h := sum.Horizon; h != nil {
		describe("horizon_timestamp_seconds", "Until when nobody needs to act, as Unix time.").gauge(out, unix(h.At))
	}
	if at := sum.Keeper.LastSweepAt; at != nil {
		describe("last_sweep_timestamp_seconds", "When the daemon last looked for what is due, as Unix time.").gauge(out, unix(*at))
	}
	describe("refreshes_overdue", "Refreshes that should have begun more than 5 minutes ago.").gauge(out, float64(sum.Keeper.Overdue))
	writable := 1.0
	if sum.Keeper.StoreError != "" {
		writable = 0
	}
	describe("store_writable", "1 unless the store refused a write and has not accepted a refresh since.").gauge(out, writable)
	short := 0.0
	if sum.Keeper.DiskError != "" {
		short = 1
	}
	describe("store_disk_short", "1 when the disk of the store is full, nearly so, or read-only, else 0.").gauge(out, short)
	describe("store_disk_free_bytes", "Room on the disk of the store.").gauge(out, float64(sum.Keeper.DiskFreeBytes))
	describe("store_latency_seconds", "How long a durable change takes of late.").gauge(out, sum.Keeper.StoreLatencySeconds)
	if key := sum.StoreKey; key != nil {
		usable := 0.0
		if key.Fault == "" {
			usable = 1
		}
		describe("store_keys", "Wrapping keys that open the store; 1: there is no recovery key.").gauge(out, float64(key.Slots))
		describe("store_key_usable", "1 when the configured key will open the store at the next start, else 0.").gauge(out, usable)
	}
	describe("clock_skew_seconds", "A token endpoint's clock less ours, of the one that is furthest away, as its last answer told.").gauge(out, sum.Keeper.ClockSkewSeconds)
}

// collectHosts tells of those that share the store, where some do.
func collectHosts(out chan<- prometheus.Metric, sum wire.Status) {
	if len(sum.Hosts) == 0 && sum.HostsFault == "" {
		return
	}
	is := func(b bool) float64 {
		if b {
			return 1
		}
		return 0
	}
	describe("hosts_refresh", "1 when one of the hosts that share the store can refresh, else 0.").gauge(out, is(sum.HostsFault == ""))
	describe("hosts_warning", "1 when hosts may soon not be able to refresh, as with etcd nearly full, else 0.").gauge(out, is(sum.HostsWarning != ""))
	present := describe("host_present", "1 when a host that shares the store is there, else 0.", "host")
	office := describe("host_in_office", "1 for the host that does what happens by itself, else 0.", "host")
	trouble := describe("host_trouble", "1 when a host is away, or not as the others are, else 0.", "host")
	lag := describe("host_copy_lag_seconds", "How long the copy of a host has not followed.", "host")
	skew := describe("host_clock_skew_seconds", "Clock of a host less ours, where they differ by more than 10 seconds.", "host")
	troubled := make(map[string]bool)
	for _, t := range verdict.OfHosts(sum) {
		troubled[t.Host] = true
	}
	for _, h := range sum.Hosts {
		present.gauge(out, is(h.Since != nil), h.Name)
		office.gauge(out, is(h.Office), h.Name)
		trouble.gauge(out, is(troubled[h.Name]), h.Name)
		if h.Since != nil {
			lag.gauge(out, h.CopyLagSeconds, h.Name)
			skew.gauge(out, h.ClockSkewSeconds, h.Name)
		}
	}
}

func (s *snapshot) collectGrants(out chan<- prometheus.Metric, now time.Time) error {
	page, err := s.m.cfg.Report.Grants(s.ctx, report.Query{View: s.view, Limit: listed})
	if err != nil {
		return err
	}
	labels := []string{"grant", "integration", "kind"}
	window := describe("grant_window_remaining_seconds",
		"How long the refresh token still works, negative when it has ended; of the 1,000 most urgent grants.", labels...)
	token := describe("grant_token_remaining_seconds",
		"How long the access token still works, negative when it has expired; of the 1,000 most urgent grants.", labels...)
	failures := describe("grant_failures", "Refreshes that failed in a row; of the 1,000 most urgent grants.", labels...)
	for _, g := range page.Grants {
		of := []string{g.Name, g.Integration, g.Kind}
		if end := g.WindowEndsAt; end != nil {
			window.gauge(out, end.Sub(now).Seconds(), of...)
		}
		if end := g.AccessExpiresAt; end != nil {
			token.gauge(out, end.Sub(now).Seconds(), of...)
		}
		failures.gauge(out, float64(g.Failures), of...)
	}
	return nil
}

func collectDeliveries(out chan<- prometheus.Metric, list []Delivery) {
	told := describe("alerts_told_total", "Alerts that were delivered, by way: log, command or webhook.", "way")
	failures := describe("alert_failures_total", "Attempts to deliver an alert that failed, by way.", "way")
	waiting := describe("alerts_waiting", "Troubles of which there is something left to tell, by way.", "way")
	for _, t := range list {
		told.counter(out, float64(t.Told), t.Way)
		failures.counter(out, float64(t.Failed), t.Way)
		waiting.gauge(out, float64(t.Waiting), t.Way)
	}
}

func collectFigures(out chan<- prometheus.Metric, f meter.Figures) {
	describe("refreshes_in_flight", "Requests to token endpoints under way.").gauge(out, float64(f.InFlight))
	describe("refresh_duration_seconds", "Time that requests to token endpoints took.").summary(out, f.Requests, f.RequestTime)
	describe("rate_limits_total", "Answers by which a token endpoint asked for patience.").counter(out, float64(f.Limited))
	describe("rate_limit_wait_seconds_total", "Time for which token endpoints asked for patience.").counter(out, f.LimitedFor.Seconds())
	describe("store_commit_duration_seconds", "Time that durable changes of grants took.").summary(out, f.Commits, f.CommitTime)
}

func unix(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
