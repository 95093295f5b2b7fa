package client

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
)

// ErrSilent: the daemon took the request and does not answer in time.
var ErrSilent = errors.New("the daemon does not answer")

// An EndedError: the daemon ended while it was answering. Whether it has done
// what was asked for cannot be told from here.
type EndedError struct {
	Grant string // whose status tells; empty: the request was of no single grant
}

func (e *EndedError) Error() string { return "the daemon ended while answering" }

// broken names what an exchange failed by after the connection stood.
func broken(ctx context.Context, what call, err error) error {
	switch {
	case ctx.Err() != nil:
		return err
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		ended := new(EndedError)
		if name, ok := strings.CutPrefix(what.path, grantPath("")); ok {
			ended.Grant, _, _ = strings.Cut(name, "/")
		}
		return ended
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() && !errors.Is(err, ErrUnreachable) {
		return ErrSilent
	}
	return err
}
