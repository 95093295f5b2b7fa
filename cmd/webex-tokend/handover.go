package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// A handover leads the browser of the user who runs this process to a link that
// nobody else may have. The browser is started with the address of the handover,
// which holds no secret; the link goes over a connection whose other end the
// kernel says to be the same user's. A file would do as well, but for browsers
// in a sandbox that does not show it to them.
type handover struct {
	link   string
	url    string // for arguments
	server *http.Server
	once   sync.Once
	served chan struct{} // closed when the link was handed over
}

// newHandover begins to listen. close ends it.
func newHandover(ctx context.Context, link string) (*handover, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("lead the browser to the link: %w", err)
	}
	h := &handover{link: link, url: "http://" + listener.Addr().String() + "/", served: make(chan struct{})}
	h.server = &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = h.server.Serve(listener) }() // until close
	return h, nil
}

// close lets the answer under way be written.
func (h *handover) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	_ = h.server.Shutdown(ctx)
}

func (h *handover) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Content-Security-Policy", "default-src 'none'")
	header.Set("Content-Type", "text/html; charset=utf-8")
	// A foreign name that was made to point here is somebody else's page.
	if r.URL.Path != "/" || "http://"+r.Host+"/" != h.url {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	if uid, err := ownerOf(r.RemoteAddr, r.Host); err != nil || uid != os.Getuid() {
		w.WriteHeader(http.StatusForbidden)
		page(w, "This link is for the browser of another user. It stands in the terminal as well.")
		return
	}
	header.Set("Location", h.link)
	w.WriteHeader(http.StatusSeeOther)
	if r.Method == http.MethodGet {
		h.once.Do(func() { close(h.served) })
	}
}

// showInBrowser starts the browser on a link, which is handed over until close.
func showInBrowser(ctx context.Context, link string) (*handover, error) {
	h, err := newHandover(ctx, link)
	if err != nil {
		return nil, err
	}
	if err := openBrowser(h.url); err != nil {
		h.close()
		return nil, err
	}
	return h, nil
}
