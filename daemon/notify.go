package daemon

import (
	"fmt"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// A notifier tells the service manager where the daemon stands, as sd_notify(3)
// describes. The states are sent under one lock, so that no READY of a reload
// can follow STOPPING.
type notifier struct {
	mu   sync.Mutex
	send func(state string)
	last string
	// extended is when the start was last given more time.
	extended time.Time
}

func (n *notifier) say(state string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.send == nil || n.last == stopping {
		return
	}
	n.last = state
	n.send(state)
}

const stopping = "STOPPING=1"

func (n *notifier) ready()    { n.say("READY=1\nSTATUS=Keeping grants alive.") }
func (n *notifier) stopping() { n.say(stopping) }
func (n *notifier) alive()    { n.say("WATCHDOG=1") }

// A start that has a million grants to go through first may take longer than
// TimeoutStartSec of the unit. As long as it comes on, it is given startMore
// from now on; one that hangs is ended then.
const startMore = 90 * time.Second

// starting tells how far a long start is, at most once a second.
func (n *notifier) starting(status string) {
	n.mu.Lock()
	soon := time.Since(n.extended) < time.Second
	if !soon {
		n.extended = time.Now()
	}
	n.mu.Unlock()
	if !soon {
		n.say(fmt.Sprintf("EXTEND_TIMEOUT_USEC=%d\nSTATUS=%s", startMore.Microseconds(), status))
	}
}

// reloading carries the monotonic time, which Type=notify-reload demands.
func (n *notifier) reloading() {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return
	}
	n.say(fmt.Sprintf("RELOADING=1\nMONOTONIC_USEC=%d", now.Nano()/1000))
}

// refused ends a reload that changed nothing.
func (n *notifier) refused() {
	n.say("READY=1\nSTATUS=The last reload was refused, the configuration before it holds.")
}
