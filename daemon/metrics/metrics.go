// Package metrics tells Prometheus how the grants and the daemon fare. The
// figures of a moment are read when somebody asks; what only grows is counted
// from the event stream and by the meter.
//
// It promises that a caller's answer names no grant outside its view, and that
// the number of series does not follow the fleet: above 1,000 grants only the
// most urgent have series of their own.
package metrics

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"runtime"
	"time"

	"github.com/google/renameio/v2"
	"github.com/hashicorp/go-hclog"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/common/expfmt"

	"webex-tokend/daemon/event"
	"webex-tokend/daemon/meter"
	"webex-tokend/daemon/report"
	"webex-tokend/daemon/wire"
)

// Report is what the figures of a moment come from. *report.Report is one.
type Report interface {
	Status(ctx context.Context, view report.View) (wire.Status, error)
	Grants(ctx context.Context, q report.Query) (wire.Grants, error)
}

// A Stream delivers events. *event.Subscription is one.
type Stream interface {
	Next(ctx context.Context) ([]event.Event, error)
	Close()
}

// A Config says what the figures come from. Only Report is needed.
type Config struct {
	Report Report
	// Meter has the counts of refreshes; nil: there are none.
	Meter *meter.Meter
	// Failing lists the grants of which an output failed at its last try; nil:
	// there are no outputs.
	Failing func() []string
	// Deliveries say how each way of telling alerts fares; nil: there is none.
	Deliveries func() []Delivery
	// Dropped returns how many lines of the log were lost; nil: none are.
	Dropped func() uint64
	// Version is that of the build; empty means "unknown".
	Version string
	// Now is the wall clock; nil means time.Now.
	Now func() time.Time
	// Log is told what could not be read; nil drops it.
	Log hclog.Logger
}

// A Delivery is one way of telling alerts.
type Delivery struct {
	Way     string
	Told    uint64 // messages that were taken
	Failed  uint64 // attempts that were not
	Waiting int    // troubles of which there is something left to tell
}

// Metrics are safe for concurrent use.
type Metrics struct {
	cfg     Config
	outcome *prometheus.CounterVec
	build   prometheus.Gauge
}

// namespace begins the name of every metric.
const namespace = "webex_tokend"

// New counts nothing until Run.
func New(cfg Config) *Metrics {
	if cfg.Meter == nil {
		cfg.Meter = new(meter.Meter)
	}
	if cfg.Failing == nil {
		cfg.Failing = func() []string { return nil }
	}
	if cfg.Deliveries == nil {
		cfg.Deliveries = func() []Delivery { return nil }
	}
	if cfg.Dropped == nil {
		cfg.Dropped = func() uint64 { return 0 }
	}
	if cfg.Version == "" {
		cfg.Version = "unknown"
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = hclog.NewNullLogger()
	}
	m := &Metrics{
		cfg: cfg,
		outcome: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "refreshes_total",
			Help: "Refreshes whose outcome is stored, by outcome: refreshed or failed.",
		}, []string{"outcome"}),
		build: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: namespace, Name: "build_info", Help: "1, labelled by what was built with what.",
			ConstLabels: prometheus.Labels{"version": cfg.Version, "goversion": runtime.Version()},
		}),
	}
	m.build.Set(1)
	// A series that begins with its first failure would hide it from rate().
	for _, kind := range []event.Kind{event.Refreshed, event.Failed} {
		m.outcome.WithLabelValues(string(kind))
	}
	return m
}

// Run counts what happens until the stream or ctx ends, and closes the stream.
func (m *Metrics) Run(ctx context.Context, events Stream) {
	defer events.Close()
	for {
		list, err := events.Next(ctx)
		if err != nil {
			return
		}
		for _, e := range list {
			switch e.Kind {
			case event.Refreshed, event.Failed:
				m.outcome.WithLabelValues(string(e.Kind)).Inc()
			}
		}
	}
}

// Handler answers with what the view shows; nil shows everything.
func (m *Metrics) Handler(view report.View) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		promhttp.HandlerFor(m.registry(r.Context(), view), promhttp.HandlerOpts{}).ServeHTTP(w, r)
	})
}

// WriteFile replaces a file by the figures of all grants, in the format that
// node_exporter's textfile collector reads. The folder is often another user's,
// who can put a link in place of any name in it. So nothing is done by the name
// of the new file but the rename: prometheus.WriteToTextfile sets the mode by
// name, and would open a token file to all at the end of such a link.
func (m *Metrics) WriteFile(ctx context.Context, path string) error {
	families, err := m.registry(ctx, nil).Gather()
	if err != nil {
		return fmt.Errorf("gather metrics: %w", err)
	}
	next, err := renameio.NewPendingFile(path, renameio.WithTempDir(filepath.Dir(path)), renameio.WithStaticPermissions(0o644))
	if err != nil {
		return err
	}
	defer next.Cleanup() // does nothing after the replacement
	for _, family := range families {
		if _, err := expfmt.MetricFamilyToText(next, family); err != nil {
			return err
		}
	}
	return next.CloseAtomicallyReplace()
}

// registry is made for one answer: what it shows depends on who asks.
func (m *Metrics) registry(ctx context.Context, view report.View) *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(m.outcome, m.build, &snapshot{m: m, ctx: ctx, view: view})
	return r
}
