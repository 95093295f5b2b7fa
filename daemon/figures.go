package daemon

import (
	"net/http"
	"runtime/debug"

	"webex-tokend/daemon/event"
	"webex-tokend/daemon/metrics"
)

// textfileSpec is how often the textfile is written: a Prometheus server asks
// node_exporter two to four times a minute.
const textfileSpec = "@every 15s"

// startMetrics counts what happens from here on.
func (d *daemon) startMetrics() {
	version := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		version = info.Main.Version
	}
	d.metrics = metrics.New(metrics.Config{
		Report:     d.report,
		Meter:      &d.meter,
		Failing:    d.publisher.Failing,
		Deliveries: d.deliveries,
		Version:    version,
		Dropped:    d.cfg.LogDropped,
		Log:        d.log.Named("metrics"),
	})
	events := d.events.Subscribe(event.Latest)
	d.tasks.Go(func() { d.metrics.Run(d.watching, events) })
}

// figures answers with the metrics that a caller may see.
func (d *daemon) figures(view func(grant string) bool) http.Handler { return d.metrics.Handler(view) }

// A textfile receives the metrics where the configuration wants them. The log is
// told when it can no longer be written and when it can again, not each time.
type textfile struct {
	d       *daemon
	failing bool
}

// write is a job, of which cron runs one at a time.
func (f *textfile) write() {
	path := f.d.current.Load().Maintenance.Textfile
	if path == "" {
		f.failing = false
		return
	}
	err := f.d.metrics.WriteFile(f.d.watching, path)
	switch {
	case err != nil && !f.failing:
		f.d.log.Error("textfile not written", "path", path, "error", err)
	case err == nil && f.failing:
		f.d.log.Info("textfile written again", "path", path)
	}
	f.failing = err != nil
}
