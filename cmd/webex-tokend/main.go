// Command webex-tokend keeps OAuth grants for Cisco Webex alive: it is the
// daemon, and the tool to look after it.
package main

import (
	"context"
	"os"
	"os/signal"
	"slices"
	"syscall"
	_ "time/tzdata" // calendars count in the host's zone, also where no zones are installed
)

func main() {
	if os.Getpid() == 1 {
		os.Exit(asInit())
	}
	if slices.Contains(os.Args[1:], "run") {
		// A reload can be asked for before there is anybody to reload; until then
		// it is enough to survive that, see run.
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal asks to end, a second one does not ask.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
