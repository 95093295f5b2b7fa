package daemon

import "github.com/hashicorp/go-hclog"

// cronLog lets cron log as the daemon does. What cron calls information is its
// own bookkeeping.
type cronLog struct{ log hclog.Logger }

func (l cronLog) Info(msg string, pairs ...any) { l.log.Trace(msg, pairs...) }

func (l cronLog) Error(err error, msg string, pairs ...any) {
	l.log.Error(msg, append(pairs, "error", err)...)
}
