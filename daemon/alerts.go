package daemon

import (
	"webex-tokend/daemon/alert"
	"webex-tokend/daemon/keeper"
	"webex-tokend/daemon/metrics"
)

// startAlerts tells people what needs them from here on, and what came up
// before the start or while the daemon was away.
func (d *daemon) startAlerts() {
	d.alerts = alert.New(alert.Config{
		Keeper: d.keeper,
		Store:  d.store,
		Config: d.current.Load,
		Log:    d.log.Named("alert"),
	})
	events := d.keeper.Subscribe(keeper.Latest)
	d.tasks.Go(func() { d.alerts.Run(d.watching, events) })
}

// tellings are what the metrics say of alerts.
func (d *daemon) tellings() []metrics.Telling {
	var list []metrics.Telling
	for _, f := range d.alerts.Figures() {
		list = append(list, metrics.Telling(f))
	}
	return list
}
