// Command webex-tokend keeps OAuth grants for Cisco Webex alive: it is the
// daemon, and the tool to look after it.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // calendars count in the host's zone, also where no zones are installed
)

func main() {
	if os.Getpid() == 1 {
		os.Exit(asInit())
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal asks to end, a second one does not ask.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
