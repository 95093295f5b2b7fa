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
)

// jobs are what robfig/cron runs: the sweep, which is all the timer that the
// grants have. It is skipped while the last one runs.
type jobs struct {
	d    *daemon
	cron *cron.Cron
	end  context.CancelFunc

	mu       sync.Mutex
	ended    bool
	sweep    cron.EntryID
	spec     string
	schedule cron.Schedule
	backup   cron.EntryID // 0: none
	backupAt string       // its spec
	swept    time.Time    // with its monotonic reading
}

func startJobs(d *daemon) (*jobs, error) {
	j := &jobs{d: d, swept: time.Now()}
	log := cronLog{d.log.Named("cron")}
	j.cron = cron.New(cron.WithLogger(log), cron.WithChain(cron.Recover(log), cron.SkipIfStillRunning(log)))
	if err := j.arrange(d.current.Load()); err != nil {
		return nil, err
	}
	if _, err := j.cron.AddFunc(textfileSpec, (&textfile{d: d}).write); err != nil {
		return nil, fmt.Errorf("parse textfile spec: %w", err)
	}
	if _, err := j.cron.AddFunc(alert.LookSpec, d.alerts.Look); err != nil {
		return nil, fmt.Errorf("parse alert spec: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	j.end = cancel
	j.cron.Start()
	d.tasks.Go(func() { j.followClock(ctx, wallClock) })
	if d.cfg.Watchdog > 0 {
		d.tasks.Go(func() { j.feedWatchdog(ctx, d.cfg.Watchdog) })
	}
	return j, nil
}

// arrange gives the jobs the specs of a configuration.
func (j *jobs) arrange(c *config.Config) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return errors.Join(j.arrangeSweep(c), j.arrangeBackup(c))
}

func (j *jobs) arrangeBackup(c *config.Config) error {
	if c.Maintenance.Backup == j.backupAt {
		return nil
	}
	j.cron.Remove(j.backup)
	j.backup, j.backupAt = 0, c.Maintenance.Backup
	if j.backupAt == "" {
		return nil
	}
	schedule, err := cron.ParseStandard(j.backupAt)
	if err != nil {
		return fmt.Errorf("parse backup spec: %w", err)
	}
	j.backup = j.cron.Schedule(schedule, cron.FuncJob(func() {
		if err := j.d.vault.BackupNightly(j.d.watching, j.d.current.Load().Maintenance.Keep); err != nil {
			j.d.log.Error("nightly backup failed", "error", err)
		}
	}))
	return nil
}

func (j *jobs) arrangeSweep(c *config.Config) error {
	if c.Maintenance.Sweep == j.spec {
		return nil
	}
	schedule, err := cron.ParseStandard(c.Maintenance.Sweep)
	if err != nil {
		return fmt.Errorf("parse sweep spec: %w", err)
	}
	if j.spec != "" {
		j.cron.Remove(j.sweep)
	}
	j.sweep = j.cron.Schedule(schedule, cron.FuncJob(j.runSweep))
	j.spec, j.schedule = c.Maintenance.Sweep, schedule
	return nil
}

func (j *jobs) runSweep() {
	j.d.seeds.ReadMissing(j.d.watching)
	if _, err := j.d.inbox.Take(j.d.watching); err != nil {
		j.d.log.Error("inbox not read", "error", err)
	}
	j.d.keeper.Sweep(j.d.watching)
	j.mu.Lock()
	j.swept = time.Now()
	j.mu.Unlock()
}

// feedWatchdog follows the sweeps and not a ticker of its own: a daemon that
// no longer looks at its grants is to be restarted, however alive it seems. A
// store in trouble is none of its business, a restart would not mend it.
func (j *jobs) feedWatchdog(ctx context.Context, within time.Duration) {
	tick := time.NewTicker(within / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			j.mu.Lock()
			late := time.Since(j.schedule.Next(j.swept))
			j.mu.Unlock()
			if late < within/2 {
				j.d.notify.alive()
			}
		}
	}
}

// stop waits for the sweep under way.
func (j *jobs) stop() {
	j.mu.Lock()
	j.ended = true
	running := j.cron.Stop()
	j.mu.Unlock()
	<-running.Done()
	j.end()
}
