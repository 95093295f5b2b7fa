package daemon

import (
	"strings"

	"webex-tokend/daemon/alert"
	"webex-tokend/daemon/event"
	"webex-tokend/daemon/metrics"
)

// startAlerts tells people what needs them from here on, and what came up
// before the start or while the daemon was away.
func (d *daemon) startAlerts() {
	d.alerts = alert.New(alert.Config{
		Report:  d.report,
		Meter:   &d.meter,
		Store:   d.vault.Store(),
		Config:  d.current.Load,
		Failing: d.publisher.Failing,
		Acting:  d.cluster.acting,
		Log:     d.log.Named("alert"),
	})
	if d.cluster == nil {
		events := d.events.Subscribe(event.Latest)
		d.tasks.Go(func() { d.alerts.Run(d.watching, events) })
	} // else the host in office does
}

// unheard says why alerts do not arrive. It is asked by the report, which is
// made before the alerts.
func (d *daemon) unheard() string {
	var failing []string
	for _, f := range d.alerts.Figures() {
		if f.Error != "" {
			failing = append(failing, f.Way+": "+f.Error)
		}
	}
	return strings.Join(failing, "; ")
}

// deliveries are what the metrics say of alerts.
func (d *daemon) deliveries() []metrics.Delivery {
	var list []metrics.Delivery
	for _, f := range d.alerts.Figures() {
		list = append(list, metrics.Delivery{Way: f.Way, Told: f.Told, Failed: f.Failed, Waiting: f.Waiting})
	}
	return list
}
