package api

import (
	"fmt"
	"net"
	"sync"
	"time"

	"webex-tokend/daemon/acl"
	"webex-tokend/daemon/socket"
)

// The socket is open to every local user, and a connection costs a goroutine,
// two buffers and a descriptor. So that one user cannot keep the others out,
// each has a share of its own; all but root share the total.
const (
	totalShare = 1024
	userShare  = 256
)

// A crowd is a listener that knows who is connected. Accept turns away whoever
// has used up a share, and anybody when the process has no descriptor left.
type crowd struct {
	*socket.Patient

	mu     sync.Mutex
	total  int // without root
	byUser map[uint32]int
}

func newCrowd(l *net.UnixListener) *crowd {
	c := &crowd{Patient: socket.NewPatient(l), byUser: make(map[uint32]int)}
	c.TurnAway = func(conn *net.UnixConn) { turnAway(conn, "too many connections") }
	return c
}

// turnAway writes a whole answer, because http.Server never sees the
// connection. It fits into the empty buffer of a new socket: nobody waits.
func turnAway(conn *net.UnixConn, why string) {
	_ = conn.SetWriteDeadline(time.Now().Add(time.Second))
	_, _ = fmt.Fprintf(conn, "HTTP/1.1 503 Service Unavailable\r\n"+
		"Content-Type: application/problem+json\r\nRetry-After: 1\r\nConnection: close\r\n\r\n"+
		`{"title":"Service Unavailable","status":503,"detail":%q,"state":"","reason":"","action":""}`+"\n", why)
}

// Accept returns the next connection within its user's share.
func (c *crowd) Accept() (net.Conn, error) {
	for {
		conn, err := c.AcceptUnix()
		if err != nil {
			return nil, err
		}
		peer, err := acl.PeerOf(conn)
		if err != nil {
			// The other side is gone, or the kernel does not tell who it is.
			_ = conn.Close()
			continue
		}
		if !c.enter(peer.UID) {
			turnAway(conn, "too many connections of this user")
			_ = conn.Close()
			continue
		}
		return &member{UnixConn: conn, leave: sync.OnceFunc(func() { c.leave(peer.UID) })}, nil
	}
}

func (c *crowd) enter(uid uint32) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byUser[uid] >= userShare || uid != 0 && c.total >= totalShare {
		return false
	}
	c.byUser[uid]++
	if uid != 0 {
		c.total++
	}
	return true
}

func (c *crowd) leave(uid uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byUser[uid]--; c.byUser[uid] == 0 {
		delete(c.byUser, uid)
	}
	if uid != 0 {
		c.total--
	}
}

// A member is a connection that counts until it is closed.
type member struct {
	*net.UnixConn
	leave func()
}

// Close frees the member's place.
func (m *member) Close() error {
	m.leave()
	return m.UnixConn.Close()
}
