package daemon

import (
	"fmt"
	"sync"

	"golang.org/x/sys/unix"
)

// A notifier tells the service manager where the daemon stands, as sd_notify(3)
// describes. The states are sent under one lock, so that no READY of a reload
// can follow STOPPING.
type notifier struct {
	mu   sync.Mutex
	send func(state string)
	last string
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
