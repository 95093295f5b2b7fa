package circuit

import (
	"time"

	"webex-tokend/daemon/config"
)

// A refusal in words that mean the client can still be the fault of one grant: a
// token of another client, a scope that was withdrawn for one user. So the client
// is under suspicion first, and another grant of it is tried at once.

const (
	// lately is how long an acceptance speaks for a client.
	lately = ProbePause
	// ownFor is how long a refusal is known to be a grant's own.
	ownFor = 7 * 24 * time.Hour
)

// A Blame says whether the client or one grant is at fault.
type Blame int

const (
	// TheClient is refused, or is already.
	TheClient Blame = iota
	// TheGrant alone: the client was accepted for others.
	TheGrant
	// Unclear: another grant is to be tried, and then Cleared or Refused tells.
	Unclear
)

// A suspicion holds the latest news of a client that is not refused.
type suspicion struct {
	accepted   string // the grant for which it was last
	acceptedAt time.Time
	suspect    string               // the grant whose refusal is being looked into
	own        map[string]time.Time // grants whose refusals are their own, since when
}

// Blame judges a refusal of the client that came for a grant. After Unclear, the
// caller tries another grant and then calls Settled.
func (c *Circuits) Blame(in *config.Integration, grant string, now time.Time) Blame {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.suspicions[in.Name]
	if s == nil {
		s = &suspicion{own: make(map[string]time.Time)}
		c.suspicions[in.Name] = s
	}
	switch since := s.own[grant]; {
	case c.open[in.Name] != nil:
		return TheClient
	case s.suspect != "" && s.suspect != grant:
		return TheClient // refused for two at once
	case s.suspect == grant:
		return Unclear
	case !since.IsZero() && now.Sub(since) < ownFor:
		return TheGrant
	case s.accepted != "" && s.accepted != grant && now.Sub(s.acceptedAt) < lately && len(s.own) == 0:
		s.own[grant] = now
		return TheGrant
	}
	s.suspect = grant
	return Unclear
}

// Settled ends a suspicion: sound reports that the client was accepted for
// another grant, so that the refusal is the grant's own.
func (c *Circuits) Settled(in *config.Integration, grant string, sound bool, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.suspicions[in.Name]
	if s == nil {
		return
	}
	if s.suspect == grant {
		s.suspect = ""
	}
	if sound {
		s.own[grant] = now
	}
}

// vouch notes that the client was accepted for a grant. c.mu is held.
func (c *Circuits) vouch(integration, grant string, now time.Time) {
	s := c.suspicions[integration]
	if s == nil {
		s = &suspicion{own: make(map[string]time.Time)}
		c.suspicions[integration] = s
	}
	s.accepted, s.acceptedAt = grant, now
	delete(s.own, grant)
}
