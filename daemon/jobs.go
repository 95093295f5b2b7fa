package daemon

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/robfig/cron/v3"

	"webex-tokend/daemon/alert"
	"webex-tokend/daemon/config"
	"webex-tokend/daemon/duration"
	"webex-tokend/daemon/filewatch"
	"webex-tokend/daemon/job"
)

// jobs are what runs by the clock: the sweep, which is all the timer that the
// grants have, backups, the look for alerts and the textfile.
type jobs struct {
	table  *job.Table
	sweep  *job.Job
	backup *job.Job
	sweeps *sweeps
}

// specs are the schedules of a configuration.
type specs struct{ sweep, backup cron.Schedule }

// parseSpecs is asked before anything of a configuration is in force.
func parseSpecs(m config.Maintenance) (s specs, err error) {
	var sweepErr, backupErr error
	s.sweep, sweepErr = job.Parse(m.Sweep)
	s.backup, backupErr = job.Parse(m.Backup)
	if err := errors.Join(sweepErr, backupErr); err != nil {
		return specs{}, fmt.Errorf("read maintenance: %w", err)
	}
	return s, nil
}

func startJobs(d *daemon) (*jobs, error) {
	s, err := parseSpecs(d.current.Load().Maintenance)
	if err != nil {
		return nil, err
	}
	look, err := job.Parse(alert.LookSpec)
	if err != nil {
		return nil, err
	}
	text, err := job.Parse(textfileSpec)
	if err != nil {
		return nil, err
	}
	j := &jobs{table: job.NewTable(job.Config{Log: d.log.Named("cron")}), sweeps: &sweeps{schedule: s.sweep, last: time.Now()}}
	j.sweep = j.table.Start(s.sweep, func() {
		d.sweep()
		j.sweeps.ran()
	})
	j.backup = j.table.Start(s.backup, d.backupNightly)
	j.table.Start(look, d.alerts.Look)
	j.table.Start(text, (&textfile{d: d}).write)
	if d.cfg.Watchdog > 0 {
		d.tasks.Go(func() { j.sweeps.feedWatchdog(d.watching, d.cfg.Watchdog, d.notify.alive) })
	}
	return j, nil
}

// arrange gives the jobs the schedules of a configuration. Those that are as they
// were count on from the last run.
func (j *jobs) arrange(old, next config.Maintenance, s specs) {
	if old.Sweep != next.Sweep {
		j.sweeps.follow(s.sweep)
		j.sweep.Reschedule(s.sweep)
	}
	if old.Backup != next.Backup {
		j.backup.Reschedule(s.backup)
	}
}

// stop waits for the sweep under way.
func (j *jobs) stop() { j.table.Stop() }

func (d *daemon) sweep() { d.fleet.Sweeper.Sweep(d.watching) }

// takeFiles looks for seeds that are missed and into the inbox, when something stirs
// there and each 5 s, until the stop. It is not the sweep's business: a path that does
// not answer holds up no refresh.
func (d *daemon) takeFiles() {
	stirs := filewatch.Stirs(d.watching, 5*time.Second, func() []string {
		return append(d.seeds.Folders(), d.inbox.Dir)
	})
	for range stirs {
		for again := true; again; {
			d.seeds.ReadMissing(d.watching)
			taken, err := d.inbox.Take(d.watching)
			if err != nil {
				d.log.Error("inbox not read", "error", err)
			}
			// What has to settle first stirs no more.
			again = taken.Waiting > 0 && duration.Wait(d.watching, time.Second)
		}
	}
}

func (d *daemon) backupNightly() {
	if err := d.vault.BackupNightly(d.watching, d.current.Load().Maintenance.Keep); err != nil {
		d.log.Error("nightly backup failed", "error", err)
	}
}

// sweeps are what the watchdog follows, and not a ticker of its own: a daemon
// that no longer looks at its grants is to be restarted, however alive it seems. A
// store in trouble is none of its business, a restart would not fix it.
type sweeps struct {
	mu       sync.Mutex
	schedule cron.Schedule
	last     time.Time // with its monotonic reading
}

func (s *sweeps) ran() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = time.Now()
}

func (s *sweeps) follow(schedule cron.Schedule) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.schedule = schedule
}

func (s *sweeps) late() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Since(s.schedule.Next(s.last))
}

func (s *sweeps) feedWatchdog(ctx context.Context, within time.Duration, alive func()) {
	tick := time.NewTicker(within / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if s.late() < within/2 {
				alive()
			}
		}
	}
}
