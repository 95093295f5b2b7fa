// Package daemon joins the parts into the running program: start order, stop
// order, reload. It is the only package that knows all the others.
package daemon

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
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
	"webex-tokend/daemon/provider"
	"webex-tokend/daemon/publish"
	"webex-tokend/daemon/report"
	"webex-tokend/daemon/vault"
	"webex-tokend/daemon/web"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
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

	vault  *vault.Vault
	events *event.Stream
	meter  meter.Meter
	fleet  *fleet.Fleet
	report *report.Report
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

// A span is how long things run: tasks are what runs beside; watching ends them at
// the stop, publishing ends the publisher, which comes last.
type span struct {
	tasks      sync.WaitGroup
	watching   context.Context
	endWatch   context.CancelFunc
	publishing context.Context
	endPublish context.CancelFunc
	publishes  bool // Run of the publisher has begun
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
}

// doors are the ways in, and who was given which token there.
type doors struct {
	server  *api.Server
	pages   *web.Server // nil: noPages says why
	noPages error
	creds   *credential.Server
	readers ledger.Ledger
}

// Run is the daemon from start to stop. It returns nil when ctx asked for the
// stop and everything in flight was stored. Start goes from what is needed to
// what needs it; READY comes when consumers can be served:
//
//	folders, store        nothing works without; a second daemon ends here
//	open intents          their outcomes are asked for at once
//	outputs               probed, and those behind their record are written
//	seeds, inbox          grants that files bring
//	socket, READY
//	sweep                 from here on refreshes fall due
//
// Stop takes the same way back, for the reasons that stop gives.
func Run(ctx context.Context, cfg Config) error {
	d, err := open(ctx, cfg)
	if err != nil {
		return err
	}
	err = d.serve(ctx)
	if stopErr := d.stop(); err == nil {
		err = stopErr
	}
	return err
}

// open makes the parts, up to a fleet that knows its open intents.
func open(ctx context.Context, cfg Config) (*daemon, error) {
	d := &daemon{cfg: cfg, log: cfg.Log, notify: &notifier{send: cfg.Notify},
		inForce: new(inForce), span: new(span), sources: new(sources), followers: new(followers), doors: new(doors)}
	if d.log == nil {
		d.log = hclog.NewNullLogger()
	}
	c := cfg.Config
	d.apply(c)
	if err := makeFolders(c); err != nil {
		return nil, err
	}
	if err := d.openStore(ctx, c); err != nil {
		return nil, err
	}
	broker := provider.New(provider.Config{Transport: cfg.Transport})
	d.events = event.NewStream(nil)
	d.fleet = fleet.New(fleet.Config{
		Store:    d.vault.Store(),
		Config:   c,
		Provider: broker,
		Events:   d.events,
		Meter:    &d.meter,
		Spool:    filepath.Join(c.RuntimeDir, "spool"),
		Log:      d.log.Named("keeper"),
	})
	d.report = report.New(report.Config{
		Store:     d.vault.Store(),
		Config:    d.fleet.Config,
		States:    d.fleet.States,
		Trust:     d.fleet.Trust,
		Clients:   d.fleet.Circuits,
		Endpoints: d.fleet.Endpoints,
		Meter:     &d.meter,
		Outputs:   d.outputs,
		Failing:   func() []string { return d.publisher.Failing() },
		Consumers: d.consumers,
		Unheard:   d.unheard,
		Refused:   d.refusedReload,
		StoreKey:  d.vault.Key,
	})
	d.consents = flow.NewConsents(flow.ConsentConfig{
		Registry:  d.fleet.Registry,
		Tokens:    d.fleet.Refresher,
		Grants:    d.report,
		Provider:  broker,
		Config:    d.current.Load,
		PublicURL: d.publicURL,
		Log:       d.log.Named("consent"),
	})
	d.publisher = publish.New(publish.Config{
		Config:      c,
		Current:     d.fleet.Refresher.Current,
		Published:   d.fleet.Registry.Published,
		Unpublished: d.fleet.Registry.Unpublished,
		Registered:  d.fleet.Registry.Registered,
		Log:         d.log.Named("publish"),
	})
	d.seeds = &intake.Seeds{Registry: d.fleet.Registry, Pending: d.fleet.States, Log: d.log.Named("seed")}
	d.inbox = &intake.Inbox{Dir: filepath.Join(c.StateDir, "inbox"), Registry: d.fleet.Registry, Log: d.log.Named("inbox")}
	d.watching, d.endWatch = context.WithCancel(context.Background())
	d.publishing, d.endPublish = context.WithCancel(context.Background())
	if err := errors.Join(d.inbox.Prepare(), d.settle(ctx), d.fleet.Start(ctx)); err != nil {
		return nil, errors.Join(err, d.stop())
	}
	return d, nil
}

// serve runs until ctx ends, the socket fails or the store file is replaced.
func (d *daemon) serve(ctx context.Context) error {
	c, watch := d.current.Load(), d.newWatch()
	d.startPublishing(ctx)
	d.startAlerts()
	d.startMetrics()
	d.startExpiries()
	d.seeds.ReadAll(ctx, c)
	listener, err := d.listen(ctx)
	if err != nil {
		return err
	}
	if err := d.openPages(ctx); err != nil {
		return errors.Join(err, listener.Close())
	}
	d.server = api.New(api.Config{
		Grants:   api.Grants{Registry: d.fleet.Registry, Refresher: d.fleet.Refresher, Sweeper: d.fleet.Sweeper},
		Report:   d.report,
		Consents: d.consents,
		Events:   func(after uint64) api.Stream { return d.events.Subscribe(after) },
		Rules:    d.rules.Load,
		Reload:   d.reload,
		Metrics:  d.figures,
		Sealed: api.Sealed{
			Backup: d.vault.Backup,
			Rotate: func(ctx context.Context, tell func(wire.Rotation) error) error {
				return d.vault.Rotate(ctx, d.watching, tell)
			},
			Keys: wrappingKeys{d.vault},
		},
		Web:    d.door,
		Ready:  d.whyNotReady,
		Handed: d.handed,
		Log:    d.log.Named("api"),
	})
	failed := make(chan error, 1)
	d.tasks.Go(func() { failed <- d.server.Serve(listener) })
	d.startCredentials(ctx)
	if d.jobs, err = startJobs(d); err != nil {
		return err
	}
	d.tasks.Go(func() { watch.Run(d.watching) })
	d.vault.ResumeRotation(d.watching)
	d.tasks.Go(func() {
		// Looking at a damaged record lets it be known and shown.
		d.vault.Audit(d.watching, func(grant string) { _, _ = d.report.Grant(d.watching, grant) })
	})
	d.ready.Store(true)
	d.notify.ready()
	d.log.Info("ready", "socket", c.API.Socket, "grants", len(c.Grants), "integrations", len(c.Integrations))
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-failed:
			return fmt.Errorf("serve the socket: %w", err)
		case <-d.vault.Replaced():
			d.vault.LeaveReplaced(ctx)
			return fmt.Errorf("keep grants: %w", store.ErrReplaced)
		case <-d.cfg.Reload:
			// The log has told the operator what is wrong with it.
			_ = d.reload(ctx)
		}
	}
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
	d.closePages(ctx)
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

// publicURL is where the pages are reached, empty where there are none.
func (d *daemon) publicURL() string {
	if h := d.current.Load().HTTP; h != nil {
		return h.PublicURL
	}
	return ""
}

func (d *daemon) whyNotReady() error {
	if !d.ready.Load() {
		return errors.New("the daemon is starting or stopping")
	}
	return nil
}
