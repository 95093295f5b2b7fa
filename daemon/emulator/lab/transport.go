package lab

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"syscall"

	"webex-tokend/daemon/emulator"
)

// Transport serves clients in this process, for tests whose time is faked: a
// bubble of testing/synctest must not wait for a socket. Whatever host a request
// names, this server answers.
//
// It tells the trace in the request's context what a connection would: GotConn
// before the server sees anything of the request, WroteRequest after it has all
// of it. While the server is down requests fail before GotConn, as a refused
// connection does. A handler that cuts the connection gives what a client sees
// then, a reset before the header or an unexpected end of the body. A context
// that ends is obeyed at once. The body of an answer has to be closed, as always.
func Transport(e *emulator.Emulator) http.RoundTripper { return transport{e} }

type transport struct{ emulator *emulator.Emulator }

func (t transport) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	if req.Body != nil {
		defer req.Body.Close()
	}
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	trace := httptrace.ContextClientTrace(ctx)
	if trace == nil {
		trace = &httptrace.ClientTrace{}
	}
	if trace.GetConn != nil {
		trace.GetConn(req.URL.Host)
	}
	if t.emulator.Away() {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	}
	if trace.GotConn != nil {
		trace.GotConn(httptrace.GotConnInfo{})
	}
	served, hangUp, err := received(req)
	if trace.WroteRequest != nil {
		trace.WroteRequest(httptrace.WroteRequestInfo{Err: err})
	}
	if err != nil {
		return nil, err
	}
	c := &conversation{request: req, hangUp: hangUp, header: http.Header{}, ready: make(chan struct{})}
	go c.serve(t.emulator, served)
	select {
	case <-c.ready:
		return c.response, c.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// received is the request as a server has it, with a context that carries nothing
// of the client's but ends with it, or with a call of the func, which has to come.
func received(req *http.Request) (*http.Request, context.CancelFunc, error) {
	var body []byte
	if req.Body != nil {
		var err error
		if body, err = io.ReadAll(req.Body); err != nil {
			return nil, nil, err
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	forget := context.AfterFunc(req.Context(), cancel)
	hangUp := func() { forget(); cancel() }
	served := (&http.Request{
		Method:        req.Method,
		URL:           &url.URL{Path: req.URL.Path, RawPath: req.URL.RawPath, RawQuery: req.URL.RawQuery},
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        req.Header.Clone(),
		Body:          io.NopCloser(bytes.NewReader(body)),
		ContentLength: int64(len(body)),
		Host:          req.Host,
		RemoteAddr:    "127.0.0.1:0",
		RequestURI:    req.URL.RequestURI(),
	}).WithContext(ctx)
	if served.Host == "" {
		served.Host = req.URL.Host
	}
	return served, hangUp, nil
}
