package daemon

import (
	"context"
	"errors"
	"net/http"
	"time"

	"webex-tokend/daemon/acl"
	"webex-tokend/daemon/event"
	"webex-tokend/daemon/report"
	"webex-tokend/daemon/web"
	"webex-tokend/daemon/wire"
)

// openPages serves the web pages where the configuration has them. One that
// would leave them open to strangers ends the start. A port that is taken does
// not: tokens are kept alive without pages, and the log and the command web
// say what is wrong.
func (d *daemon) openPages(ctx context.Context) error {
	if d.current.Load().HTTP == nil {
		d.noPages = errors.New("the configuration has no http block")
		return nil
	}
	log := d.log.Named("web")
	pages, err := web.New(web.Config{
		Report:   d.report,
		Consents: d.consents,
		Config:   d.current.Load,
		Events:   func() web.Stream { return d.events.Subscribe(event.Latest) },
		Metrics:  func(view report.View) http.Handler { return d.figures(view) },
		Rules:    d.rules.Load,
		Ready:    d.whyNotReady,
		Log:      log,
	})
	if err != nil {
		return err
	}
	listener, err := pages.Listen(ctx)
	if err != nil {
		log.Error("no pages are served", "error", err)
		d.noPages = err
		return nil
	}
	d.pages = pages
	d.tasks.Go(func() {
		if err := pages.Serve(listener); err != nil {
			log.Error("no pages are served any more", "error", err)
		}
	})
	return nil
}

// door opens the pages to a peer of the socket.
func (d *daemon) door(peer acl.Peer) (wire.Web, error) {
	if d.pages == nil {
		return wire.Web{}, d.noPages
	}
	return d.pages.Open(peer), nil
}

func (d *daemon) closePages(ctx context.Context) {
	if d.pages == nil {
		return
	}
	short, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	_ = d.pages.Shutdown(short)
}
