package daemon

import (
	"context"
	"errors"
	"net"
	"time"

	"webex-tokend/daemon/acl"
	"webex-tokend/daemon/credential"
	"webex-tokend/daemon/ledger"
	"webex-tokend/daemon/socket"
	"webex-tokend/daemon/wire"
)

// apiSocket takes the socket of the API that was passed, or makes it.
func (d *daemon) apiSocket(ctx context.Context) (g guarded, err error) {
	c := d.current.Load().API
	if g.listener = d.cfg.Listener; g.listener != nil {
		g.path = g.listener.Addr().String()
		return g, nil
	}
	g.path = c.Socket
	g.listen = func(ctx context.Context) (*net.UnixListener, error) {
		return socket.Listen(ctx, c.Socket, fsMode(c.Mode), c.Group)
	}
	g.listener, err = g.listen(ctx)
	return g, err
}

// serveAPI returns where the error goes by which the API stops to be served.
func (d *daemon) serveAPI(g guarded) <-chan error {
	failed := make(chan error, 1)
	g.serve = func(l *net.UnixListener) {
		d.tasks.Go(func() {
			err := d.server.Serve(l)
			if errors.Is(err, net.ErrClosed) {
				return // another one took its place
			}
			select {
			case failed <- err:
			default:
			}
		})
	}
	g.serve(g.listener)
	d.tasks.Go(func() { d.guard(g) })
	return failed
}

// startCredentials opens the socket that systemd asks as root, which passes any
// mode.
// A daemon that cannot have it keeps its grants all the same.
func (d *daemon) startCredentials(ctx context.Context) {
	g := guarded{listener: d.cfg.CredentialListener}
	if g.listener != nil {
		g.path = g.listener.Addr().String()
	} else {
		g.path = d.current.Load().API.CredentialSocket
		g.listen = func(ctx context.Context) (*net.UnixListener, error) { return socket.Listen(ctx, g.path, 0o600, "") }
		var err error
		if g.listener, err = g.listen(ctx); err != nil {
			d.log.Error("units get no credentials", "error", err)
			return
		}
	}
	d.creds = credential.New(credential.Config{
		Token:  d.fleet.Refresher.Token,
		Rules:  d.rules.Load,
		Handed: d.handed,
		Log:    d.log.Named("credential"),
	})
	g.serve = func(l *net.UnixListener) { d.tasks.Go(func() { d.creds.Serve(l) }) }
	g.serve(g.listener)
	d.tasks.Go(func() { d.guard(g) })
}

// handed enters into the ledger who was given a token.
func (d *daemon) handed(grant string, to acl.Peer, generation uint64) {
	d.readers.Note(grant, ledger.Reading{
		Reader:     ledger.Reader{UID: to.UID, Unit: to.Unit},
		Generation: generation,
		At:         time.Now(),
	})
}

// consumers is asked by the report.
func (d *daemon) consumers(grant string) []wire.Consumer {
	list := []wire.Consumer{}
	for _, r := range d.readers.Of(grant) {
		list = append(list, wire.Consumer{UID: r.UID, Unit: r.Unit, Generation: r.Generation, At: r.At.UTC()})
	}
	return list
}
