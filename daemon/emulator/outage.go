package emulator

import "time"

// An outage is a span in which the server is away.
type outage struct{ from, to int64 }

// Down takes the server away until it is called with false. Through the transport
// of the lab no connection comes about, so a client knows that nothing was sent; over a socket
// the connection is cut without an answer.
func (e *Emulator) Down(down bool) {
	e.faults.mu.Lock()
	defer e.faults.mu.Unlock()
	e.faults.down = down
}

// DownBetween takes the server away from one instant of its clock until just
// before another, beside whatever Down says.
func (e *Emulator) DownBetween(from, to time.Time) {
	e.faults.mu.Lock()
	defer e.faults.mu.Unlock()
	e.faults.outages = append(e.faults.outages, outage{from.UnixMilli(), to.UnixMilli()})
}

// Away reports whether the server is away, and counts the requests that find it
// so. ServeHTTP asks by itself.
func (e *Emulator) Away() bool {
	now := e.issuer.now()
	e.faults.mu.Lock()
	away := e.faults.down
	for _, o := range e.faults.outages {
		away = away || (o.from <= now && now < o.to)
	}
	e.faults.mu.Unlock()
	if away {
		e.issuer.mu.Lock()
		defer e.issuer.mu.Unlock()
		e.issuer.stats.Unreachable++
	}
	return away
}
