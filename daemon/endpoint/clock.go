package endpoint

import "time"

// A skew of more than skewBound is logged, once; one of less than skewCured ends
// it. What lies between keeps the log calm.
const (
	skewBound = 30 * time.Second
	skewCured = 15 * time.Second
)

// Skew is how far a server's clock is ahead of ours. Its Date has whole seconds
// and is compared with the middle of the exchange; 0 where it cannot be told.
func Skew(server, sent, answered time.Time) time.Duration {
	skew := server.Sub(sent.Add(answered.Sub(sent) / 2))
	if skew.Abs() < time.Second {
		return 0
	}
	return skew
}

// CompareClocks notes what the Date of an answer says of the endpoint's clock and
// ours; the zero time says nothing.
func (e *Endpoint) CompareClocks(server, sent, answered time.Time) {
	if server.IsZero() {
		return
	}
	is := Skew(server, sent, answered)
	e.mu.Lock()
	was := e.skewed
	e.skew = is
	e.skewed = is.Abs() > skewBound || was && is.Abs() >= skewCured
	now := e.skewed
	e.mu.Unlock()
	switch {
	case e.set == nil || was == now:
	case now:
		e.set.log.Warn("the clock of the token endpoint and ours differ", "token_url", e.url, "ahead_by", is.Round(time.Second).String())
	default:
		e.set.log.Info("the clock of the token endpoint and ours agree again", "token_url", e.url)
	}
}

func (e *Endpoint) clock() time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.skew
}
