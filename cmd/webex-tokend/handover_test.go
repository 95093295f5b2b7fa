package main

import (
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Another user of the host, who saw where the browser was sent, could fetch the
// link before it.
func TestALinkIsHandedToABrowserOfItsUserAlone(t *testing.T) {
	const link = "http://127.0.0.1:1/ui/open/SECRET"
	h, err := newHandover(t.Context(), link)
	if err != nil {
		t.Fatal(err)
	}
	defer h.close()
	if strings.Contains(h.url, "SECRET") {
		t.Errorf("the argument of the browser is %s", h.url)
	}
	status, location := askAs(t, h, os.Getuid())
	if status != http.StatusSeeOther || location != link {
		t.Errorf("the user's own browser gets %d, %q", status, location)
	}
	select {
	case <-h.served:
	default:
		t.Error("the handover does not end")
	}
	if os.Getuid() != 0 {
		t.Skip("to be another user takes root")
	}
	if status, location = askAs(t, h, 41_414); status != http.StatusForbidden || location != "" {
		t.Errorf("another user gets %d, %q", status, location)
	}
}

func TestALinkIsHandedToNoPageOfAForeignName(t *testing.T) {
	h, err := newHandover(t.Context(), "http://127.0.0.1:1/ui/open/SECRET")
	if err != nil {
		t.Fatal(err)
	}
	defer h.close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "evil.example"
	r.Close = true
	answer, err := new(http.Transport).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusNotFound {
		t.Errorf("got %d", answer.StatusCode)
	}
}

// askAs asks over a socket that a user made. The thread that took his place for
// files, which sockets are, ends with its goroutine.
func askAs(t *testing.T, h *handover, uid int) (status int, location string) {
	t.Helper()
	server, err := net.ResolveTCPAddr("tcp4", strings.Trim(strings.TrimPrefix(h.url, "http:"), "/"))
	if err != nil {
		t.Fatal(err)
	}
	type dialled struct {
		*net.TCPConn
		err error
	}
	made := make(chan dialled)
	go func() {
		runtime.LockOSThread()
		if uid != os.Getuid() {
			_ = unix.Setfsuid(uid)
		}
		c, err := net.DialTCP("tcp4", nil, server)
		made <- dialled{c, err}
	}()
	connection := <-made
	if connection.err != nil {
		t.Fatal(connection.err)
	}
	defer connection.Close()
	if _, err := io.WriteString(connection, "GET / HTTP/1.0\r\nHost: "+server.String()+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(connection)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(answer)) {
		if code, found := strings.CutPrefix(line, "HTTP/1.0 "); found {
			status = int(code[0]-'0')*100 + int(code[1]-'0')*10 + int(code[2]-'0')
		}
		if to, found := strings.CutPrefix(line, "Location: "); found {
			location = strings.TrimSpace(to)
		}
	}
	return status, location
}
