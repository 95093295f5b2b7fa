// Package job runs what is to be done at the instants of a cron spec, parsed by
// robfig/cron and run through its wrappers. Its own loop sleeps until the next
// instant and knows no clock but the one on the wall: set back by an hour, it runs
// nothing for an hour. Here naps are of a minute at most, and a clock that is set
// back is noticed after each.
package job

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/robfig/cron/v3"
)

// nap is the longest sleep in one go.
const nap = time.Minute

// A Config says what a Table works with. Its zero value is good.
type Config struct {
	// Log gets a line for each run that panics; nil means none.
	Log hclog.Logger
	// Wall is what a reading of the clock says to people; nil: the host's clock.
	Wall func(reading time.Time) time.Time
}

// A Table is jobs with their schedules. It is safe for concurrent use.
type Table struct {
	wall  func(time.Time) time.Time
	chain cron.Chain
	ended context.Context
	end   context.CancelFunc
	loops sync.WaitGroup
}

// NewTable returns a table without jobs.
func NewTable(cfg Config) *Table {
	t := &Table{wall: cfg.Wall}
	if t.wall == nil {
		t.wall = func(reading time.Time) time.Time { return reading.Round(0) }
	}
	if cfg.Log == nil {
		cfg.Log = hclog.NewNullLogger()
	}
	t.chain = cron.NewChain(cron.Recover(logger{cfg.Log}))
	t.ended, t.end = context.WithCancel(context.Background())
	return t
}

// Parse reads a spec of five fields, or one that begins with @. The empty one is
// nil, which is never.
func Parse(spec string) (cron.Schedule, error) {
	if spec == "" {
		return nil, nil
	}
	s, err := cron.ParseStandard(spec)
	if err != nil {
		return nil, fmt.Errorf("parse cron spec: %w", err)
	}
	return s, nil
}

// Start begins a job. A run that takes longer than its pause takes the place of
// those that fall into it: a job never runs twice at a time.
func (t *Table) Start(s cron.Schedule, run func()) *Job {
	j := &Job{table: t, run: t.chain.Then(cron.FuncJob(run)), schedule: s, changed: make(chan struct{}, 1)}
	t.loops.Go(j.loop)
	return j
}

// Stop begins no further runs and returns when those under way have ended.
func (t *Table) Stop() {
	t.end()
	t.loops.Wait()
}

// A Job runs at the instants of its schedule.
type Job struct {
	table   *Table
	run     cron.Job
	changed chan struct{}

	mu       sync.Mutex
	schedule cron.Schedule // nil: never
	next     time.Time     // on the wall; zero: never
}

// Reschedule gives the job another schedule, which counts from now; nil: none.
func (j *Job) Reschedule(s cron.Schedule) {
	j.mu.Lock()
	j.schedule = s
	j.mu.Unlock()
	select {
	case j.changed <- struct{}{}:
	default:
	}
}

// Next is when the job runs next by the clock on the wall; zero: never.
func (j *Job) Next() time.Time {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.next
}

func (j *Job) loop() {
	for j.wait() {
		j.run.Run()
	}
}

// wait returns when it is time for a run; false: the table has ended.
func (j *Job) wait() bool {
	before := time.Now()
	shown := j.table.wall(before)
	next := j.reckon(shown)
	for {
		left := nap
		if !next.IsZero() {
			left = min(next.Sub(shown), nap)
		}
		timer := time.NewTimer(left)
		select {
		case <-j.table.ended.Done():
			timer.Stop()
			return false
		case <-j.changed:
			timer.Stop()
			shown = j.table.wall(time.Now())
			before, next = time.Now(), j.reckon(shown)
			continue
		case <-timer.C:
		}
		now := time.Now()
		passed, seen := now.Sub(before), j.table.wall(now).Sub(shown)
		before, shown = now, j.table.wall(now)
		if passed-seen >= time.Second { // set back
			next = j.reckon(shown)
		}
		if !next.IsZero() && !shown.Before(next) {
			return j.table.ended.Err() == nil
		}
	}
}

// reckon finds the next instant after now.
func (j *Job) reckon(now time.Time) time.Time {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.next = time.Time{}
	if j.schedule != nil {
		j.next = j.schedule.Next(now)
	}
	return j.next
}

// A logger lets cron log as the daemon does. What cron calls information is its
// own bookkeeping.
type logger struct{ log hclog.Logger }

func (l logger) Info(msg string, pairs ...any) { l.log.Trace(msg, pairs...) }

func (l logger) Error(err error, msg string, pairs ...any) {
	l.log.Error(msg, append(pairs, "error", err)...)
}
