package lab

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"syscall"
)

// A conversation is one request through Transport and its answer. The answer is
// handed over whole when the handler has returned, or from its first flush on
// through a pipe.
type conversation struct {
	request *http.Request
	hangUp  func() // tells the handler that the client is gone

	header   http.Header
	status   int
	buffer   bytes.Buffer
	stream   *io.PipeWriter // after the first flush
	streamed int64          // bytes

	ready    chan struct{} // closed when one of the next two is set
	response *http.Response
	err      error
}

// serve runs the handler as net/http's server would: a panic with
// ErrAbortHandler cuts the connection, any other is a fault of the program.
func (c *conversation) serve(h http.Handler, r *http.Request) {
	defer func() {
		fault := recover()
		if fault != nil && fault != http.ErrAbortHandler {
			panic(fault)
		}
		c.finish(fault != nil)
	}()
	h.ServeHTTP(c, r)
}

// finish ends the answer. Cut, or shorter than its header promised, it ends as
// it would when the connection breaks.
func (c *conversation) finish(cut bool) {
	if c.stream != nil {
		if cut || c.streamed < c.promised() {
			_ = c.stream.CloseWithError(c.reason(io.ErrUnexpectedEOF))
		} else {
			_ = c.stream.Close()
		}
		return
	}
	defer c.hangUp()
	if cut {
		c.err = c.reason(&net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET})
		close(c.ready)
		return
	}
	var body io.Reader = &c.buffer
	if int64(c.buffer.Len()) < c.promised() {
		body = io.MultiReader(body, brokenReader{})
	}
	c.handOver(io.NopCloser(body), max(int64(c.buffer.Len()), c.promised()))
}

// reason is why the answer broke off: a handler that gives up because the client
// did must not hide that from the client.
func (c *conversation) reason(otherwise error) error {
	return cmp.Or(context.Cause(c.request.Context()), otherwise)
}

// promised is the length in the header, -1 without one.
func (c *conversation) promised() int64 {
	n, err := strconv.ParseInt(c.header.Get("Content-Length"), 10, 64)
	if err != nil {
		return -1
	}
	return n
}

func (c *conversation) handOver(body io.ReadCloser, length int64) {
	status := cmp.Or(c.status, http.StatusOK)
	c.response = &http.Response{
		Status:        fmt.Sprintf("%d %s", status, http.StatusText(status)),
		StatusCode:    status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        c.header.Clone(),
		Body:          body,
		ContentLength: length,
		Request:       c.request,
	}
	close(c.ready)
}

// Header is part of http.ResponseWriter.
func (c *conversation) Header() http.Header { return c.header }

// WriteHeader is part of http.ResponseWriter.
func (c *conversation) WriteHeader(status int) { c.status = cmp.Or(c.status, status) }

// Write is part of http.ResponseWriter.
func (c *conversation) Write(p []byte) (int, error) {
	c.WriteHeader(http.StatusOK)
	if c.stream == nil {
		return c.buffer.Write(p)
	}
	n, err := c.stream.Write(p)
	c.streamed += int64(n)
	return n, err
}

// Flush is part of http.Flusher.
func (c *conversation) Flush() {
	if c.stream != nil {
		return
	}
	reader, writer := io.Pipe()
	forget := context.AfterFunc(c.request.Context(), func() {
		_ = writer.CloseWithError(context.Cause(c.request.Context()))
	})
	c.stream = writer
	c.handOver(&streamBody{PipeReader: reader, done: func() { forget(); c.hangUp() }}, c.promised())
	_, _ = c.Write(c.buffer.Bytes())
}

// A streamBody tells the handler when the client has closed the body.
type streamBody struct {
	*io.PipeReader
	done func()
}

// Close is part of io.ReadCloser.
func (b *streamBody) Close() error {
	b.done()
	return b.PipeReader.Close()
}

// A brokenReader is a connection that broke.
type brokenReader struct{}

// Read is part of io.Reader.
func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
