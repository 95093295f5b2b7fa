package crash_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/hashicorp/go-hclog"

	"webex-tokend/daemon"
	"webex-tokend/daemon/client"
	"webex-tokend/daemon/config"
)

// runDaemon is the whole daemon, until it is killed. It tells on standard
// output how many goroutines it has.
func runDaemon(dir string) error {
	cfg, err := config.Load(filepath.Join(dir, "config.hcl"), config.Options{})
	if err != nil {
		return err
	}
	go func() {
		for range time.Tick(100 * time.Millisecond) {
			fmt.Println("goroutines", runtime.NumGoroutine())
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
