package circuit

import (
	"crypto/sha256"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/store"
)

// Passable reports how many requests an integration may send now: all, or, while
// its client is refused, one when it is time to try. A secret that was changed
// closes the circuit: whoever changed it meant to fix what was wrong.
func (c *Circuits) Passable(in *config.Integration, now time.Time) (all, one bool) {
	c.mu.Lock()
	open := c.open[in.Name]
	c.mu.Unlock()
	if open == nil {
		return true, true
	}
	secrets := digest(in)
	c.mu.Lock()
	defer c.mu.Unlock()
	if secrets != open.secrets && c.open[in.Name] == open {
		delete(c.open, in.Name)
		c.log.Info("client secret changed, trying the client again", "integration", in.Name)
		return true, true
	}
	return false, !now.Before(open.probeAt)
}

// Untried lists the grants for which the client was not refused when it was
// tried for them last. When it was for all of them, the next round begins.
func (c *Circuits) Untried(integration string, due []store.DueGrant) (list []store.DueGrant) {
	c.mu.Lock()
	defer c.mu.Unlock()
	refused := c.refusals[integration]
	for _, g := range due {
		if !refused[g.Name] {
			list = append(list, g)
		}
	}
	if len(list) == 0 {
		clear(refused)
	}
	return list
}

// digest identifies the secrets as they are on disk now; they are read again
// so that rotating one needs no reload.
func digest(in *config.Integration) [sha256.Size]byte {
	h := sha256.New()
	for _, file := range in.Secrets {
		secret, err := file.Read()
		if err != nil {
			h.Write([]byte{0})
			continue
		}
		h.Write([]byte(secret.Reveal()))
		h.Write([]byte{1})
	}
	return [sha256.Size]byte(h.Sum(nil))
}
