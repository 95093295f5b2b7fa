// Package boottime measures spans that decide whether something may still be
// done. Go's own monotonic clock stands still while a machine is suspended, so a
// span by it can seem short after hours; CLOCK_BOOTTIME goes on.
package boottime

import (
	"time"

	"golang.org/x/sys/unix"
)

// Now returns the time since the machine was started, suspends included. Only
// differences on one machine mean anything.
func Now() time.Duration {
	var t unix.Timespec
	// It fails for an unknown clock alone, and this one is in every kernel
	// that Go runs on.
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &t)
	return time.Duration(t.Nano())
}

// A Mark is an instant to measure from, by two clocks that fail in different
// ways: a virtual machine that was frozen may find its boot clock where it was,
// while its wall clock has been set right.
type Mark struct {
	boot time.Duration
	wall time.Time
}

// Here returns the present instant.
func Here() Mark { return Mark{Now(), time.Now().Round(0)} }

// Passed returns how long ago the mark was set by the clock that says the most. A
// wall clock that was set back counts by as much as it was.
func (m Mark) Passed() time.Duration { return passed(m, Here()) }

func passed(from, to Mark) time.Duration {
	return max(to.boot-from.boot, to.wall.Sub(from.wall).Abs())
}
