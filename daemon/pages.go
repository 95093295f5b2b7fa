package daemon

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"webex-tokend/daemon/acl"
	"webex-tokend/daemon/duration"
	"webex-tokend/daemon/event"
	"webex-tokend/daemon/report"
	"webex-tokend/daemon/web"
	"webex-tokend/daemon/wire"
)

// listenAgain is how often a port that is taken is tried.
const listenAgain = 5 * time.Second

// pages are the web pages, whose port another program may have.
type pages struct {
	mu     sync.Mutex
	server *web.Server // nil: none are served, and why says why
	why    error
	url    string // where they are reached; empty: the configuration has none
}

// open serves the web pages where the configuration has them. One that would leave
// them open to strangers ends the start. A port that is taken does not: tokens are
// kept alive without pages, and it is tried again until the stop.
func (p *pages) open(ctx context.Context, d *daemon) error {
	h := d.current.Load().HTTP
	if h == nil {
		p.set(nil, errors.New("the configuration has no http block"))
		return nil
	}
	p.mu.Lock()
	p.url = h.PublicURL
	p.mu.Unlock()
	log := d.log.Named("web")
	server, err := web.New(web.Config{
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
	serve := func(ctx context.Context) error {
		listener, err := server.Listen(ctx)
		if err != nil {
			return err
		}
		p.set(server, nil)
		d.tasks.Go(func() {
			if err := server.Serve(listener); err != nil {
				p.set(nil, err)
				log.Error("no pages are served any more", "error", err)
			}
		})
		return nil
	}
	if err = serve(ctx); err == nil {
		return nil
	}
	p.set(nil, err)
	log.Error("no pages are served, trying again", "error", err)
	d.tasks.Go(func() {
		for duration.Wait(d.watching, listenAgain) {
			if err := serve(d.watching); err == nil {
				log.Info("pages are served now")
				return
			}
		}
	})
	return nil
}

func (p *pages) set(server *web.Server, why error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.server, p.why = server, why
}

func (p *pages) served() (*web.Server, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.server, p.why
}

// door opens the pages to a peer of the socket.
func (p *pages) door(peer acl.Peer) (wire.Web, error) {
	server, why := p.served()
	if server == nil {
		return wire.Web{}, why
	}
	return server.Open(peer), nil
}

// publicURL is where the pages are reached, empty where none are served: people
// must not be sent to another program.
func (p *pages) publicURL() string {
	if server, _ := p.served(); server == nil {
		return ""
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.url
}

// fault is why the pages of the configuration are not served; empty: they are, or
// there are none.
func (p *pages) fault() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.server != nil || p.url == "" {
		return ""
	}
	return fmt.Sprintf("the pages are not served: %v", p.why)
}

func (p *pages) close(ctx context.Context) {
	server, _ := p.served()
	if server == nil {
		return
	}
	short, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	_ = server.Shutdown(short)
}
