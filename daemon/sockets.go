package daemon

import (
	"context"
	"net"
	"time"

	"webex-tokend/daemon/acl"
	"webex-tokend/daemon/credential"
	"webex-tokend/daemon/ledger"
	"webex-tokend/daemon/socket"
	"webex-tokend/daemon/wire"
)

// listen takes the socket of the API that was passed, or makes it.
func (d *daemon) listen(ctx context.Context) (*net.UnixListener, error) {
	if d.cfg.Listener != nil {
		return d.cfg.Listener, nil
	}
	c := d.current.Load().API
	return socket.Listen(ctx, c.Socket, fsMode(c.Mode), c.Group)
}

// startCredentials opens the socket that systemd asks as root, which passes any
// mode.
// A daemon that cannot have it keeps its grants all the same.
func (d *daemon) startCredentials(ctx context.Context) {
	l := d.cfg.CredentialListener
	if l == nil {
		var err error
		if l, err = socket.Listen(ctx, d.current.Load().API.CredentialSocket, 0o600, ""); err != nil {
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
	d.tasks.Go(func() { d.creds.Serve(l) })
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
