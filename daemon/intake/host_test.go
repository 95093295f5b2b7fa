package intake_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/configfile"
	"webex-tokend/daemon/fleet"
	"webex-tokend/daemon/intake"
	"webex-tokend/daemon/provider"
	"webex-tokend/daemon/report"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
	"webex-tokend/store/storetest"
)

// declared has a grant with a seed, patterns for the inbox, and a bot.
const declared = `
integration "crm" {
  kind               = "rest"
  client_id          = "C0ffee"
  client_secret_file = "SEED.secret"
}
integration "bots" {
  kind = "static"
}
grant "ops" {
  integration = "crm"
  seed {
    file = "SEED"
  }
}
grant "helper" {
  integration = "bots"
  seed {
    file = "SEED.bot"
  }
}
grant "tenant-*" {
  integration = "crm"
}
grant "bot-*" {
  integration = "bots"
}
`

// A host is a keeper with a folder for seeds and one as its inbox. Nothing is
// ever sent.
type host struct {
	t      *testing.T
	config *config.Config
	fleet  *fleet.Fleet
	report *report.Report
	disk   *disk
	seed   string
	log    *strings.Builder
	seeds  *intake.Seeds
	inbox  *intake.Inbox
	now    time.Time
}

func newHost(t *testing.T) *host {
	dir := t.TempDir()
	h := &host{t: t, disk: new(disk), seed: filepath.Join(dir, "ops.json"), log: new(strings.Builder), now: time.Now()}
	err := os.WriteFile(h.seed+".secret", []byte("hush"), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	h.config, err = configfile.Parse([]byte(strings.ReplaceAll(declared, "SEED", h.seed)), "test.hcl")
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), h.disk, store.Config{})
	if err != nil {
		t.Fatal(err)
	}
	h.fleet = fleet.New(fleet.Config{
		Store: s, Config: h.config,
		Provider: provider.New(provider.Config{Transport: func(*config.Integration) (http.RoundTripper, error) {
			return nil, errors.New("nothing is sent here")
		}}),
	})
	h.report = report.New(report.Config{Store: s, Config: func() *config.Config { return h.config }, States: h.fleet.States, Trust: h.fleet.Trust, Clients: h.fleet.Circuits, Endpoints: h.fleet.Endpoints})
	if err := h.fleet.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.fleet.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	log := hclog.New(&hclog.LoggerOptions{Output: h.log, DisableTime: true})
	h.seeds = &intake.Seeds{Registry: h.fleet.Registry, Pending: h.fleet.States, Log: log}
	h.inbox = &intake.Inbox{Dir: filepath.Join(dir, "inbox"), Registry: h.fleet.Registry, Log: log, Now: func() time.Time { return h.now }}
	if err := h.inbox.Prepare(); err != nil {
		t.Fatal(err)
	}
	return h
}

// A disk is a backend that can be full, and calls back before a write.
type disk struct {
	storetest.Memory
	full   atomic.Bool
	before func()
}

func (d *disk) Swap(ctx context.Context, c store.Change) (store.Revision, error) {
	if d.full.Load() {
		return 0, errors.New("no space left on device")
	}
	if call := d.before; call != nil {
		d.before = nil
		call()
	}
	return d.Memory.Swap(ctx, c)
}

// response is what a token endpoint would have answered.
func response(refresh string) string {
	return fmt.Sprintf(`{"access_token":"access-%[1]s","expires_in":1209599,"refresh_token":%[1]q,"refresh_token_expires_in":7775999}`, refresh)
}

func (h *host) write(path, text string) {
	h.t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		h.t.Fatal(err)
	}
}

// access is the access token of a grant, empty without one.
func (h *host) access(name string) string {
	current, err := h.fleet.Refresher.Current(h.t.Context(), name)
	if err != nil {
		return ""
	}
	return current.Access.Reveal()
}

func (h *host) grant(name string) wire.Grant {
	h.t.Helper()
	g, err := h.report.Grant(h.t.Context(), name)
	if err != nil {
		h.t.Fatal(err)
	}
	return g
}

// pends fails unless the grant waits for that reason.
func (h *host) pends(name, reason string) {
	h.t.Helper()
	if g := h.grant(name); g.State != string(store.Pending) || !strings.HasPrefix(g.Reason, reason) {
		h.t.Errorf("%s is %s (%s), want pending (%s)", name, g.State, g.Reason, reason)
	}
}
