// Package daemon joins the parts into the running program: start order, stop
// order, reload. It is the only package that knows all the others.
package daemon

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"webex-tokend/daemon/acl"
	"webex-tokend/daemon/alert"
	"webex-tokend/daemon/api"
	"webex-tokend/daemon/config"
	"webex-tokend/daemon/credential"
	"webex-tokend/daemon/event"
	"webex-tokend/daemon/fleet"
	"webex-tokend/daemon/flow"
	"webex-tokend/daemon/intake"
	"webex-tokend/daemon/ledger"
	"webex-tokend/daemon/meter"
	"webex-tokend/daemon/metrics"
	"webex-tokend/daemon/publish"
	"webex-tokend/daemon/report"
	"webex-tokend/daemon/vault"
)

// A Config says what the daemon works with. Only Config is needed.
type Config struct {
	Config *config.Config
	// Log is what every part logs to; nil means nothing is logged.
	Log hclog.Logger
	// Transport replaces the way to token endpoints; nil means the network.
	Transport func(*config.Integration) (http.RoundTripper, error)
	// Notify receives sd_notify states; nil means nobody listens.
	Notify func(state string)
	// Watchdog is how long the daemon may be silent towards Notify; 0 means
	// for ever.
	Watchdog time.Duration
	// Reload asks for a reload each time it delivers; nil never does.
	Reload <-chan struct{}
	// LogLevels is told of a configuration that comes into force, for the levels
	// of Log and of the areas under it.
	LogLevels func(*config.Config)
	// NewStore lets a start make a store although one is noted beside the key and
	// is not there.
	NewStore bool
	// LogDropped returns how many lines of Log were lost; nil: none are.
	LogDropped func() uint64
	// Listener and CredentialListener stand in for the sockets of the
	// configuration; nil: those.
	Listener           *net.UnixListener
	CredentialListener *net.UnixListener
}

// stopWithin bounds the way out: an exchange takes 30 s, storing its answer
// a little more; the unit allows 90.
const stopWithin = 80 * time.Second

// A daemon holds the parts between start and stop.
type daemon struct {
	cfg    Config
	log    hclog.Logger
	notify *notifier
	ready  atomic.Bool
	*inForce
	*span

	vault   *vault.Vault
	cluster *cluster // nil: the store is a file of this host
	events  *event.Stream
	meter   meter.Meter
	fleet   *fleet.Fleet
	report  *report.Report
	*sources
	*followers
	*doors
}

// inForce is the configuration and what follows from it alone.
type inForce struct {
	current atomic.Pointer[config.Config]
	rules   atomic.Pointer[acl.Rules]
	reloads sync.Mutex            // held while one configuration gives way to the next
	refusal atomic.Pointer[error] // why the last reload changed nothing; nil: it did
}

// A span tracks the background work and its end: watching ends the tasks at the
// stop, publishing ends the publisher, which comes last.
type span struct {
	tasks      sync.WaitGroup
	watching   context.Context
	endWatch   context.CancelFunc
	publishing context.Context
	endPublish context.CancelFunc
	publishes  bool                   // Run of the publisher has begun
	moved      chan *vault.MovedError // that the store went elsewhere
}

// sources are where tokens come from.
type sources struct {
	consents *flow.Consents
	seeds    *intake.Seeds
	inbox    *intake.Inbox
}

// followers are what reacts to events, and what runs by the clock.
type followers struct {
	publisher *publish.Publisher
	alerts    *alert.Alerts
	metrics   *metrics.Metrics
	jobs      *jobs
	room      room
}

// doors are the ways in, and who was given which token there.
type doors struct {
	server  *api.Server
	pages   pages
	creds   *credential.Server
	readers ledger.Ledger
}

// stop ends the parts in the reverse order of their need:
//
//  1. The API and the pages, so that nobody asks for what will not be done.
//  2. The sweep and the watchers: nothing new begins.
//  3. The consents: a code on its way is traded and its tokens are handed on.
//  4. The fleet: what was sent is answered and stored, whatever time it takes
//     within the bound. This is why everything after it still stands. A store
//     that was replaced takes nothing: then the spool has what was answered.
//  5. The publisher, for the tokens that came last.
//  6. The store.
func (d *daemon) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopWithin)
	defer cancel()
	d.notify.stopping()
	d.ready.Store(false)
	if d.server != nil {
		short, cancel := context.WithTimeout(ctx, 5*time.Second)
		_ = d.server.Shutdown(short)
		cancel()
	}
	if d.creds != nil {
		d.creds.Close()
	}
	d.pages.close(ctx)
	d.endWatch()
	if d.jobs != nil {
		d.jobs.stop()
	}
	d.consents.Close()
	storing, giveUp := context.WithCancel(ctx)
	defer giveUp()
	if d.vault.IsReplaced() {
		giveUp()
	}
	err := d.fleet.Stop(storing)
	if d.publishes {
		d.publisher.Reconfigure(d.current.Load())
		idle, cancel := context.WithTimeout(ctx, 5*time.Second)
		_ = d.publisher.Idle(idle)
		cancel()
	}
	d.endPublish()
	d.tasks.Wait()
	d.vault.Idle()
	err = errors.Join(err, d.vault.Close())
	d.log.Info("stopped")
	return err
}

func (d *daemon) whyNotReady() error {
	if !d.ready.Load() {
		return errors.New("the daemon is starting or stopping")
	}
	return nil
}
