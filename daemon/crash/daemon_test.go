package crash_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"

	"github.com/hashicorp/go-hclog"

	"webex-tokend/daemon"
	"webex-tokend/daemon/client"
	"webex-tokend/daemon/configfile"
)

// runDaemon is the whole daemon, until it is killed. Whoever connects to the
// socket count is told how many goroutines it has.
func runDaemon(dir string) error {
	cfg, err := configfile.Load(filepath.Join(dir, "config.hcl"), configfile.Options{})
	if err != nil {
		return err
	}
	path := filepath.Join(dir, "count")
	_ = os.Remove(path) // of a daemon that was killed
	counts, err := net.Listen("unix", path)
	if err != nil {
		return err
	}
	go func() {
		for {
			conn, err := counts.Accept()
			if err != nil {
				return
			}
			fmt.Fprintln(conn, runtime.NumGoroutine())
			conn.Close()
		}
	}()
	log := hclog.New(&hclog.LoggerOptions{Level: hclog.Debug, Output: os.Stderr})
	return daemon.Run(context.Background(), daemon.Config{Config: cfg, Log: log})
}

// speak returns a client of the host's daemon once that answers.
func (h *host) speak() *client.Client {
	h.t.Helper()
	c := client.New(client.Config{Socket: filepath.Join(h.dir, "run", "api.sock")})
	h.t.Cleanup(c.Close)
	until(h.t, func(ctx context.Context) error {
		_, err := c.Status(ctx)
		return err
	})
	return c
}
