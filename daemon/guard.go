package daemon

import (
	"context"
	"net"
	"os"
	"time"
	"webex-tokend/daemon/duration"
)

// lookAtSockets is how often it is looked whether the sockets still stand.
const lookAtSockets = 2 * time.Second

// A guarded socket is one that the daemon serves by its path: a cleaner of
// temporary folders, or a hand, can remove it or put another one there, and then
// nobody finds the daemon that runs.
type guarded struct {
	path     string
	listener *net.UnixListener
	// listen makes it anew; nil: it is the service manager's.
	listen func(ctx context.Context) (*net.UnixListener, error)
	// serve starts to accept on another one.
	serve func(*net.UnixListener)
}

// guard looks after a socket until the stop. Callers who are connected stay so.
func (d *daemon) guard(g guarded) {
	stood, _ := os.Lstat(g.path)
	told := ""
	for duration.Wait(d.watching, lookAtSockets) {
		if !d.ready.Load() {
			continue // a stop removes it on purpose
		}
		now, err := os.Lstat(g.path)
		if err == nil && stood != nil && os.SameFile(stood, now) {
			told = ""
			continue
		}
		if g.listen == nil {
			if told == "" {
				told = "gone"
				d.log.Error("socket of the service manager was removed or replaced; restart its unit", "socket", g.path)
			}
			continue
		}
		if err = makeFolders(d.current.Load()); err == nil {
			var l *net.UnixListener
			if l, err = g.listen(d.watching); err == nil {
				stood, _ = os.Lstat(g.path)
				// The old one would remove the new one by its name.
				g.listener.SetUnlinkOnClose(false)
				g.serve(l)
				_ = g.listener.Close()
				g.listener, told = l, ""
				d.log.Warn("socket was removed or replaced, and is made anew", "socket", g.path)
				continue
			}
		}
		if told != err.Error() {
			told = err.Error()
			d.log.Error("socket was removed or replaced and cannot be made anew", "socket", g.path, "error", err)
		}
	}
}
