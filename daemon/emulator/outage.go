package emulator

import "time"

// An outage is a span in which the server is away.
type outage struct{ from, to int64 }

// Down takes the server away until it is called with false. Through Transport no
// connection comes about, so a client knows that nothing was sent; over a socket
// the connection is cut without an answer.
func (e *Emulator) Down(down bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.down = down
}

// DownBetween takes the server away from one instant of its clock until just
// before another, beside whatever Down says.
func (e *Emulator) DownBetween(from, to time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.outages = append(e.outages, outage{from.UnixMilli(), to.UnixMilli()})
}

// away reports whether the server is away, and counts the requests that find it
// so.
func (e *Emulator) away() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.now()
	away := e.down
	for _, o := range e.outages {
		away = away || (o.from <= now && now < o.to)
	}
	if away {
		e.stats.Unreachable++
	}
	return away
}
