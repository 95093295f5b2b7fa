package daemon

import (
	"net/http"
	"runtime/debug"

	"webex-tokend/daemon/keeper"
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
		Keeper:   d.keeper,
		Failing:  d.publisher.Failing,
		Tellings: d.tellings,
		Version:  version,
		Log:      d.log.Named("metrics"),
	})
	events := d.keeper.Subscribe(keeper.Latest)
	d.tasks.Go(func() { d.metrics.Run(d.watching, events) })
}

// figures answers with the metrics that a caller may see.
func (d *daemon) figures(view func(grant string) bool) http.Handler { return d.metrics.Handler(view) }

// writeTextfile writes the metrics where the configuration wants them.
func (d *daemon) writeTextfile() {
	path := d.current.Load().Maintenance.Textfile
	if path == "" {
		return
	}
	if err := d.metrics.WriteFile(d.watching, path); err != nil {
		d.log.Error("textfile not written", "path", path, "error", err)
	}
}
