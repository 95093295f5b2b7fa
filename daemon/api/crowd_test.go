package api_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"webex-tokend/daemon/acl"
)

// connect opens a connection as that user and asks for the daemon's health.
// It returns the status, and the connection for as long as the test wants it.
func connect(t *testing.T, socket string, uid int) (int, net.Conn) {
	t.Helper()
	conn, err := dialAs(socket, uid)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	// A connection that is turned away may be closed before this is written.
	_, _ = io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("user %d: %v", uid, err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	if resp.StatusCode == http.StatusServiceUnavailable && !strings.Contains(string(body), "too many connections") {
		t.Fatalf("user %d is answered with %q", uid, body)
	}
	return resp.StatusCode, conn
}

func TestAUserWithTooManyConnectionsKeepsNobodyElseOut(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("connecting as another user takes root")
	}
	h := begin(t)
	const share = 256
	var last net.Conn
	for i := range share {
		status, conn := connect(t, h.socket, stranger)
		if status != http.StatusOK {
			t.Fatalf("connection %d of %d: status %d", i+1, share, status)
		}
		last = conn
	}
	if status, _ := connect(t, h.socket, stranger); status != http.StatusServiceUnavailable {
		t.Errorf("one connection too many: status %d", status)
	}
	for _, uid := range []int{0, stranger + 1} {
		if status, _ := connect(t, h.socket, uid); status != http.StatusOK {
			t.Errorf("user %d is kept out by another: status %d", uid, status)
		}
	}
	// A connection that ends makes room; the server has to notice it first.
	last.Close()
	for {
		if status, _ := connect(t, h.socket, stranger); status == http.StatusOK {
			return
		}
	}
}

// A user with subordinate numbers is as many users as he likes.
func TestStrangersOfManyNumbersKeepNobodyOutWhomABlockNames(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("connecting as another user takes root")
	}
	const share = 512
	h := begin(t)
	h.allow([]acl.Action{acl.Status}, "ops")
	for i := range share {
		if status, _ := connect(t, h.socket, stranger+1+i/100); status != http.StatusOK {
			t.Fatalf("connection %d of %d: status %d", i+1, share, status)
		}
	}
	if status, _ := connect(t, h.socket, stranger+100); status != http.StatusServiceUnavailable {
		t.Errorf("one stranger too many: status %d", status)
	}
	for range 20 {
		if status, _ := connect(t, h.socket, stranger); status != http.StatusOK {
			t.Fatalf("a user whom a block names is kept out by strangers: status %d", status)
		}
	}
}
