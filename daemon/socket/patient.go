package socket

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// A Patient listener accepts until it is closed. What else goes wrong is
// waited out: an accept that fails says something of the process or of the
// other side, not of the socket.
type Patient struct {
	*net.UnixListener
	// TurnAway is given a connection for which no descriptor is left but the
	// one in reserve; nil closes it. It must return at once.
	TurnAway func(*net.UnixConn)

	mu      sync.Mutex
	reserve *os.File
	closed  bool
}

// Bounds of the pause after an accept that failed.
const (
	shortestPause = 5 * time.Millisecond
	longestPause  = time.Second
)

// NewPatient takes a descriptor in reserve.
func NewPatient(l *net.UnixListener) *Patient {
	p := &Patient{UnixListener: l}
	p.keepReserve()
	return p
}

// AcceptUnix returns the next connection. Its only error is net.ErrClosed.
func (p *Patient) AcceptUnix() (*net.UnixConn, error) {
	pause := shortestPause
	for {
		conn, err := p.UnixListener.AcceptUnix()
		switch {
		case err == nil:
			return conn, nil
		case errors.Is(err, net.ErrClosed):
			return nil, net.ErrClosed
		case errors.Is(err, unix.EMFILE), errors.Is(err, unix.ENFILE):
			p.turnAwayOne()
		}
		time.Sleep(pause)
		pause = min(2*pause, longestPause)
	}
}

// turnAwayOne spends the reserve on telling one caller, who would wait for an
// answer that nobody gives. When another part of the process takes the
// descriptor first, the next round tries again.
func (p *Patient) turnAwayOne() {
	p.dropReserve()
	defer p.keepReserve()
	_ = p.SetDeadline(time.Now().Add(shortestPause))
	conn, err := p.UnixListener.AcceptUnix()
	_ = p.SetDeadline(time.Time{})
	if err != nil {
		return
	}
	if p.TurnAway != nil {
		p.TurnAway(conn)
	}
	_ = conn.Close()
}

func (p *Patient) keepReserve() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reserve == nil && !p.closed {
		p.reserve, _ = os.Open(os.DevNull)
	}
}

func (p *Patient) dropReserve() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reserve != nil {
		_ = p.reserve.Close()
		p.reserve = nil
	}
}

// Close ends AcceptUnix.
func (p *Patient) Close() error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.dropReserve()
	return p.UnixListener.Close()
}
