package api

import (
	"context"
	"io"
	"net"
	"sync"
	"time"

	"webex-tokend/daemon/acl"
	"webex-tokend/daemon/socket"
)

// The socket is open to every local user, and a connection costs a goroutine,
// two buffers and a descriptor. So that one user cannot keep the others out,
// each has a share of its own; all but root share the total. A user may have
// thousands of subordinate numbers (subuid(5)) and so be as many users, which no
// block names. So strangers have a share of the total, however many they are.
const (
	totalShare    = 1024
	strangerShare = 512
	userShare     = 256
)

// A crowd is a listener that knows who is connected. Accept turns away whoever
// has used up a share, and anybody when the process has no descriptor left.
type crowd struct {
	*socket.Patient
	rules func() *acl.Rules

	mu        sync.Mutex
	total     int // without root
	strangers int
	byUser    map[uint32]int
}

func newCrowd(l *net.UnixListener, rules func() *acl.Rules) *crowd {
	c := &crowd{Patient: socket.NewPatient(l), rules: rules, byUser: make(map[uint32]int)}
	c.TurnAway = turnAway
	return c
}

// turnAway writes a whole answer, because http.Server never sees the
// connection. It fits into the empty buffer of a new socket: nobody waits.
func turnAway(conn *net.UnixConn) {
	_ = conn.SetWriteDeadline(time.Now().Add(time.Second))
	_, _ = io.WriteString(conn, "HTTP/1.1 503 Service Unavailable\r\n"+
		"Content-Type: application/problem+json\r\nRetry-After: 1\r\nConnection: close\r\n\r\n"+
		`{"title":"Service Unavailable","status":503,"detail":"too many connections","state":"","reason":"","action":""}`+"\n")
}

// Accept returns the next connection within its user's share.
func (c *crowd) Accept() (net.Conn, error) {
	for {
		conn, err := c.AcceptUnix()
		if err != nil {
			return nil, err
		}
		peer, err := acl.Identify(conn)
		if err != nil {
			// The other side is gone, or the kernel does not tell who it is.
			_ = conn.Close()
			continue
		}
		stranger := !c.rules().Named(peer)
		if !c.enter(peer.UID, stranger) {
			turnAway(conn)
			_ = conn.Close()
			continue
		}
		leave := sync.OnceFunc(func() { c.leave(peer.UID, stranger) })
		return &member{UnixConn: conn, peer: peer, leave: leave}, nil
	}
}

func (c *crowd) enter(uid uint32, stranger bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byUser[uid] >= userShare || uid != 0 && c.total >= totalShare || stranger && c.strangers >= strangerShare {
		return false
	}
	c.byUser[uid]++
	if uid != 0 {
		c.total++
	}
	if stranger {
		c.strangers++
	}
	return true
}

func (c *crowd) leave(uid uint32, stranger bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byUser[uid]--; c.byUser[uid] == 0 {
		delete(c.byUser, uid)
	}
	if uid != 0 {
		c.total--
	}
	if stranger {
		c.strangers--
	}
}

// A member is a connection that counts until it is closed.
type member struct {
	*net.UnixConn
	peer  acl.Peer
	leave func()
}

// withPeer serves http.Server.ConnContext.
func withPeer(ctx context.Context, conn net.Conn) context.Context {
	if m, ok := conn.(*member); ok {
		return acl.NewContext(ctx, m.peer)
	}
	return ctx
}

// Close frees the member's place.
func (m *member) Close() error {
	m.leave()
	return m.UnixConn.Close()
}
