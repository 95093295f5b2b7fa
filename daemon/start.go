package daemon

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/hashicorp/go-hclog"

	"webex-tokend/daemon/api"
	"webex-tokend/daemon/event"
	"webex-tokend/daemon/fleet"
	"webex-tokend/daemon/flow"
	"webex-tokend/daemon/intake"
	"webex-tokend/daemon/provider"
	"webex-tokend/daemon/publish"
	"webex-tokend/daemon/report"
	"webex-tokend/daemon/vault"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
)

// Run is the daemon from start to stop. It returns nil when ctx asked for the
// stop and everything in flight was stored. Start goes from what is needed to
// what needs it; READY comes when consumers can be served:
//
//	folders, store        nothing works without; a second daemon ends here
//	open intents          their outcomes are asked for at once
//	outputs               probed, and written where their record is newer
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
	if stopErr := d.stopInTime(); err == nil {
		err = stopErr
	}
	return err
}

// stopInTime leaves behind what hangs in a file system that does not answer: a
// process that is asked to end ends, before the unit kills it.
func (d *daemon) stopInTime() error {
	stopped := make(chan error, 1)
	go func() { stopped <- d.stop() }()
	late := time.NewTimer(stopWithin + 5*time.Second)
	defer late.Stop()
	select {
	case err := <-stopped:
		return err
	case <-late.C:
		return errors.New("stop: something waits for a file system that does not answer, and is left behind")
	}
}

// open makes the parts, up to a fleet that knows its open intents.
func open(ctx context.Context, cfg Config) (*daemon, error) {
	d := &daemon{cfg: cfg, log: cfg.Log, notify: &notifier{send: cfg.Notify},
		inForce: new(inForce), span: &span{moved: make(chan *vault.MovedError, 1)}, sources: new(sources), followers: new(followers), doors: new(doors)}
	if d.log == nil {
		d.log = hclog.NewNullLogger()
	}
	c := cfg.Config
	d.apply(c)
	if err := mayOpen(c, cfg.NewStore); err != nil {
		return nil, err
	}
	if err := makeStateFolder(c); err != nil {
		return nil, err
	}
	if err := d.openStore(ctx, c); err != nil {
		return nil, err
	}
	if err := makeFolders(c); err != nil {
		return nil, errors.Join(err, d.vault.Close())
	}
	broker := provider.New(provider.Config{Transport: cfg.Transport})
	d.events = event.NewStream(nil)
	d.fleet = fleet.New(fleet.Config{
		Store:    d.vault.Store(),
		Config:   c,
		Provider: broker,
		Events:   d.events,
		Meter:    &d.meter,
		Hosts:    d.cluster.hosts(),
		Spool:    spool(c),
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
		Host: func(s *wire.Status) {
			s.Keeper.PagesError = d.pages.fault()
			s.Keeper.DiskFreeBytes, s.Keeper.DiskError = d.room.left()
			d.cluster.fill(s)
		},
	})
	d.consents = flow.NewConsents(flow.ConsentConfig{
		Registry:  d.fleet.Registry,
		Tokens:    d.fleet.Refresher,
		Grants:    d.report,
		Provider:  broker,
		Config:    d.current.Load,
		PublicURL: d.pages.publicURL,
		Log:       d.log.Named("consent"),
	})
	d.publisher = publish.New(publish.Config{
		Config:      c,
		Disk:        c.Disk,
		Current:     d.fleet.Refresher.Current,
		Published:   d.fleet.Registry.Published,
		Unpublished: d.fleet.Registry.Unpublished,
		Registered:  d.fleet.Registry.Registered,
		Log:         d.log.Named("publish"),
	})
	d.seeds = &intake.Seeds{Registry: d.fleet.Registry, Pending: d.fleet.States, Disk: c.Disk, Log: d.log.Named("seed")}
	d.inbox = &intake.Inbox{Dir: filepath.Join(c.StateDir, "inbox"), Registry: d.fleet.Registry, Log: d.log.Named("inbox")}
	d.watching, d.endWatch = context.WithCancel(context.Background())
	d.publishing, d.endPublish = context.WithCancel(context.Background())
	if err := d.inbox.Prepare(); err != nil {
		d.log.Error("inbox not made", "error", err)
	}
	var err error
	if d.cluster == nil {
		err = d.settle(ctx)
	}
	d.cluster.follow()
	if err := errors.Join(err, d.fleet.Start(ctx)); err != nil {
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
	d.tasks.Go(func() { d.room.watch(d.watching, c.StateDir, d.log) })
	d.seeds.ReadAll(ctx, c)
	socket, err := d.apiSocket(ctx)
	if err != nil {
		return err
	}
	if err := d.pages.open(ctx, d); err != nil {
		return errors.Join(err, socket.listener.Close())
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
			Move:   mover{d}.move,
			Rotate: func(ctx context.Context, tell func(wire.Rotation) error) error {
				return d.vault.Rotate(ctx, d.watching, tell)
			},
			Keys: wrappingKeys{d.vault},
		},
		Hosts:  d.cluster.others(),
		Web:    d.pages.door,
		Ready:  d.whyNotReady,
		Handed: d.handed,
		Log:    d.log.Named("api"),
	})
	failed := d.serveAPI(socket)
	d.startCredentials(ctx)
	if d.jobs, err = startJobs(d); err != nil {
		return err
	}
	d.tasks.Go(d.takeFiles)
	d.tasks.Go(func() { watch.Run(d.watching) })
	if d.cluster != nil {
		d.cluster.start()
	} else {
		d.vault.ResumeRotation(d.watching)
		d.tasks.Go(func() { d.auditStore(d.watching) })
	}
	d.ready.Store(true)
	d.notify.ready()
	d.log.Info("ready", "socket", c.API.Socket, "grants", len(c.Grants), "integrations", len(c.Integrations))
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-failed:
			return fmt.Errorf("serve the socket: %w", err)
		case gone := <-d.moved:
			return gone
		case <-d.vault.Replaced():
			d.vault.LeaveReplaced(ctx)
			return fmt.Errorf("keep grants: %w", store.ErrReplaced)
		case <-d.cfg.Reload:
			// The log has told the operator what is wrong with it.
			_ = d.reload(ctx)
		}
	}
}
