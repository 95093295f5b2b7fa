package connection

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// A party is a server with two places and one to spare. A request for /stay lasts
// until the end.
type party struct {
	t      *testing.T
	limit  *Limit
	server *httptest.Server
	inside chan struct{} // one sent by each request for /stay
}

func newParty(t *testing.T) *party {
	p := &party{t: t, limit: New(Config{Most: 2, Spare: 1, Always: []string{"/healthz", "/readyz"}}), inside: make(chan struct{})}
	leave := make(chan struct{})
	p.server = httptest.NewUnstartedServer(p.limit.Admit(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/stay" {
			p.inside <- struct{}{}
			<-leave
		}
	})))
	p.server.Config.ConnContext, p.server.Config.ConnState = p.limit.Enter, p.limit.Changed
	p.server.Start()
	t.Cleanup(func() { close(leave); p.server.Close() })
	return p
}

// silent connects and says nothing, or the first line of a request alone.
func (p *party) silent(says string) net.Conn {
	p.t.Helper()
	p.limit.mu.Lock()
	before := p.limit.came
	p.limit.mu.Unlock()
	conn, err := net.Dial("tcp", p.server.Listener.Addr().String())
	if err == nil {
		_, err = io.WriteString(conn, says)
	}
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { conn.Close() })
	for came := before; came == before; time.Sleep(time.Millisecond) {
		p.limit.mu.Lock()
		came = p.limit.came
		p.limit.mu.Unlock()
	}
	return conn
}

// get uses a connection of its own.
func (p *party) get(path string) (status int) {
	p.t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(p.server.URL + path)
	if err != nil {
		p.t.Errorf("%s: %v", path, err)
		return 0
	}
	resp.Body.Close()
	return resp.StatusCode
}

// A few hundred connections that said nothing held up every page, and the probes of
// health, until they were cut off ten seconds later.
func TestWhoConnectsAndSaysNothingHoldsUpNobody(t *testing.T) {
	for _, says := range []string{"", "GET / HTTP/1.1\r\n"} {
		p := newParty(t)
		first := p.silent(says)
		for range 20 {
			p.silent(says)
			if status := p.get("/"); status != http.StatusOK {
				t.Errorf("a page is answered %d", status)
			}
		}
		if n, err := first.Read(make([]byte, 1)); n != 0 || err == nil {
			t.Errorf("who came first is still there: %d bytes, %v", n, err)
		}
	}
}

func TestHealthIsToldWhenAllPlacesAreInUse(t *testing.T) {
	p := newParty(t)
	for range 2 {
		go func() { p.get("/stay") }()
		<-p.inside
	}
	p.silent("")
	for range 3 {
		if status := p.get("/"); status != http.StatusServiceUnavailable {
			t.Errorf("a page is answered %d", status)
		}
		for _, path := range []string{"/healthz", "/readyz"} {
			if status := p.get(path); status != http.StatusOK {
				t.Errorf("%s is answered %d", path, status)
			}
		}
	}
}
